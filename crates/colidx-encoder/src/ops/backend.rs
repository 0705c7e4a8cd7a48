//! Where operations compute, and in which precision.

use candle_core::Tensor;

use crate::{Device, EncoderError, EncoderOptions, Precision};

/// The implementation of a model's operations.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// The kernels of colidx-kernels, on the processor.
    Native(Precision),
    /// Candle's own operations in f32 on any device: a GPU, or the processor, where tests use them
    /// as the reference.
    Candle(candle_core::Device),
}

impl Backend {
    /// The backend for `options`.
    ///
    /// # Errors
    /// If the device is missing, or does not compute at the precision.
    pub(crate) fn of(options: &EncoderOptions) -> Result<Backend, EncoderError> {
        let (precision, device) = (options.precision, options.device);
        let found = match device {
            Device::Cpu => return Ok(Backend::Native(precision)),
            // One stream for all threads. By default each thread has its own, and nothing orders
            // the work of one thread before that of another, nor products that share a cuBLAS
            // workspace.
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

    /// The same backend in f32.
    pub(crate) fn exact(&self) -> Backend {
        match self {
            Backend::Native(_) => Backend::Native(Precision::F32),
            Backend::Candle(device) => Backend::Candle(device.clone()),
        }
    }

    /// The device of the tensors passed between operations.
    pub(crate) fn device(&self) -> &candle_core::Device {
        match self {
            Backend::Native(_) => &candle_core::Device::Cpu,
            Backend::Candle(device) => device,
        }
    }

    /// `values`, `[rows, width]`, as a tensor on the device.
    pub(crate) fn matrix(&self, values: &[f32], width: usize) -> candle_core::Result<Tensor> {
        Tensor::from_slice(values, (values.len() / width, width), self.device())
    }
}

/// The error without the backtrace that candle adds under `RUST_BACKTRACE`.
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
