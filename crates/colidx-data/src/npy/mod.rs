//! NumPy `.npy` files: streamed in, at random by element, and streamed out with a row count known
//! only at the end.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. Versions 1 to
//! 3 are read, 1 is written. Little-endian C-order arrays of the types that embedding files need;
//! everything else is refused by name. `V2`, as which numpy saves bfloat16, is read as that.

mod header;
mod read;
mod write;

use std::fmt;
use std::io;

use thiserror::Error;

pub use header::{Header, objects};
pub use read::NpyReader;
pub use write::NpyWriter;

/// The type of an array's elements, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE half precision, `<f2`.
    F16,
    /// The upper half of single precision, which numpy has no name for.
    Bf16,
    /// IEEE single precision, `<f4`.
    F32,
    /// IEEE double precision, `<f8`; read as single.
    F64,
    /// Signed 32 bits, `<i4`.
    I32,
    /// Signed 64 bits, `<i8`.
    I64,
    /// Unsigned 32 bits, `<u4`.
    U32,
    /// Bytes, `|u1` or `<u1`.
    U8,
}

impl Dtype {
    const ALL: [Dtype; 8] = [
        Dtype::F16,
        Dtype::Bf16,
        Dtype::F32,
        Dtype::F64,
        Dtype::I32,
        Dtype::I64,
        Dtype::U32,
        Dtype::U8,
    ];

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F16 | Dtype::Bf16 => 2,
            Dtype::F32 | Dtype::I32 | Dtype::U32 => 4,
            Dtype::F64 | Dtype::I64 => 8,
            Dtype::U8 => 1,
        }
    }

    /// The type that numpy calls `descr`, as in `<f4`; `None` if it is not supported.
    pub fn of(descr: &str) -> Option<Dtype> {
        match descr {
            // One byte has no order, but some writers name one.
            "<u1" => Some(Dtype::U8),
            "<V2" => Some(Dtype::Bf16),
            _ => Dtype::ALL.into_iter().find(|dtype| dtype.descr() == descr),
        }
    }

    /// Whether elements are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::Bf16 | Dtype::F32 | Dtype::F64)
    }

    fn descr(self) -> &'static str {
        match self {
            Dtype::F16 => "<f2",
            Dtype::Bf16 => "|V2",
            Dtype::F32 => "<f4",
            Dtype::F64 => "<f8",
            Dtype::I32 => "<i4",
            Dtype::I64 => "<i8",
            Dtype::U32 => "<u4",
            Dtype::U8 => "|u1",
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I32 => "i32",
            Dtype::I64 => "i64",
            Dtype::U32 => "u32",
            Dtype::U8 => "u8",
        })
    }
}

/// A `.npy` file that cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read: {source}; check that it exists and that you may read it")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// A folder stands where a file is needed.
    #[error("{file} is a folder, expected a .npy file; name a file in it")]
    IsFolder {
        /// The folder.
        file: String,
    },
    /// The file cannot be written.
    #[error(
        "{file}: cannot be written: {source}; check the folder's permissions and the free space on the disk"
    )]
    Unwritable {
        /// The file.
        file: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file does not start with the format's magic bytes.
    #[error("{file}: not a .npy file: it does not start with \\x93NUMPY; write it with numpy.save")]
    NotNpy {
        /// The file.
        file: String,
    },
    /// The version is none that this reader knows.
    #[error(
        "{file}: .npy version {major}.{minor} is not known, expected 1.0, 2.0 or 3.0; write it with numpy.save"
    )]
    Version {
        /// The file.
        file: String,
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// The header is damaged.
    #[error(
        "{file}: the .npy header is not valid: {reason}; the file is damaged: write it again with numpy.save"
    )]
    Header {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The element type is not supported at all.
    #[error("{file}: elements of type '{got}' are not supported; {advice}")]
    Unsupported {
        /// The file.
        file: String,
        /// The type, as numpy writes it.
        got: String,
        /// What to do.
        advice: &'static str,
    },
    /// The array is stored in Fortran order.
    #[error("{file}: the array is in Fortran order; save numpy.ascontiguousarray(array)")]
    FortranOrder {
        /// The file.
        file: String,
    },
    /// The file does not have the size that its header promises.
    #[error(
        "{file}: {shape} elements of {dtype} need {expected} bytes, the file has {got}; \
         it is truncated or damaged: write it again"
    )]
    Size {
        /// The file.
        file: String,
        /// The shape, as text.
        shape: String,
        /// The element type.
        dtype: Dtype,
        /// Bytes that header and shape need.
        expected: u64,
        /// Bytes the file has.
        got: u64,
    },
    /// The array has another type than is needed here.
    #[error("{file}: expected {expected}, got {got}; convert it with array.astype")]
    WrongType {
        /// The file.
        file: String,
        /// The types that would do.
        expected: &'static str,
        /// The type found.
        got: Dtype,
    },
    /// The array has another shape than is needed here.
    #[error("{file}: expected shape {expected}, got {got}; reshape the array before saving it")]
    WrongShape {
        /// The file.
        file: String,
        /// The shape that is needed.
        expected: &'static str,
        /// The shape found.
        got: String,
    },
    /// Elements were asked for that the array does not have.
    #[error(
        "{file}: elements {first} to {last} were asked for, the array has {elements}; report this as a bug"
    )]
    OutOfRange {
        /// The file.
        file: String,
        /// The first element asked for.
        first: u64,
        /// The element behind the last.
        last: u64,
        /// Elements in the array.
        elements: u64,
    },
}

/// A shape as Python writes it.
pub(crate) fn shape_text(shape: &[u64]) -> String {
    let sizes = shape
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if shape.len() == 1 {
        format!("({sizes},)")
    } else {
        format!("({sizes})")
    }
}

#[cfg(test)]
mod tests;
