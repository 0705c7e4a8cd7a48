//! Arrays in files of numpy, torch and safetensors, as one thing: where their elements lie.
//!
//! | file | arrays |
//! |---|---|
//! | `.npy` | one, without a name; of objects, those that it holds, by number |
//! | `.npz`, stored and not compressed | all that are in it, by name |
//! | `.safetensors` | all tensors, by name |
//! | `.pt`, `.pth` of `torch.save` | the tensors of a dict by name, of a list or tuple by number, or one without a name |
//!
//! The format is detected from the first bytes. Elements stay in the file until they are read.

mod npz;
mod objects;
mod safetensors;

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use colidx_pickle::torch::{self, Element, StoredTensor, TorchError};
use thiserror::Error;

use crate::file_name;
use crate::npy::{Dtype, Header, NpyError, NpyReader, shape_text};

pub use objects::objects;

/// A file of arrays that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// A `.npy` file, or the elements of any file, are bad.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The file is none that holds arrays.
    #[error(
        "{file}: expected a file of arrays (.npy, .npz, .safetensors, or .pt of torch.save), got {got}; \
         save the vectors in one of these forms"
    )]
    NotArrays {
        /// The file.
        file: String,
        /// What it is.
        got: &'static str,
    },
    /// The file is none that `torch.save` wrote, or damaged.
    #[error("{file}: expected tensors of torch.save, {source}; save the tensors again")]
    Torch {
        /// The file.
        file: String,
        /// What is wrong.
        source: TorchError,
    },
    /// A `.npz` or `.safetensors` file is damaged or has a form that is not read.
    #[error("{file}: expected {expected}, {got}; save the arrays again, with {writer}")]
    Damaged {
        /// The file.
        file: String,
        /// What it seems to be.
        expected: &'static str,
        /// What is wrong.
        got: String,
        /// The function that writes what is read.
        writer: &'static str,
    },
    /// The elements of an array are of a type that is not read.
    #[error(
        "{file}: array `{array}` has elements of type {got}, expected f32, f16, bf16, f64 or integers; \
         convert it before saving, in torch with tensor.float()"
    )]
    Element {
        /// The file.
        file: String,
        /// The name of the array.
        array: String,
        /// The type.
        got: String,
    },
    /// A tensor has more elements than its storage.
    #[error(
        "{file}: a tensor{name} of shape {shape} goes beyond its storage of {bytes} bytes; save \
         the tensors again", name = quoted(array)
    )]
    BeyondStorage {
        /// The file.
        file: String,
        /// The name of the tensor.
        array: String,
        /// Its shape.
        shape: String,
        /// Bytes of the storage.
        bytes: u64,
    },
    /// A tensor is a view whose elements do not lie one after the other.
    #[error(
        "{file}: tensor `{array}` of shape {shape} is a view whose elements do not lie one after the \
         other, expected a contiguous one; save tensor.contiguous()"
    )]
    NotContiguous {
        /// The file.
        file: String,
        /// The name of the tensor.
        array: String,
        /// Its shape.
        shape: String,
    },
}

/// A name behind what it names; a single tensor has none.
fn quoted(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" `{name}`"),
    }
}

/// An array that lies somewhere in a file.
#[derive(Debug, Clone)]
pub struct StoredArray {
    path: Arc<Path>,
    header: Header,
}

