//! Runs: ranges of one scratch file, written one after the other and read side by side.

use crate::{Appender, Scratch, ScratchFile};
use std::ops::Range;

/// The least and the largest buffer to read a run through.
const LEAST_BUFFER: usize = 1 << 10;
const MOST_BUFFER: usize = 1 << 20;

/// Runs in one scratch file.
#[derive(Debug)]
pub struct Runs<F> {
    file: Appender<F>,
    ranges: Vec<Range<u64>>,
}

impl<F: ScratchFile> Runs<F> {
    /// No runs, in a new file.
    ///
    /// # Errors
    ///
    /// The caller's, as for every method.
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            file: Appender::create(scratch)?,
            ranges: Vec::new(),
        })
    }

    /// Appends what `write` does as a run.
    ///
    /// # Errors
    ///
    /// The caller's, and those of `write`.
    pub fn add(
        &mut self,
        write: impl FnOnce(&mut Appender<F>) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        let start = self.file.position();
        write(&mut self.file)?;
        self.file.flush()?;
        self.ranges.push(start..self.file.position());
        Ok(())
    }

    /// The file that all runs are in.
    pub fn file(&self) -> &F {
        self.file.file()
    }

    /// The bytes of each run, read through buffers of about `memory` bytes together.
    pub fn readers(&self, memory: usize) -> impl Iterator<Item = RunBytes> + '_ {
        let capacity = (memory / self.ranges.len().max(1)).clamp(LEAST_BUFFER, MOST_BUFFER);
        self.ranges.iter().map(move |range| RunBytes {
            rest: range.clone(),
            buffer: Vec::new(),
            at: 0,
            capacity,
        })
    }
}

/// The bytes of a run, read front to back. All methods take the file of its [`Runs`].
///
/// A run comes back as it was written, so whoever reads it knows how many bytes are left. Zeros
/// come after its last.
#[derive(Debug)]
pub struct RunBytes {
    /// What is not in the buffer yet.
    rest: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
    capacity: usize,
}

impl RunBytes {
    /// Whether all bytes were read.
    pub fn is_empty(&self) -> bool {
        self.at >= self.buffer.len() && self.rest.is_empty()
    }

    /// Where in the file the next byte is.
    pub fn position(&self) -> u64 {
        self.rest.start - self.buffer.len().saturating_sub(self.at) as u64
    }

    /// The next byte.
    ///
    /// # Errors
    ///
    /// The caller's, as for every method.
    #[inline]
    pub fn byte<F: ScratchFile>(&mut self, file: &F) -> Result<u8, F::Error> {
        if self.at >= self.buffer.len() {
            self.fill_buffer(file)?;
        }
        let byte = self.buffer.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        Ok(byte)
    }

    /// Fills `out` with the bytes that come next.
    ///
    /// # Errors
    ///
    /// The caller's.
    pub fn fill<F: ScratchFile>(&mut self, out: &mut [u8], file: &F) -> Result<(), F::Error> {
        let mut filled = 0;
        self.take(out.len() as u64, file, |bytes| {
            out[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
            Ok(())
        })?;
        out[filled..].fill(0);
        Ok(())
    }

    /// Calls `visit` with the next `count` bytes, some at a time; with fewer where the run ends.
    ///
    /// # Errors
    ///
    /// The caller's, and those of `visit`.
    pub fn take<F: ScratchFile>(
        &mut self,
        mut count: u64,
        file: &F,
        mut visit: impl FnMut(&[u8]) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        while count > 0 && !self.is_empty() {
            if self.at >= self.buffer.len() {
                self.fill_buffer(file)?;
            }
            let held = &self.buffer[self.at..];
            let taken = held.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            visit(&held[..taken])?;
            self.at += taken;
            count -= taken as u64;
        }
        Ok(())
    }

    /// Goes past bytes without reading them.
    pub fn skip(&mut self, bytes: u64) {
        let held = self.buffer.len().saturating_sub(self.at) as u64;
        let from_buffer = bytes.min(held);
        self.at += from_buffer as usize;
        self.rest.start = (self.rest.start + bytes - from_buffer).min(self.rest.end);
    }

    #[cold]
    fn fill_buffer<F: ScratchFile>(&mut self, file: &F) -> Result<(), F::Error> {
        let length = (self.rest.end - self.rest.start).min(self.capacity as u64) as usize;
        self.buffer.resize(length, 0);
        file.read_at(self.rest.start, &mut self.buffer)?;
        self.rest.start += length as u64;
        self.at = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryFile, MemoryScratch};
    use std::convert::Infallible;

    fn runs(lengths: &[usize]) -> Runs<MemoryFile<Infallible>> {
        let mut runs = Runs::create(&mut MemoryScratch::new()).unwrap();
        for &length in lengths {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            runs.add(|file| bytes.chunks(7).try_for_each(|piece| file.append(piece)))
                .unwrap();
        }
        runs
    }

    #[test]
    fn runs_come_back_whole_by_bytes_and_by_pieces() {
        let lengths = [0, 1, 1023, 1024, 1025, 40_000, 100_000];
        let runs = runs(&lengths);
        for (mut run, length) in runs.readers(0).zip(lengths) {
            let mut out = vec![1; length / 2];
            run.fill(&mut out, runs.file()).unwrap();
            while !run.is_empty() {
                out.push(run.byte(runs.file()).unwrap());
            }
            let expected: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn bytes_are_skipped_within_the_buffer_and_past_it() {
        let runs = runs(&[5, 10_000]);
        for skipped in [0, 1, 500, 1023, 1024, 1025, 9_000] {
            let mut run = runs.readers(0).nth(1).unwrap();
            assert_eq!(run.byte(runs.file()), Ok(0));
            run.skip(skipped);
            assert_eq!(run.position(), 5 + 1 + skipped);
            let expected = ((1 + skipped) % 251) as u8;
            assert_eq!(run.byte(runs.file()), Ok(expected), "{skipped}");
        }
    }

    #[test]
    fn after_the_end_come_zeros() {
        let runs = runs(&[3]);
        let mut run = runs.readers(0).next().unwrap();
        let mut out = [9; 5];
        run.fill(&mut out, runs.file()).unwrap();
        assert_eq!(out, [0, 1, 2, 0, 0]);
        assert!(run.is_empty());
        assert_eq!(run.byte(runs.file()), Ok(0));
        assert!(run.is_empty());
    }
}
