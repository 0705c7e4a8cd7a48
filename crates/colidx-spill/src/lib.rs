//! Sorting more than fits a writer's memory.
//!
//! A writer collects entries up to a limit, and then appends them to a scratch file as a sorted
//! run. At the end it reads all runs side by side and writes the merged entries to sections. Where
//! files and sections lie is the caller's affair: [`Scratch`] and [`Sections`].

#![forbid(unsafe_code)]

mod appender;
mod memory;
mod runs;

pub use appender::Appender;
pub use memory::{MemoryFile, MemoryScratch, MemorySections};
pub use runs::{RunBytes, Runs};

use std::ops::Range;

/// Where a writer puts what does not fit its memory.
pub trait Scratch {
    /// The caller's error.
    type Error;
    /// A temporary file. Dropped when it is not needed any more.
    type File: ScratchFile<Error = Self::Error>;

    /// Creates an empty temporary file.
    ///
    /// # Errors
    ///
    /// The caller's.
    fn create(&mut self) -> Result<Self::File, Self::Error>;
}

/// A temporary file.
pub trait ScratchFile {
    /// The caller's error.
    type Error;

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// The caller's.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Fills `bytes` with what was appended at an offset.
    ///
    /// # Errors
    ///
    /// The caller's, also when there are fewer bytes.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Self::Error>;
}

/// Where the result is written: sections with tags, one after the other. Each must later be read
/// from an address that is a multiple of 8.
pub trait Sections {
    /// The caller's error.
    type Error;

    /// Ends the section before, if any, and begins one.
    ///
    /// # Errors
    ///
    /// The caller's.
    fn begin(&mut self, tag: [u8; 4]) -> Result<(), Self::Error>;

    /// Appends to the section begun last.
    ///
    /// # Errors
    ///
    /// The caller's.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Calls `visit` with the bytes of a range of a file, some at a time, while it returns `true`.
///
/// # Errors
///
/// Those of the file and of `visit`.
pub fn read_in_pieces<F: ScratchFile>(
    file: &F,
    mut range: Range<u64>,
    mut visit: impl FnMut(&[u8]) -> Result<bool, F::Error>,
) -> Result<(), F::Error> {
    let mut buffer = [0; 8 << 10];
    while !range.is_empty() {
        let length = (range.end - range.start).min(buffer.len() as u64) as usize;
        file.read_at(range.start, &mut buffer[..length])?;
        if !visit(&buffer[..length])? {
            break;
        }
        range.start += length as u64;
    }
    Ok(())
}