impl StoredArray {
    /// The array that `header` describes.
    pub fn at(path: &Path, header: Header) -> StoredArray {
        StoredArray {
            path: path.into(),
            header,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name, for messages.
    pub fn file(&self) -> String {
        file_name(&self.path).to_string()
    }

    /// The type of its elements.
    pub fn dtype(&self) -> Dtype {
        self.header.dtype
    }

    /// The size of each dimension, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.header.shape
    }

    /// The number of its elements.
    pub fn elements(&self) -> u64 {
        self.header.elements()
    }

    /// Items of its outermost dimension, all of which are in it, as an array of the same number of
    /// dimensions.
    pub fn part(&self, first: u64, count: u64) -> StoredArray {
        let mut header = self.header.clone();
        let inner = header.shape.iter().skip(1).product::<u64>();
        header.data_offset += first * inner * header.dtype.size() as u64;
        if let Some(outer) = header.shape.first_mut() {
            *outer = count;
        }
        StoredArray {
            path: Arc::clone(&self.path),
            header,
        }
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// The file cannot be read, or ends before the array does.
    pub fn open(&self) -> Result<NpyReader<File>, NpyError> {
        let file = open(&self.path)?;
        NpyReader::headless(file, &self.file(), self.header.clone())
    }
}

/// The arrays of a file with their names, in the order of the names: numbers in them by value. The
/// only array of a file without names has the empty one.
///
/// # Errors
/// The file cannot be read, is none of those that hold arrays, is damaged, or has arrays of other
/// types.
pub fn read(path: &Path) -> Result<Vec<(String, StoredArray)>, ArrayError> {
    let mut arrays = match Kind::of(path)? {
        Kind::Npy => match objects(path)? {
            Some(arrays) => (arrays.into_iter().enumerate())
                .map(|(number, array)| (number.to_string(), array))
                .collect(),
            None => vec![(String::new(), npy(path)?)],
        },
        Kind::Safetensors => safetensors::read(path)?,
        Kind::Zip => match npz::read(path)? {
            Some(arrays) => arrays,
            None => tensors(path)?,
        },
        Kind::Json => return Err(not_arrays(path, "JSON")),
        Kind::Parquet if cfg!(feature = "parquet") => {
            return Err(not_arrays(path, "a Parquet file, which is read alone"));
        }
        Kind::Parquet => {
            let got = "a Parquet file, which a colidx built with the feature `parquet` reads";
            return Err(not_arrays(path, got));
        }
        Kind::Other(got) => return Err(not_arrays(path, got)),
    };
    arrays.sort_by(|(one, _), (other, _)| natural(one, other));
    Ok(arrays)
}

fn not_arrays(path: &Path, got: &'static str) -> ArrayError {
    let file = file_name(path).to_string();
    ArrayError::NotArrays { file, got }
}

/// The array of a `.npy` file.
///
/// # Errors
/// The file cannot be read or is no such file.
pub fn npy(path: &Path) -> Result<StoredArray, ArrayError> {
    let reader = NpyReader::open(path)?;
    Ok(StoredArray::at(path, reader.header().clone()))
}

/// The tensors of a file of `torch.save` with their names, in any order.
///
/// # Errors
/// The file cannot be read, was written by something else, or a tensor does not lie in it as an
/// array of numbers.
pub fn tensors(path: &Path) -> Result<Vec<(String, StoredArray)>, ArrayError> {
    let name = file_name(path);
    let tensors = torch::read(open(path)?).map_err(|source| ArrayError::Torch {
        file: name.to_string(),
        source,
    })?;
    let path: Arc<Path> = path.into();
    let array = |(array, tensor): (String, StoredTensor)| {
        let header = header(&tensor, &name, &array)?;
        let path = Arc::clone(&path);
        Ok((array, StoredArray { path, header }))
    };
    tensors.into_iter().map(array).collect()
}

/// Where a tensor lies, if it can be read in place.
fn header(tensor: &StoredTensor, file: &str, array: &str) -> Result<Header, ArrayError> {
    let (file, array) = (file.to_owned(), array.to_owned());
    let dtype = match tensor.element() {
        Element::F32 => Dtype::F32,
        Element::F16 => Dtype::F16,
        Element::BF16 => Dtype::Bf16,
        Element::F64 => Dtype::F64,
        Element::I32 => Dtype::I32,
        Element::I64 => Dtype::I64,
        Element::U8 => Dtype::U8,
        other => {
            let got = other.name().to_owned();
            return Err(ArrayError::Element { file, array, got });
        }
    };
    let shape: Vec<u64> = tensor.shape().iter().map(|&size| size as u64).collect();
    if !tensor.is_contiguous() {
        return Err(ArrayError::NotContiguous {
            file,
            array,
            shape: shape_text(&shape),
        });
    }
    match tensor.bytes() {
        Some(range) => Ok(Header {
            dtype,
            shape,
            data_offset: range.start,
        }),
        None => Err(ArrayError::BeyondStorage {
            file,
            array,
            shape: shape_text(&shape),
            bytes: tensor.storage_bytes(),
        }),
    }
}

/// What a file is by its first bytes.
pub(crate) enum Kind {
    Npy,
    /// `.npz` or `.pt`.
    Zip,
    Safetensors,
    /// Text that begins with an object, as JSON Lines do.
    Json,
    Parquet,
    /// None of these, in words.
    Other(&'static str),
}

impl Kind {
    pub(crate) fn of(path: &Path) -> Result<Kind, NpyError> {
        let mut start = Vec::new();
        let mut file = open(path)?;
        let length = file.seek(SeekFrom::End(0));
        let length = length.map_err(|source| unreadable(path, source))?;
        let rewound = file.seek(SeekFrom::Start(0));
        rewound.map_err(|source| unreadable(path, source))?;
        let read = file.take(16).read_to_end(&mut start);
        read.map_err(|source| unreadable(path, source))?;
        Ok(Kind::of_bytes(&start, length))
    }

    fn of_bytes(start: &[u8], length: u64) -> Kind {
        if start.starts_with(b"\x93NUMPY") {
            return Kind::Npy;
        }
        if start.starts_with(b"PAR1") {
            return Kind::Parquet;
        }
        if start.starts_with(b"PK\x03\x04") {
            return Kind::Zip;
        }
        // The length of the header, and the header's first character.
        if let Some((size, [b'{', ..])) = start.split_first_chunk::<8>()
            && u64::from_le_bytes(*size) < length
        {
            return Kind::Safetensors;
        }
        if start.trim_ascii_start().first() == Some(&b'{') {
            return Kind::Json;
        }
        Kind::Other(match start {
            [] => "an empty file",
            [0x80, 2..=5, ..] => "a bare pickle, which is not read as it can run code",
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => {
                "an Arrow file, which pyarrow.parquet.write_table makes a Parquet file of"
            }
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => "a compressed file",
            [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
            _ => "something else",
        })
    }
}

/// Opens a file without waiting for a pipe.
pub(crate) fn open(path: &Path) -> Result<File, NpyError> {
    let file = crate::open(path).map_err(|source| unreadable(path, source))?;
    let metadata = file.metadata();
    if metadata
        .map_err(|source| unreadable(path, source))?
        .is_dir()
    {
        let file = file_name(path).to_string();
        return Err(NpyError::IsFolder { file });
    }
    Ok(file)
}

pub(crate) fn unreadable(path: &Path, source: io::Error) -> NpyError {
    NpyError::Unreadable {
        file: file_name(path).to_string(),
        source,
    }
}

/// Compares names as people do: runs of digits by their value, all else by its bytes.
pub(crate) fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    loop {
        let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        let ordered = match (digits(left), digits(right)) {
            (0, _) | (_, 0) => match (left.split_first(), right.split_first()) {
                (Some((a, rest)), Some((b, others))) if a == b => {
                    (left, right) = (rest, others);
                    continue;
                }
                (a, b) => {
                    return a
                        .map(|(a, _)| a)
                        .cmp(&b.map(|(b, _)| b))
                        .then(one.cmp(other));
                }
            },
            (a, b) => {
                let (number, rest) = left.split_at(a);
                let (of_other, others) = right.split_at(b);
                (left, right) = (rest, others);
                let zeros = |n: &[u8]| n.iter().take_while(|&&digit| digit == b'0').count();
                let value = &number[zeros(number)..];
                let of_other = &of_other[zeros(of_other)..];
                value.len().cmp(&of_other.len()).then(value.cmp(of_other))
            }
        };
        if ordered.is_ne() {
            return ordered;
        }
    }
}

/// The path of a file in messages, for the readers of the formats.
pub(crate) fn damaged(
    path: &Path,
    expected: &'static str,
    writer: &'static str,
) -> impl Fn(String) -> ArrayError {
    let file: PathBuf = path.into();
    move |got| ArrayError::Damaged {
        file: file_name(&file).to_string(),
        expected,
        got,
        writer,
    }
}

#[cfg(test)]
pub(crate) mod tests;
