//! How an encoder computes.

use std::fmt;
use std::str::FromStr;

/// Options to open a checkpoint with.
///
/// ```
/// use colidx_encoder::{EncoderOptions, Precision};
///
/// let options = EncoderOptions::default()
///     .precision(Precision::Int8)
///     .document_length(300);
/// assert_eq!(options.document_length, Some(300));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncoderOptions {
    /// Precision of the transformer's layers.
    pub precision: Precision,
    /// Where the encoder computes.
    pub device: Device,
    /// Text put before every query instead of the checkpoint's own prompt; empty for none.
    pub query_prompt: Option<String>,
    /// Text put before every document instead of the checkpoint's own prompt; empty for none.
    pub document_prompt: Option<String>,
    /// Maximum tokens of a query instead of the checkpoint's own length.
    pub query_length: Option<usize>,
    /// Maximum tokens of a document instead of the checkpoint's own length.
    pub document_length: Option<usize>,
}

impl EncoderOptions {
    /// Sets the [precision](Self::precision) of the transformer's layers.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> EncoderOptions {
        self.precision = precision;
        self
    }

    /// Sets the [device](Self::device).
    #[must_use]
    pub fn device(mut self, device: Device) -> EncoderOptions {
        self.device = device;
        self
    }

    /// Replaces the [prompt of queries](Self::query_prompt); `None` keeps the checkpoint's own.
    #[must_use]
    pub fn query_prompt(mut self, prompt: impl Into<Option<String>>) -> EncoderOptions {
        self.query_prompt = prompt.into();
        self
    }

    /// Replaces the [prompt of documents](Self::document_prompt); `None` keeps the checkpoint's
    /// own.
    #[must_use]
    pub fn document_prompt(mut self, prompt: impl Into<Option<String>>) -> EncoderOptions {
        self.document_prompt = prompt.into();
        self
    }

    /// Replaces the [length of queries](Self::query_length); `None` keeps the checkpoint's own.
    #[must_use]
    pub fn query_length(mut self, tokens: impl Into<Option<usize>>) -> EncoderOptions {
        self.query_length = tokens.into();
        self
    }

    /// Replaces the [length of documents](Self::document_length); `None` keeps the checkpoint's
    /// own.
    #[must_use]
    pub fn document_length(mut self, tokens: impl Into<Option<usize>>) -> EncoderOptions {
        self.document_length = tokens.into();
        self
    }
}

/// Precision of the matrix products in the transformer's layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats: the vectors of PyLate, up to rounding.
    #[default]
    F32,
    /// 8-bit integers, with a scale for each output of the weights and each token of the
    /// activations. A few times faster on processors.
    Int8,
}

/// Where an encoder computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The processor, on the threads of the current rayon pool.
    #[default]
    Cpu,
    /// The CUDA device with this number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device with this number; needs the feature `metal`.
    Metal(usize),
}

/// A text that names no [`Precision`] or no [`Device`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of {known}")]
pub struct UnknownName {
    found: String,
    known: &'static str,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Precision, UnknownName> {
        match name {
            "f32" => Ok(Precision::F32),
            "int8" => Ok(Precision::Int8),
            _ => Err(UnknownName {
                found: name.to_owned(),
                known: "f32, int8",
            }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(n) => write!(f, "cuda:{n}"),
            Device::Metal(n) => write!(f, "metal:{n}"),
        }
    }
}

impl FromStr for Device {
    type Err = UnknownName;

    /// Parses `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`.
    fn from_str(name: &str) -> Result<Device, UnknownName> {
        let unknown = || UnknownName {
            found: name.to_owned(),
            known: "cpu, cuda, cuda:N, metal, metal:N",
        };
        let (kind, number) = match name.split_once(':') {
            Some((kind, number)) => (kind, Some(number.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (kind, number) {
            ("cpu", None) => Ok(Device::Cpu),
            ("cuda", number) => Ok(Device::Cuda(number.unwrap_or(0))),
            ("metal", number) => Ok(Device::Metal(number.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back_to_their_values() {
        for device in [
            Device::Cpu,
            Device::Cuda(0),
            Device::Cuda(3),
            Device::Metal(1),
        ] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for precision in [Precision::F32, Precision::Int8] {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        for bad in ["cpu:0", "gpu", "cuda:", "cuda:-1", ""] {
            assert!(bad.parse::<Device>().is_err(), "{bad}");
        }
        let error = "fp16".parse::<Precision>().unwrap_err();
        assert_eq!(error.to_string(), "`fp16` is none of f32, int8");
    }
}
