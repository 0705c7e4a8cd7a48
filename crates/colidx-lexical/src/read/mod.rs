//! Reading: sections in place, checked where they are used.

pub(crate) mod list;
mod verify;

use crate::MemorySections;
use crate::analyze::Analyzer;
use crate::dictionary::Dictionary;
use crate::error::{Error, Result};
use crate::format::{INFO, Info, LENGTHS, LISTS, POSITIONS, TERM_INDEX, TERMS, get_u32, has_bit};
use list::List;
use std::ops::Range;

pub use list::MOST_POSITIONS;

/// The words of a segment, read in place.
///
/// `B` is what a section is held in: a slice, or a shared part of a mapped file.
#[derive(Debug, Clone)]
pub struct Reader<B> {
    info: Info,
    lists: B,
    positions: Option<B>,
    terms: B,
    term_index: B,
    lengths: B,
}

impl<'a> Reader<&'a [u8]> {
    /// Opens sections in memory.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn in_memory(sections: &'a MemorySections) -> Result<Self> {
        Self::open(|tag| sections.get(tag))
    }
}

impl<B: AsRef<[u8]>> Reader<B> {
    /// Opens the sections that `section` returns by tag, and checks what takes no time.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Damaged`].
    pub fn open(mut section: impl FnMut([u8; 4]) -> Option<B>) -> Result<Self> {
        let mut get = |tag, name| section(tag).ok_or(Error::Missing { tag: name });
        let info = Info::from_bytes(get(INFO, "WINF")?.as_ref())?;
        let reader = Self {
            lists: get(LISTS, "WLST")?,
            positions: match info.positions {
                true => Some(get(POSITIONS, "WPOS")?),
                false => None,
            },
            terms: get(TERMS, "WTRM")?,
            term_index: get(TERM_INDEX, "WIDX")?,
            lengths: get(LENGTHS, "WLEN")?,
            info,
        };
        let lengths = reader.lengths.as_ref().len();
        let expected = u64::from(reader.info.documents) * 4;
        if lengths as u64 != expected {
            return Err(Error::damaged("WLEN", "length", expected, lengths));
        }
        // So that the counts of several segments can be added up.
        let (tokens, most) = (
            reader.info.tokens,
            u64::from(reader.info.documents) * u64::from(u32::MAX),
        );
        if tokens > most {
            let most = format!("at most {most}");
            return Err(Error::damaged("WINF", "tokens", most, tokens));
        }
        reader.dictionary().check()?;
        Ok(reader)
    }

    /// Counts, and the analyzer's name and version.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The analyzer that made the words.
    ///
    /// # Errors
    ///
    /// As [`Analyzer::stored`].
    pub fn analyzer(&self) -> Result<Analyzer> {
        Analyzer::stored(&self.info.analyzer, self.info.analyzer_version)
    }

    /// The number of terms in a document, with repetitions; 0 past the last document.
    #[inline]
    pub fn length(&self, document: u32) -> u32 {
        get_u32(self.lengths.as_ref(), document as usize * 4)
    }

    /// Counts the documents that are not deleted. Bit `d % 64` of word `d / 64` says that document
    /// `d` is deleted; no words say that none is.
    pub fn live<'a>(&self, deleted: &'a [u64]) -> Live<'a> {
        let mut live = Live {
            deleted,
            documents: self.info.documents,
            tokens: self.info.tokens,
        };
        for (word, &bits) in deleted.iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let document = word as u64 * 64 + u64::from(bits.trailing_zeros());
                bits &= bits - 1;
                if document < self.info.documents.into() {
                    live.documents -= 1;
                    let length = self.length(document as u32).into();
                    live.tokens = live.tokens.saturating_sub(length);
                }
            }
        }
        live
    }

    /// The length of each document, in little-endian.
    pub(crate) fn lengths(&self) -> &[[u8; 4]] {
        self.lengths.as_ref().as_chunks().0
    }

    pub(crate) fn dictionary(&self) -> Dictionary<'_> {
        Dictionary {
            terms: self.terms.as_ref(),
            index: self.term_index.as_ref(),
            count: self.info.terms,
            positions: self.info.positions,
        }
    }

    /// The posting list of a term.
    pub(crate) fn list(&self, term: &[u8]) -> Result<Option<List<'_>>> {
        let entry = self.dictionary().find(term)?;
        entry.map(|entry| self.list_at(&entry)).transpose()
    }

    fn list_at(&self, entry: &crate::dictionary::Entry) -> Result<List<'_>> {
        let list = part(self.lists.as_ref(), &entry.list, "WLST")?;
        let positions = self.positions.as_ref();
        let positions = positions.map(|all| part(all.as_ref(), &entry.positions, "WPOS"));
        let count = (entry.documents, entry.once);
        List::open(list, positions.transpose()?, count, self.info.documents)
    }
}

fn part<'a>(all: &'a [u8], range: &Range<u64>, tag: &'static str) -> Result<&'a [u8]> {
    let bounds = usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok());
    let part = bounds.and_then(|(start, end)| all.get(start..end));
    part.ok_or_else(|| Error::damaged(tag, "a list", format!("within {}", all.len()), range.end))
}

/// The documents of a segment that are not deleted.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// The bits of the deleted ones.
    pub deleted: &'a [u64],
    /// How many there are.
    pub documents: u32,
    /// Their terms, counted with repetitions.
    pub tokens: u64,
}

impl Live<'_> {
    pub(crate) fn is_deleted(&self, document: u32) -> bool {
        has_bit(self.deleted, document)
    }
}
