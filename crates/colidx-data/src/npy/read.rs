//! Reading elements of a `.npy` file, in any order, without ever holding the file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::{Dtype, Header, NpyError, shape_text};
use crate::file_name;

/// Bytes read in one go.
const CHUNK: usize = 1 << 20;

/// A `.npy` file open for reading. Holds its header and one buffer of at most 1 MiB.
pub struct NpyReader<R = File> {
    reader: R,
    file: String,
    header: Header,
    position: u64,
    buffer: Vec<u8>,
}

impl NpyReader<File> {
    /// Opens a file and checks its header against its size.
    ///
    /// # Errors
    /// The file cannot be read, its header is not valid or not supported, or it has another size
    /// than its shape needs.
    pub fn open(path: &Path) -> Result<Self, NpyError> {
        let name = file_name(path);
        let unreadable = |source| NpyError::Unreadable {
            file: name.to_string(),
            source,
        };
        let file = crate::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            let file = name.to_string();
            return Err(NpyError::IsFolder { file });
        }
        NpyReader::new(file, &name)
    }
}

impl<R: Read + Seek> NpyReader<R> {
    /// Reads the header of any seekable reader; `file` names it in messages.
    ///
    /// # Errors
    /// As [`NpyReader::open`].
    pub fn new(mut reader: R, file: &str) -> Result<Self, NpyError> {
        let unreadable = |source| NpyError::Unreadable {
            file: file.to_owned(),
            source,
        };
        let size = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let header = Header::read(&mut reader, file, size)?;
        let position = header.data_offset;
        Ok(NpyReader {
            reader,
            file: file.to_owned(),
            header,
            position,
            buffer: Vec::new(),
        })
    }

    /// Reads elements from a file that has no header, or one of another kind: `header` says what
    /// there is and where. More may follow.
    ///
    /// # Errors
    /// The file ends before the elements do, or cannot be read.
    pub fn headless(mut reader: R, file: &str, header: Header) -> Result<Self, NpyError> {
        let unreadable = |source| NpyError::Unreadable {
            file: file.to_owned(),
            source,
        };
        let size = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let end = header.end(file)?;
        if end > size {
            return Err(header.size_error(file, end, size));
        }
        Ok(NpyReader {
            reader,
            file: file.to_owned(),
            header,
            position: u64::MAX,
            buffer: Vec::new(),
        })
    }

    /// What the file holds.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file's name, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Checks that the array has `N` dimensions and gives their sizes. `expected` words it, as
    /// `[documents]`.
    ///
    /// # Errors
    /// Another number of dimensions.
    pub fn dimensions<const N: usize>(&self, expected: &'static str) -> Result<[u64; N], NpyError> {
        self.header
            .shape
            .as_slice()
            .try_into()
            .map_err(|_| NpyError::WrongShape {
                file: self.file.clone(),
                expected,
                got: shape_text(&self.header.shape),
            })
    }

    /// Appends `count` elements of an array of floats, from element `first` on.
    ///
    /// # Errors
    /// An integer array, elements out of range, or a failed read.
    pub fn read_floats(
        &mut self,
        first: u64,
        count: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), NpyError> {
        match self.header.dtype {
            Dtype::F32 => self.read(first, count, |bytes| {
                out.extend(values(bytes).map(f32::from_le_bytes));
            }),
            Dtype::F64 => self.read(first, count, |bytes| {
                out.extend(values(bytes).map(|bytes| f64::from_le_bytes(bytes) as f32));
            }),
            Dtype::F16 => self.read_halves(first, count, f16::from_le_bytes, out),
            Dtype::Bf16 => self.read_halves(first, count, bf16::from_le_bytes, out),
            got => Err(NpyError::WrongType {
                file: self.file.clone(),
                expected: "f16, bf16, f32 or f64",
                got,
            }),
        }
    }

    fn read_halves<H>(
        &mut self,
        first: u64,
        count: usize,
        half: fn([u8; 2]) -> H,
        out: &mut Vec<f32>,
    ) -> Result<(), NpyError>
    where
        [H]: HalfFloatSliceExt,
    {
        let mut halves = Vec::new();
        self.read(first, count, |bytes| {
            halves.clear();
            halves.extend(values(bytes).map(half));
            let start = out.len();
            out.resize(start + halves.len(), 0.0);
            halves.convert_to_f32_slice(&mut out[start..]);
        })
    }

    /// Appends `count` elements of an i32, i64 or u32 array, from element `first` on.
    ///
    /// # Errors
    /// A floating-point array, elements out of range, or a failed read.
    pub fn read_integers(
        &mut self,
        first: u64,
        count: usize,
        out: &mut Vec<i64>,
    ) -> Result<(), NpyError> {
        match self.header.dtype {
            Dtype::I32 => self.read(first, count, |bytes| {
                out.extend(values(bytes).map(|bytes| i64::from(i32::from_le_bytes(bytes))));
            }),
            Dtype::U32 => self.read(first, count, |bytes| {
                out.extend(values(bytes).map(|bytes| i64::from(u32::from_le_bytes(bytes))));
            }),
            Dtype::I64 => self.read(first, count, |bytes| {
                out.extend(values(bytes).map(i64::from_le_bytes));
            }),
            got => Err(NpyError::WrongType {
                file: self.file.clone(),
                expected: "i32, i64 or u32",
                got,
            }),
        }
    }

    /// Appends `count` elements of an u8 array, from element `first` on.
    ///
    /// # Errors
    /// An array of another type, elements out of range, or a failed read.
    pub fn read_bytes(
        &mut self,
        first: u64,
        count: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), NpyError> {
        match self.header.dtype {
            Dtype::U8 => self.read(first, count, |bytes| out.extend(bytes)),
            got => Err(NpyError::WrongType {
                file: self.file.clone(),
                expected: "u8",
                got,
            }),
        }
    }

    /// Gives the bytes of the elements in pieces of whole elements.
    fn read(
        &mut self,
        first: u64,
        count: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), NpyError> {
        let elements = self.header.elements();
        let last = first.saturating_add(count as u64);
        if last > elements {
            return Err(NpyError::OutOfRange {
                file: self.file.clone(),
                first,
                last,
                elements,
            });
        }
        // In range, so neither product nor sum can pass the file's size.
        let size = self.header.dtype.size();
        let start = self.header.data_offset + first * size as u64;
        let unreadable = |source| NpyError::Unreadable {
            file: self.file.clone(),
            source,
        };
        if start != self.position {
            self.reader
                .seek(SeekFrom::Start(start))
                .map_err(unreadable)?;
            self.position = start;
        }
        let mut left = count * size;
        while left > 0 {
            let length = left.min(CHUNK);
            if self.buffer.len() < length {
                self.buffer.resize(length, 0);
            }
            if let Err(source) = self.reader.read_exact(&mut self.buffer[..length]) {
                self.position = u64::MAX;
                return Err(unreadable(shrunk(source)));
            }
            self.position += length as u64;
            take(&self.buffer[..length]);
            left -= length;
        }
        Ok(())
    }
}

/// The bytes of each element.
fn values<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}

fn shrunk(source: io::Error) -> io::Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(source.kind(), "the file was truncated while it was read")
        }
        _ => source,
    }
}
