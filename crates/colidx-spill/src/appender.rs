//! Appending to a scratch file through a buffer.

use crate::{Scratch, ScratchFile, read_in_pieces};

/// Bytes written at a time.
const WRITE: usize = 32 << 10;

/// A scratch file, appended to through a buffer.
#[derive(Debug)]
pub struct Appender<F> {
    file: F,
    buffer: Vec<u8>,
    flushed: u64,
}

impl<F: ScratchFile> Appender<F> {
    /// Appends to a new file.
    ///
    /// # Errors
    ///
    /// The caller's, as for every method.
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            file: scratch.create()?,
            buffer: Vec::new(),
            flushed: 0,
        })
    }

    /// How many bytes were appended.
    pub fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// The caller's.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), F::Error> {
        if self.buffer.len() + bytes.len() > WRITE {
            self.flush()?;
        }
        if bytes.len() > WRITE {
            self.file.append(bytes)?;
            self.flushed += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Calls `visit` with all bytes, some at a time.
    ///
    /// # Errors
    ///
    /// The caller's, and those of `visit`.
    pub fn copy(
        mut self,
        mut visit: impl FnMut(&[u8]) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        self.flush()?;
        read_in_pieces(&self.file, 0..self.flushed, |piece| {
            visit(piece).map(|()| true)
        })
    }

    pub(crate) fn flush(&mut self) -> Result<(), F::Error> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// The file; what is in the buffer is not in it yet.
    pub(crate) fn file(&self) -> &F {
        &self.file
    }
}
