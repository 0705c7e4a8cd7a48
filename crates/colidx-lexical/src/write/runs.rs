//! Postings of all terms in memory, and sorted runs of them in a scratch file.
//!
//! A term's postings are a stream of numbers: twice the distance to the next document and one, then
//! twice the distance to each next position in it. A document may continue in the next run.

use crate::bits::put_varint;
use colidx_spill::{Appender, RunBytes, ScratchFile};
use std::collections::HashMap;

/// Estimated overhead of a term besides its bytes and its stream: an entry of the map and one of
/// the list, and what allocations waste.
const TERM_BYTES: usize = 128;

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

    /// Appends all postings to the file, sorted by term, and forgets them.
    pub fn spill<F: ScratchFile>(&mut self, file: &mut Appender<F>) -> Result<(), F::Error> {
        let mut terms: Vec<_> = std::mem::take(&mut self.terms).into_iter().collect();
        terms.sort_unstable();
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
        Ok(())
    }
}

/// Reads a run front to back: a term, then the numbers of its stream.
pub(super) struct RunReader {
    bytes: RunBytes,
    /// The term that is read.
    pub term: Vec<u8>,
    /// Bytes left of its stream.
    stream: u64,
}

impl RunReader {
    pub fn new(bytes: RunBytes) -> Self {
        Self {
            bytes,
            term: Vec::new(),
            stream: 0,
        }
    }

    /// Goes to the next term; `false` after the last.
    pub fn next_term<F: ScratchFile>(&mut self, file: &F) -> Result<bool, F::Error> {
        if self.bytes.is_empty() {
            return Ok(false);
        }
        let length = self.varint(file)?;
        self.term.resize(length as usize, 0);
        self.bytes.fill(&mut self.term, file)?;
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
            let byte = self.bytes.byte(file)?;
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
}
