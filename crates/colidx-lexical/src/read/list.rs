//! A posting list, read in place.

use crate::bits::{PACK, skip, unpack};
use crate::error::{Error, Result};
use crate::format::{BLOCK, get_u32};
use crate::impact;
use std::ops::Range;

/// A posting list of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List<'a> {
    /// Documents that have the term, at least one.
    pub count: u32,
    /// Whether the term is once in every document, and frequencies are not stored.
    once: bool,
    /// The encoded blocks.
    data: &'a [u8],
    /// One for each block, unless there is only one.
    records: &'a [u8],
    record: usize,
    /// Pairs that cover the whole list; empty when there is one block.
    pub impacts: &'a [u8],
    positions: Option<&'a [u8]>,
    /// Documents of the segment.
    documents: u32,
}

impl<'a> List<'a> {
    /// A list of `count` of `documents` documents.
    pub fn open(
        bytes: &'a [u8],
        positions: Option<&'a [u8]>,
        (count, once): (u32, bool),
        documents: u32,
    ) -> Result<Self> {
        if count == 0 || count > documents {
            return Err(damaged(
                "documents of a term",
                format!("1 to {documents}"),
                count,
            ));
        }
        if once && count as usize >= BLOCK {
            return Err(damaged(
                "documents of a term that is once in each",
                "fewer than 128",
                count,
            ));
        }
        let mut list = Self {
            count,
            once,
            data: bytes,
            records: &[],
            record: if positions.is_some() { 12 } else { 8 } + impact::BYTES,
            impacts: &[],
            positions,
            documents,
        };
        let blocks = list.blocks();
        if blocks > 1 {
            let end = bytes.len().checked_sub(list.record * blocks);
            let split = end.and_then(|end| Some((end.checked_sub(impact::BYTES)?, end)));
            let (data, records) = split.ok_or_else(|| {
                damaged("a list", format!("records of {blocks} blocks"), bytes.len())
            })?;
            list.data = &bytes[..data];
            list.impacts = &bytes[data..records];
            list.records = &bytes[records..];
        }
        Ok(list)
    }

    pub fn blocks(&self) -> usize {
        (self.count as usize).div_ceil(BLOCK)
    }

    /// Documents in a block.
    pub fn block_count(&self, block: usize) -> usize {
        (self.count as usize - block * BLOCK).min(BLOCK)
    }

    /// The last document of a block, or one that is not before it.
    #[inline]
    pub fn last(&self, block: usize) -> u32 {
        if self.records.is_empty() {
            return self.documents - 1;
        }
        get_u32(self.records, block * self.record)
    }

