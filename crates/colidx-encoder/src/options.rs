//! How an encoder computes.

use std::fmt;
use std::str::FromStr;

/// What a checkpoint is opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncoderOptions {
    /// The numbers that the transformer's layers compute with.
    pub precision: Precision,
    /// Where they are computed.
    pub device: Device,
    /// Text put before every query, in place of the checkpoint's own prompt; empty for none.
    pub query_prompt: Option<String>,
    /// Text put before every document, in place of the checkpoint's own prompt; empty for none.
    pub document_prompt: Option<String>,
    /// Tokens of a query, in place of the checkpoint's own length.
    pub query_length: Option<usize>,
    /// Tokens of a document, in place of the checkpoint's own length.
    pub document_length: Option<usize>,
}

/// The numbers that the matrix products of the transformer's layers compute with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floats: the vectors of PyLate, to rounding.
    #[default]
    F32,
    /// 8-bit integers, weights scaled by output channel and activations by token; a few times faster on processors.
    Int8,
}

/// Where an encoder computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor, on the threads of the current rayon pool.
    #[default]
    Cpu,
    /// The CUDA device of that number; needs the feature `cuda`.
    Cuda(usize),
    /// The Metal device of that number; needs the feature `metal`.
    Metal(usize),
}

/// A name that [`Precision`] or [`Device`] does not have.
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

    /// `cpu`, `cuda`, `cuda:N`, `metal` or `metal:N`.
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
    fn names_are_read_as_they_are_written() {
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
