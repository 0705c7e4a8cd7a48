//! Encodes one posting list at a time.

use crate::bits::pack;
use crate::dictionary::Written;
use crate::error::{Error, Result};
use crate::format::BLOCK;
use crate::impact::Frontier;

/// Collects the postings of a term and encodes them block by block.
#[derive(Default)]
pub(crate) struct ListWriter {
    /// Encoded blocks not yet taken.
    pub list: Vec<u8>,
    /// Encoded positions not yet taken.
    pub positions: Vec<u8>,
    with_positions: bool,
    average: f64,
    /// Distances between documents, less one, and frequencies, less one, of the open block.
    gaps: Vec<u32>,
    frequencies: Vec<u32>,
    block: Frontier,
    /// Of the finished blocks.
    whole: Frontier,
    records: Vec<u8>,
    /// Distances between positions not yet packed.
    steps: Vec<u32>,
    next: u64,
    documents: u32,
    list_bytes: u64,
    position_bytes: u64,
    scratch: Vec<u8>,
}

impl ListWriter {
    /// Documents have this many terms on average.
    pub fn new(with_positions: bool, average: f64) -> Self {
        Self {
            with_positions,
            average,
            ..Self::default()
        }
    }

    /// Adds a position, or with a step of the first one, to the document that comes next.
    pub fn position(&mut self, step: u32) {
        if self.with_positions {
            self.steps.push(step);
            if self.steps.len() == BLOCK {
                self.pack_positions();
            }
        }
    }

    /// Ends a document: its positions came before.
    pub fn document(&mut self, document: u32, frequency: u32, length: u32) -> Result<()> {
        self.gaps.push((u64::from(document) - self.next) as u32);
        self.next = u64::from(document) + 1;
        self.frequencies.push(frequency - 1);
        self.block.add(frequency, length);
        self.documents += 1;
        if self.gaps.len() == BLOCK {
            self.end_block(false)?;
        }
        Ok(())
    }

    fn pack_positions(&mut self) {
        self.scratch.clear();
        pack(&self.steps, &mut self.scratch);
        self.steps.clear();
        self.position_bytes += self.scratch.len() as u64;
        self.positions.append(&mut self.scratch);
    }

    fn end_block(&mut self, once: bool) -> Result<()> {
        self.scratch.clear();
        pack(&self.gaps, &mut self.scratch);
        if !once {
            pack(&self.frequencies, &mut self.scratch);
        }
        self.gaps.clear();
        self.frequencies.clear();
        self.list_bytes += self.scratch.len() as u64;
        self.list.append(&mut self.scratch);
        if !self.steps.is_empty() {
            self.pack_positions();
        }
        let last = (self.next - 1) as u32;
        self.records.extend(last.to_le_bytes());
        self.records.extend(end(self.list_bytes)?.to_le_bytes());
        if self.with_positions {
            self.records.extend(end(self.position_bytes)?.to_le_bytes());
        }
        self.records.extend(self.block.to_bytes(self.average));
        self.whole.extend(&self.block);
        self.block.clear();
        Ok(())
    }

    /// Ends the list.
    pub fn finish(&mut self) -> Result<Written> {
        let one_block = self.documents as usize <= BLOCK;
        let full = self.gaps.is_empty();
        let once = one_block && !full && self.frequencies.iter().all(|&f| f == 0);
        if !full {
            self.end_block(once)?;
        }
        if !one_block {
            self.list.extend(self.whole.to_bytes(self.average));
            self.list_bytes += crate::impact::BYTES as u64 + self.records.len() as u64;
            self.list.append(&mut self.records);
        }
        let written = Written {
            documents: self.documents,
            once,
            list_bytes: self.list_bytes,
            position_bytes: self.position_bytes,
        };
        self.records.clear();
        self.whole.clear();
        (self.next, self.documents) = (0, 0);
        (self.list_bytes, self.position_bytes) = (0, 0);
        Ok(written)
    }
}

fn end(bytes: u64) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| Error::TooLarge {
        what: "the postings of one term",
        max: u32::MAX.into(),
    })
}
