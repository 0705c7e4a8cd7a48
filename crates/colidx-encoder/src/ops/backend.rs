//! Where operations compute and with which numbers.

use candle_core::Tensor;

use crate::{Device, EncoderError, EncoderOptions, Precision};

/// How the operations of a model are carried out.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// By the kernels of colidx-kernels, on the processor.
    Native(Precision),
    /// By candle's own operations in f32 on any device: a GPU, or the processor where tests take them as the oracle.
    Candle(candle_core::Device),
}

impl Backend {
    /// What `options` ask for.
    ///
    /// # Errors
    /// If the device is not there, or cannot compute at the precision.
    pub(crate) fn of(options: &EncoderOptions) -> Result<Backend, EncoderError> {
        let (precision, device) = (options.precision, options.device);
        let found = match device {
            Device::Cpu => return Ok(Backend::Native(precision)),
            // One stream for all threads. The default is a stream for each thread, and nothing then orders what a thread of
            // the pool put on the GPU before what another reads, nor products that share the workspace of a cuBLAS handle.
            Device::Cuda(number) => candle_core::Device::new_cuda_with_stream(number),
            Device::Metal(number) => candle_core::Device::new_metal(number),
        };
        if precision != Precision::F32 {
            return Err(EncoderError::DevicePrecision { device, precision });
        }
        found
            .map(Backend::Candle)
            .map_err(|error| EncoderError::NoDevice {
                device,
                problem: without_backtrace(&error).to_string(),
            })
    }

    /// The same place with all the digits of f32.
    pub(crate) fn exact(&self) -> Backend {
        match self {
            Backend::Native(_) => Backend::Native(Precision::F32),
            Backend::Candle(device) => Backend::Candle(device.clone()),
        }
    }

    /// Where candle keeps the tensors that pass from one operation to the next.
    pub(crate) fn device(&self) -> &candle_core::Device {
        match self {
            Backend::Native(_) => &candle_core::Device::Cpu,
            Backend::Candle(device) => device,
        }
    }

    /// `values`, `[rows, width]`, as a tensor in its place.
    pub(crate) fn matrix(&self, values: &[f32], width: usize) -> candle_core::Result<Tensor> {
        Tensor::from_slice(values, (values.len() / width, width), self.device())
    }
}

/// What candle's `error` says without the backtrace that it prints under `RUST_BACKTRACE`.
fn without_backtrace(error: &candle_core::Error) -> &candle_core::Error {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => without_backtrace(inner),
        error => error,
    }
}

impl Default for Backend {
    fn default() -> Backend {
        Backend::Native(Precision::default())
    }
}
