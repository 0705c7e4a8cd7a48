//! Postings of all terms in memory, and sorted runs of them in a scratch file.
//!
//! A term's postings are a stream of numbers: twice the distance to the next document and one, then
//! twice the distance to each next position in it. A document may go on in the next run.

use super::{Scratch, ScratchFile};
use crate::bits::put_varint;
use std::collections::HashMap;
use std::ops::Range;

/// What a term takes beside its bytes and its stream, about: an entry of the map and one of the
/// list, and what allocations waste.
const TERM_BYTES: usize = 128;

/// Bytes written at a time.
const WRITE: usize = 64 << 10;

/// The least and the largest buffer to read a run through.
const LEAST_BUFFER: usize = 1 << 10;
const MOST_BUFFER: usize = 1 << 20;

#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    /// One more than the document last added; 0 before the first.
    document: u64,
    position: u32,
}

/// Postings that are not in a run yet.
#[derive(Default)]
pub(super) struct Postings {
    terms: HashMap<Box<str>, u32>,
    streams: Vec<Stream>,
    bytes: usize,
}

impl Postings {
    pub fn add(&mut self, term: &str, document: u32, position: u32) {
        let id = match self.terms.get(term) {
            Some(&id) => id as usize,
            None => {
                self.terms.insert(term.into(), self.streams.len() as u32);
                self.streams.push(Stream::default());
                self.bytes += term.len() + TERM_BYTES;
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[id];
        let before = stream.bytes.capacity();
        if stream.document != u64::from(document) + 1 {
            let base = stream.document.saturating_sub(1);
            put_varint((u64::from(document) - base) << 1 | 1, &mut stream.bytes);
            stream.document = u64::from(document) + 1;
            stream.position = 0;
        }
        put_varint(
            u64::from(position - stream.position) << 1,
            &mut stream.bytes,
        );
        stream.position = position;
        self.bytes += stream.bytes.capacity() - before;
    }

    /// Bytes of memory in use, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Appends all postings to the file as a sorted run, whose range it returns, and forgets them.
    fn spill<F: ScratchFile>(&mut self, file: &mut Appender<F>) -> Result<Range<u64>, F::Error> {
        let mut terms: Vec<_> = std::mem::take(&mut self.terms).into_iter().collect();
        terms.sort_unstable();
        let start = file.position();
        let mut head = Vec::new();
        for (term, id) in terms {
            let stream = std::mem::take(&mut self.streams[id as usize].bytes);
            head.clear();
            put_varint(term.len() as u64, &mut head);
            head.extend_from_slice(term.as_bytes());
            put_varint(stream.len() as u64, &mut head);
            file.append(&head)?;
            file.append(&stream)?;
        }
        self.streams.clear();
        self.bytes = 0;
        file.flush()?;
        Ok(start..file.position())
    }
}

/// A scratch file, appended to through a buffer.
pub(super) struct Appender<F> {
    file: F,
    buffer: Vec<u8>,
    flushed: u64,
}

impl<F: ScratchFile> Appender<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, F::Error> {
        Ok(Self {
            file: scratch.create()?,
            buffer: Vec::new(),
            flushed: 0,
        })
    }

    pub fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

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

    pub fn flush(&mut self) -> Result<(), F::Error> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.flushed += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Calls `visit` with all bytes, a buffer at a time.
    pub fn copy(
        &mut self,
        mut visit: impl FnMut(&[u8]) -> Result<(), F::Error>,
    ) -> Result<(), F::Error> {
        self.flush()?;
        let mut at = 0;
        let mut buffer = vec![0; WRITE];
        while at < self.flushed {
            let length = (self.flushed - at).min(WRITE as u64) as usize;
            self.file.read_at(at, &mut buffer[..length])?;
            visit(&buffer[..length])?;
            at += length as u64;
        }
        Ok(())
    }
}

/// Sorted runs in one scratch file.
pub(super) struct Runs<F> {
    file: Appender<F>,
    ranges: Vec<Range<u64>>,
}

impl<F: ScratchFile> Runs<F> {
    pub fn create<S: Scratch<File = F, Error = F::Error>>(
        scratch: &mut S,
    ) -> Result<Self, S::Error> {
        Ok(Self {
            file: Appender::create(scratch)?,
            ranges: Vec::new(),
        })
    }

    /// Appends all postings as a run, and forgets them.
    pub fn add(&mut self, postings: &mut Postings) -> Result<(), F::Error> {
        self.ranges.push(postings.spill(&mut self.file)?);
        Ok(())
    }

    pub fn file(&self) -> &F {
        &self.file.file
    }

    /// Readers of all runs, whose buffers together have this many bytes.
    pub fn readers(&self, memory: usize) -> Vec<RunReader> {
        let capacity = (memory / self.ranges.len().max(1)).clamp(LEAST_BUFFER, MOST_BUFFER);
        let ranges = self.ranges.iter().cloned();
        let reader = |rest| RunReader {
            rest,
            buffer: Vec::new(),
            at: 0,
            capacity,
            term: Vec::new(),
            stream: 0,
        };
        ranges.map(reader).collect()
    }
}

/// Reads a run front to back.
pub(super) struct RunReader {
    /// What is not in the buffer yet.
    rest: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
    capacity: usize,
    /// The term that is read.
    pub term: Vec<u8>,
    /// Bytes left of its stream.
    stream: u64,
}

impl RunReader {
    /// Goes to the next term; `false` after the last.
    pub fn next_term<F: ScratchFile>(&mut self, file: &F) -> Result<bool, F::Error> {
        if self.at == self.buffer.len() && self.rest.is_empty() {
            return Ok(false);
        }
        let length = self.varint(file)?;
        self.term.clear();
        for _ in 0..length {
            let byte = self.byte(file)?;
            self.term.push(byte);
        }
        self.stream = self.varint(file)?;
        Ok(true)
    }

    /// The next number of the term's stream; `None` after the last.
    pub fn next_number<F: ScratchFile>(&mut self, file: &F) -> Result<Option<u64>, F::Error> {
        if self.stream == 0 {
            return Ok(None);
        }
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte(file)?;
            self.stream = self.stream.saturating_sub(1);
            number |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return Ok(Some(number));
            }
        }
    }

    fn varint<F: ScratchFile>(&mut self, file: &F) -> Result<u64, F::Error> {
        self.stream = u64::MAX;
        Ok(self.next_number(file)?.unwrap_or(0))
    }

    #[inline]
    fn byte<F: ScratchFile>(&mut self, file: &F) -> Result<u8, F::Error> {
        if self.at == self.buffer.len() {
            self.fill(file)?;
        }
        let byte = self.buffer.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        Ok(byte)
    }

    #[cold]
    fn fill<F: ScratchFile>(&mut self, file: &F) -> Result<(), F::Error> {
        let length = (self.rest.end - self.rest.start).min(self.capacity as u64) as usize;
        // What was written comes back whole, so there is always a byte where one is asked for.
        self.buffer.resize(length.max(1), 0);
        file.read_at(self.rest.start, &mut self.buffer[..length])?;
        self.rest.start += length as u64;
        self.at = 0;
        Ok(())
    }
}
