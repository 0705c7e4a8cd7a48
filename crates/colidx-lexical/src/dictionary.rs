//! Terms in order, each with its posting list's place.
//!
//! Terms stand in blocks; each but the first of a block leaves out what it shares with the one
//! before. An index names the first term of every block, so that a look-up searches the index and
//! reads one block, in place. (A finite-state transducer is smaller by a little, but `fst` panics
//! on damaged bytes.)

use crate::bits::{put_varint, take_varint};
use crate::error::{Error, Result};
use crate::format::get_u64;
use std::cmp::Ordering;
use std::ops::Range;

/// Terms of a block.
const BLOCK_TERMS: u64 = 32;

/// Bytes of a block's entry in the index: prefix, and where the block, its lists and positions
/// begin.
const INDEX_ENTRY: usize = 32;

/// Says that a length of 15 or more follows.
const LONG: u8 = 15;

/// A term's list, as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub documents: u32,
    /// Whether the term is once in every document, and the list in one block.
    pub once: bool,
    pub list_bytes: u64,
    pub position_bytes: u64,
}

/// Where a term's list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub documents: u32,
    pub once: bool,
    pub list: Range<u64>,
    pub positions: Range<u64>,
}

pub(crate) struct DictionaryWriter {
    positions: bool,
    /// Bytes not yet taken.
    pub out: Vec<u8>,
    /// One entry for each block.
    pub index: Vec<u8>,
    pub terms: u64,
    taken: u64,
    before: Vec<u8>,
    list_end: u64,
    position_end: u64,
}

impl DictionaryWriter {
    pub fn new(positions: bool) -> Self {
        Self {
            positions,
            out: Vec::new(),
            index: Vec::new(),
            terms: 0,
            taken: 0,
            before: Vec::new(),
            list_end: 0,
            position_end: 0,
        }
    }

    /// Forgets the bytes of `out`, which the caller has stored.
    pub fn taken(&mut self) {
        self.taken += self.out.len() as u64;
        self.out.clear();
    }

    /// Appends a term, above the one before.
    pub fn push(&mut self, term: &[u8], written: Written) {
        if self.terms.is_multiple_of(BLOCK_TERMS) {
            self.before.clear();
            let begins = self.taken + self.out.len() as u64;
            for number in [prefix(term), begins, self.list_end, self.position_end] {
                self.index.extend(number.to_le_bytes());
            }
        }
        let shared = self.before.iter().zip(term).take_while(|(a, b)| a == b);
        let shared = shared.count();
        let rest = &term[shared..];
        let short = |length: usize| length.min(LONG.into()) as u8;
        self.out.push(short(shared) << 4 | short(rest.len()));
        for length in [shared, rest.len()] {
            if length >= LONG.into() {
                self.out.push(length as u8);
            }
        }
        self.out.extend_from_slice(rest);
        let documents = u64::from(written.documents) << 1 | u64::from(written.once);
        put_varint(documents, &mut self.out);
        put_varint(written.list_bytes, &mut self.out);
        if self.positions {
            put_varint(written.position_bytes, &mut self.out);
        }
        self.before.truncate(shared);
        self.before.extend_from_slice(rest);
        self.list_end += written.list_bytes;
        self.position_end += written.position_bytes;
        self.terms += 1;
    }
}

/// The first eight bytes, as a number in the order of the bytes.
fn prefix(term: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = term.len().min(8);
    bytes[..length].copy_from_slice(&term[..length]);
    u64::from_be_bytes(bytes)
}

/// The terms, read in place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dictionary<'a> {
    pub terms: &'a [u8],
    pub index: &'a [u8],
    /// Different terms.
    pub count: u64,
    pub positions: bool,
}

impl<'a> Dictionary<'a> {
    /// Checks what costs nothing.
    pub fn check(&self) -> Result<()> {
        let expected = self
            .count
            .div_ceil(BLOCK_TERMS)
            .saturating_mul(INDEX_ENTRY as u64);
        if self.index.len() as u64 != expected {
            return Err(Error::damaged("WIDX", "length", expected, self.index.len()));
        }
        Ok(())
    }

    fn blocks(&self) -> usize {
        self.index.len() / INDEX_ENTRY
    }