    /// The pairs that cover a block; empty when there is one block.
    #[inline]
    pub fn block_impacts(&self, block: usize) -> &'a [u8] {
        let end = (block + 1) * self.record;
        let pairs = self.records.get(end - impact::BYTES..end);
        pairs.unwrap_or_default()
    }

    /// The number of the first block from `block` on whose last document is not before `document`.
    pub fn block_of(&self, block: usize, document: u32) -> usize {
        let blocks = self.blocks();
        // Most often it is near.
        let (mut low, mut step) = (block, 1);
        while low + step < blocks && self.last(low + step - 1) < document {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(blocks);
        while low < high {
            let middle = (low + high) / 2;
            if self.last(middle) < document {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn end(&self, block: usize, field: usize, all: usize) -> usize {
        if self.records.is_empty() {
            return all;
        }
        get_u32(self.records, block * self.record + field) as usize
    }

    fn part(&self, block: usize, field: usize, all: &'a [u8]) -> Result<&'a [u8]> {
        let start = match block {
            0 => 0,
            _ => self.end(block - 1, field, all.len()),
        };
        let end = self.end(block, field, all.len());
        let damaged = || damaged("a block", "inside its list", format!("{start}..{end}"));
        all.get(start..end).ok_or_else(damaged)
    }

    fn positions(&self, block: usize) -> Result<&'a [u8]> {
        self.part(block, 8, self.positions.ok_or(Error::NoPositions)?)
    }

    /// Whether blocks lie one after the other up to the end. For `verify`.
    pub fn is_contiguous(&self) -> bool {
        let ends = |field: usize, all: usize| {
            let ends: Vec<usize> = (0..self.blocks())
                .map(|b| self.end(b, field, all))
                .collect();
            ends.is_sorted() && ends.last() == Some(&all)
        };
        ends(4, self.data.len()) && self.positions.is_none_or(|p| ends(8, p.len()))
    }
}

fn damaged(what: &str, expected: impl ToString, got: impl ToString) -> Error {
    Error::damaged("WLST", what, expected, got)
}

/// Walks a list forwards, a block at a time.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub list: List<'a>,
    /// The block that the cursor is in; the number of blocks past the end.
    pub block: usize,
    loaded: bool,
    /// Documents in the block, when it is loaded.
    count: usize,
    /// Place in the block.
    at: usize,
    /// Boxed, so that cursors are moved cheaply.
    documents: Box<[u32; PACK]>,
    /// Frequencies, less one.
    frequencies: Box<[u32; PACK]>,
    /// The code of the frequencies, until it is read.
    unread: Option<&'a [u8]>,
}

impl<'a> Cursor<'a> {
    pub fn new(list: List<'a>) -> Self {
        Self {
            list,
            block: 0,
            loaded: false,
            count: 0,
            at: 0,
            documents: Box::new([0; PACK]),
            frequencies: Box::new([0; PACK]),
            unread: None,
        }
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        self.block >= self.list.blocks()
    }

    /// A document that no document ahead is before.
    #[inline]
    pub fn next_at_least(&self) -> u32 {
        match self.block {
            _ if self.loaded && self.at < self.count => self.documents[self.at],
            0 => 0,
            block => self.list.last(block - 1).saturating_add(1),
        }
    }

    /// Goes to the first document that is not before this one.
    #[inline]
    fn skip_to(&mut self, document: u32) -> Result<bool> {
        if self.is_done() {
            return Ok(false);
        }
        if self.list.last(self.block) < document {
            self.enter(self.list.block_of(self.block + 1, document));
            if self.is_done() {
                return Ok(false);
            }
        }
        self.load()?;
        self.at = first_from(&self.documents[..self.count], self.at, document);
        Ok(self.at < self.count)
    }

    /// Goes to the first document that is not before this one, and says whether it is this one.
    #[inline]
    pub fn seek(&mut self, document: u32) -> Result<bool> {
        Ok(self.skip_to(document)? && self.documents[self.at] == document)
    }

    fn enter(&mut self, block: usize) {
        self.block = block;
        self.loaded = false;
        self.at = 0;
    }

    fn load(&mut self) -> Result<()> {
        if self.loaded {
            return Ok(());
        }
        let (list, block) = (&self.list, self.block);
        let bytes = list.part(block, 4, list.data)?;
        self.count = list.block_count(block);
        let read = unpack(bytes, self.count, &mut self.documents);
        let read = read.ok_or_else(|| damaged("a block", "packed documents", "other bytes"))?;
        let mut next = match block {
            0 => 0,
            _ => u64::from(list.last(block - 1)) + 1,
        };
        for document in &mut self.documents[..self.count] {
            next += u64::from(*document) + 1;
            *document = (next - 1) as u32;
        }
        let last = u64::from(list.last(block));
        let fits = if list.records.is_empty() {
            next <= last + 1
        } else {
            next == last + 1 && last < list.documents.into()
        };
        if !fits {
            return Err(damaged("the last document of a block", last, next - 1));
        }
        let rest = &bytes[read..];
        if list.once {
            if !rest.is_empty() {
                return Err(damaged(
                    "a block without frequencies",
                    "its documents",
                    "more bytes",
                ));
            }
            self.frequencies.fill(0);
        }
        self.unread = (!list.once).then_some(rest);
        self.loaded = true;
        Ok(())
    }

    fn load_frequencies(&mut self) -> Result<()> {
        if let Some(bytes) = self.unread.take() {
            let read = unpack(bytes, self.count, &mut self.frequencies);
            if read != Some(bytes.len()) {
                return Err(damaged("a block", "packed frequencies", "other bytes"));
            }
        }
        Ok(())
    }

    /// How often the term is in the document that the last [`Cursor::seek`] found.
    #[inline]
    pub fn frequency(&mut self) -> Result<u32> {
        self.load_frequencies()?;
        Ok(self.frequencies[self.at].saturating_add(1))
    }

    /// Calls `visit` with the documents and frequencies, less one, of every block that has some
    /// below `end`, and goes past them.
    #[inline]
    pub fn visit_below(
        &mut self,
        start: u32,
        end: u32,
        frequencies: bool,
        mut visit: impl FnMut(&[u32], &[u32]),
    ) -> Result<()> {
        if !self.skip_to(start)? {
            return Ok(());
        }
        loop {
            self.load()?;
            if frequencies {
                self.load_frequencies()?;
            }
            let documents = &self.documents[self.at..self.count];
            let below = match documents.last() {
                Some(&last) if last < end => documents.len(),
                _ => documents.partition_point(|&d| d < end),
            };
            visit(
                &documents[..below],
                &self.frequencies[self.at..self.at + below],
            );
            self.at += below;
            if self.at < self.count {
                return Ok(());
            }
            self.enter(self.block + 1);
            if self.is_done() || self.next_at_least() >= end {
                return Ok(());
            }
        }
    }

    /// Replaces `out` by the positions of the term in the document that the last [`Cursor::seek`]
    /// found, the first [`MOST_POSITIONS`] of them.
    pub fn positions(&mut self, out: &mut Vec<u32>) -> Result<()> {
        self.load_frequencies()?;
        let count =
            |frequencies: &[u32]| -> u64 { frequencies.iter().map(|&f| u64::from(f) + 1).sum() };
        let start = count(&self.frequencies[..self.at]);
        let end = start + (u64::from(self.frequencies[self.at]) + 1).min(MOST_POSITIONS);
        let all = count(&self.frequencies[..self.count]);
        out.clear();
        unpack_range(self.list.positions(self.block)?, start..end, all, out)?;
        let mut position = 0u32;
        for step in out {
            position = position.saturating_add(*step);
            *step = position;
        }
        Ok(())
    }

    /// Checks the block that is loaded, and what its record says. For `verify`.
    pub fn verify_block(&mut self, mut visit: impl FnMut(u32, u32) -> Result<()>) -> Result<()> {
        self.load()?;
        self.load_frequencies()?;
        for at in 0..self.count {
            let frequency = self.frequencies[at].checked_add(1);
            let frequency = frequency.ok_or_else(|| damaged("a frequency", "32 bits", "more"))?;
            visit(self.documents[at], frequency)?;
        }
        if self.list.positions.is_some() {
            let mut bytes = self.list.positions(self.block)?;
            let frequencies = self.frequencies[..self.count].iter();
            let mut left: u64 = frequencies.map(|&f| u64::from(f) + 1).sum();
            while left > 0 {
                let n = left.min(PACK as u64);
                let read = unpack(bytes, n as usize, &mut [0; PACK]);
                bytes = &bytes[read.ok_or_else(damaged_positions)?..];
                left -= n;
            }
            if !bytes.is_empty() {
                return Err(damaged_positions());
            }
        }
        self.enter(self.block + 1);
        Ok(())
    }
}

/// The place of the first document from `at` on that is not before this one.
#[inline]
fn first_from(documents: &[u32], at: usize, document: u32) -> usize {
    // Most often it is near.
    let (mut low, mut step) = (at, 1);
    while low + step <= documents.len() && documents[low + step - 1] < document {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(documents.len());
    low + documents[low..high].partition_point(|&d| d < document)
}

/// Positions of one term in one document that a phrase is looked for in.
pub const MOST_POSITIONS: u64 = 1 << 22;

fn damaged_positions() -> Error {
    Error::damaged(
        "WPOS",
        "positions of a block",
        "one for each occurrence",
        "others",
    )
}

/// Appends the numbers of a range, of packs that hold `all` numbers.
fn unpack_range(mut bytes: &[u8], range: Range<u64>, all: u64, out: &mut Vec<u32>) -> Result<()> {
    let mut first = 0;
    let mut pack = [0; PACK];
    while first < range.end {
        let n = (all - first).min(PACK as u64);
        let read = if first + n <= range.start {
            skip(bytes, n as usize)
        } else {
            unpack(bytes, n as usize, &mut pack)
        };
        bytes = &bytes[read.ok_or_else(damaged_positions)?..];
        if first + n > range.start {
            let start = range.start.saturating_sub(first) as usize;
            let end = (range.end - first).min(n) as usize;
            out.extend_from_slice(&pack[start..end]);
        }
        first += n;
    }
    Ok(())
}
