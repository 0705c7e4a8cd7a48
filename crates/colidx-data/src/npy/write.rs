//! Writing a `.npy` file row by row, the number of rows being known only at the end.

use std::io::{BufWriter, Seek, SeekFrom, Write};

use half::f16;

use super::{Dtype, Header, NpyError};

/// A `.npy` file open for writing. Until [`NpyWriter::finish`] its header says that it has no rows.
pub struct NpyWriter<W: Write + Seek> {
    writer: BufWriter<W>,
    file: String,
    dtype: Dtype,
    row_shape: Vec<u64>,
    elements: u64,
}

impl<W: Write + Seek> NpyWriter<W> {
    /// Writes to any seekable writer that is at its start; `file` names it in messages. Rows have
    /// the shape `row_shape`; an empty shape makes a one-dimensional array.
    ///
    /// # Errors
    /// A failed write.
    pub fn new(writer: W, file: &str, dtype: Dtype, row_shape: &[u64]) -> Result<Self, NpyError> {
        let mut writer = NpyWriter {
            writer: BufWriter::with_capacity(1 << 18, writer),
            file: file.to_owned(),
            dtype,
            row_shape: row_shape.to_vec(),
            elements: 0,
        };
        // What cannot go back to its header, such as a pipe, is found now and not at the end.
        let start = writer.writer.seek(SeekFrom::Start(0));
        start.map_err(|source| NpyError::Unwritable {
            file: file.to_owned(),
            source,
        })?;
        let header = Header::encode(dtype, 0, row_shape);
        writer.write(&header)?;
        Ok(writer)
    }

    /// Appends elements of an f16 or f32 array. The caller gives whole rows before the end.
    ///
    /// # Errors
    /// An integer array, or a failed write.
    pub fn write_floats(&mut self, values: &[f32]) -> Result<(), NpyError> {
        match self.dtype {
            Dtype::F32 => self.write_each(values, |value| value.to_le_bytes()),
            Dtype::F16 => self.write_each(values, |value| f16::from_f32(value).to_le_bytes()),
            got => Err(NpyError::WrongType {
                file: self.file.clone(),
                expected: "f16 or f32",
                got,
            }),
        }
    }

    /// Appends elements of a u8 array.
    ///
    /// # Errors
    /// Another array, or a failed write.
    pub fn write_bytes(&mut self, values: &[u8]) -> Result<(), NpyError> {
        if self.dtype != Dtype::U8 {
            let (file, got) = (self.file.clone(), self.dtype);
            return Err(NpyError::WrongType {
                file,
                expected: "u8",
                got,
            });
        }
        self.elements += values.len() as u64;
        self.write(values)
    }

    /// Appends elements of a u32 or i64 array, or of an i32 array where they fit.
    ///
    /// # Errors
    /// Another array, a value that does not fit, or a failed write.
    pub fn write_integers(&mut self, values: &[u32]) -> Result<(), NpyError> {
        if self.dtype == Dtype::I64 {
            return self.write_each(values, |value| i64::from(value).to_le_bytes());
        }
        let fits = self.dtype == Dtype::U32
            || self.dtype == Dtype::I32 && values.iter().all(|&value| i32::try_from(value).is_ok());
        if !fits {
            let (file, got) = (self.file.clone(), self.dtype);
            return Err(NpyError::WrongType {
                file,
                expected: "u32, i64, or i32 with values below 2^31",
                got,
            });
        }
        self.write_each(values, u32::to_le_bytes)
    }

    /// Writes the number of rows into the header and gives the writer back.
    ///
    /// # Errors
    /// The last row is not whole, or a failed write.
    pub fn finish(mut self) -> Result<W, NpyError> {
        let row = self.row_shape.iter().product::<u64>();
        let rows = self.elements.checked_div(row).unwrap_or(0);
        if rows * row != self.elements {
            let reason = format!("{} elements are not whole rows of {row}", self.elements);
            return Err(NpyError::Header {
                file: self.file,
                reason,
            });
        }
        let header = Header::encode(self.dtype, rows, &self.row_shape);
        let file = self.file;
        let unwritable = |source| NpyError::Unwritable {
            file: file.clone(),
            source,
        };
        self.writer.seek(SeekFrom::Start(0)).map_err(unwritable)?;
        self.writer.write_all(&header).map_err(unwritable)?;
        self.writer
            .into_inner()
            .map_err(|error| unwritable(error.into_error()))
    }

    fn write_each<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        bytes: fn(T) -> [u8; N],
    ) -> Result<(), NpyError> {
        for piece in values.chunks(4096) {
            let encoded: Vec<u8> = piece.iter().flat_map(|&value| bytes(value)).collect();
            self.write(&encoded)?;
        }
        self.elements += values.len() as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), NpyError> {
        self.writer
            .write_all(bytes)
            .map_err(|source| NpyError::Unwritable {
                file: self.file.clone(),
                source,
            })
    }
}