    /// Reads a block from its beginning.
    fn block(&self, at: usize) -> Result<Block<'a>> {
        let entry = &self.index[at * INDEX_ENTRY..];
        let begins = usize::try_from(get_u64(entry, 8)).ok();
        let rest = begins.and_then(|begins| self.terms.get(begins..));
        let rest = rest.ok_or_else(|| {
            Error::damaged(
                "WIDX",
                format!("block {at}"),
                "inside the terms",
                get_u64(entry, 8),
            )
        })?;
        let left = self.count - at as u64 * BLOCK_TERMS;
        Ok(Block {
            rest,
            left: left.min(BLOCK_TERMS) as u32,
            term: Vec::new(),
            list_end: get_u64(entry, 16),
            position_end: get_u64(entry, 24),
            positions: self.positions,
        })
    }

    /// The place of a term's list.
    pub fn find(&self, term: &[u8]) -> Result<Option<Entry>> {
        // The last block that begins with the term or one below.
        let (mut low, mut high) = (0, self.blocks());
        let wanted = prefix(term);
        while low < high {
            let middle = (low + high) / 2;
            let order = match get_u64(self.index, middle * INDEX_ENTRY).cmp(&wanted) {
                Ordering::Equal => {
                    let mut block = self.block(middle)?;
                    block.next()?;
                    block.term[..].cmp(term)
                }
                order => order,
            };
            if order == Ordering::Greater {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let Some(at) = low.checked_sub(1) else {
            return Ok(None);
        };
        let mut block = self.block(at)?;
        while let Some(entry) = block.next()? {
            match block.term[..].cmp(term) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(entry)),
                Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// Calls `visit` with every term, and checks that terms ascend and that lists and positions
    /// follow one another. Returns where these end.
    pub fn verify(&self, mut visit: impl FnMut(&[u8], Entry) -> Result<()>) -> Result<(u64, u64)> {
        let mut before = Vec::new();
        let (mut list_end, mut position_end) = (0, 0);
        let mut begins = 0;
        for at in 0..self.blocks() {
            let mut block = self.block(at)?;
            let same = block.rest.len() + begins == self.terms.len()
                && (block.list_end, block.position_end) == (list_end, position_end);
            if !same {
                let what = format!("block {at}");
                return Err(Error::damaged(
                    "WIDX",
                    what,
                    "the end of the one before",
                    "another",
                ));
            }
            let mut first = true;
            while let Some(entry) = block.next()? {
                if std::mem::take(&mut first)
                    && prefix(&block.term) != get_u64(self.index, at * INDEX_ENTRY)
                {
                    let what = format!("prefix of block {at}");
                    return Err(Error::damaged("WIDX", what, "its first term's", "another"));
                }
                if block.term <= before && !(begins == 0 && before.is_empty()) {
                    let what = format!("a term of block {at}");
                    return Err(Error::damaged("WTRM", what, "above the one before", "not"));
                }
                before.clone_from(&block.term);
                visit(&block.term, entry)?;
            }
            (list_end, position_end) = (block.list_end, block.position_end);
            begins = self.terms.len() - block.rest.len();
        }
        if begins != self.terms.len() {
            return Err(Error::damaged("WTRM", "length", begins, self.terms.len()));
        }
        Ok((list_end, position_end))
    }
}

/// Walks the terms of a block.
struct Block<'a> {
    rest: &'a [u8],
    left: u32,
    term: Vec<u8>,
    list_end: u64,
    position_end: u64,
    positions: bool,
}

impl Block<'_> {
    fn next(&mut self) -> Result<Option<Entry>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let entry = self.parse();
        let damaged = || Error::damaged("WTRM", "a term", "with its list's place", "other bytes");
        entry.ok_or_else(damaged).map(Some)
    }

    fn parse(&mut self) -> Option<Entry> {
        let (&head, rest) = self.rest.split_first()?;
        self.rest = rest;
        let shared = self.length(head >> 4)?;
        let length = self.length(head & 15)?;
        let (suffix, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if shared > self.term.len() {
            return None;
        }
        self.term.truncate(shared);
        self.term.extend_from_slice(suffix);
        let documents = take_varint(&mut self.rest)?;
        let list = self.list_end;
        self.list_end = list.checked_add(take_varint(&mut self.rest)?)?;
        let position = self.position_end;
        if self.positions {
            self.position_end = position.checked_add(take_varint(&mut self.rest)?)?;
        }
        Some(Entry {
            documents: u32::try_from(documents >> 1).ok()?,
            once: documents & 1 != 0,
            list: list..self.list_end,
            positions: position..self.position_end,
        })
    }

    fn length(&mut self, short: u8) -> Option<usize> {
        if short < LONG {
            return Some(short.into());
        }
        let (&length, rest) = self.rest.split_first()?;
        self.rest = rest;
        (length >= LONG).then_some(length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn written(terms: &BTreeMap<Vec<u8>, u32>, positions: bool) -> DictionaryWriter {
        let mut writer = DictionaryWriter::new(positions);
        for (term, &n) in terms {
            writer.push(
                term,
                Written {
                    documents: n + 1,
                    once: n % 2 == 1,
                    list_bytes: u64::from(n) + 2,
                    position_bytes: if positions { u64::from(n) * 3 } else { 0 },
                },
            );
        }
        writer
    }

    proptest! {
        #[test]
        fn terms_are_found_and_no_others(
            terms in proptest::collection::btree_map("[ab\u{e9}]{1,40}|[a-c]{1,9}", 0u32..100_000, 0..300),
            others in proptest::collection::vec("[a-c]{0,9}", 0..30),
            positions in any::<bool>(),
        ) {
            let terms = terms.into_iter().map(|(t, n)| (t.into_bytes(), n)).collect();
            let writer = written(&terms, positions);
            let dictionary = Dictionary {
                terms: &writer.out,
                index: &writer.index,
                count: writer.terms,
                positions,
            };
            dictionary.check().unwrap();
            let mut all = Vec::new();
            let end = dictionary.verify(|term, entry| {
                all.push((term.to_vec(), entry));
                Ok(())
            });
            prop_assert_eq!(end, Ok((writer.list_end, writer.position_end)));
            prop_assert!(all.iter().map(|(term, _)| term).eq(terms.keys()));
            for (term, entry) in all {
                prop_assert_eq!(entry.documents, terms[&term] + 1);
                prop_assert_eq!(entry.list.end - entry.list.start, u64::from(terms[&term]) + 2);
                prop_assert_eq!(dictionary.find(&term), Ok(Some(entry)));
            }
            for other in others {
                let found = dictionary.find(other.as_bytes()).unwrap();
                prop_assert_eq!(found.is_some(), terms.contains_key(other.as_bytes()));
            }
        }
    }
}
