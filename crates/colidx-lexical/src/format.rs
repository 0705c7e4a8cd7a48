//! What the sections hold: see index-format.md.

use crate::error::{Error, Result};

/// Counts and the analyzer.
pub const INFO: [u8; 4] = *b"WINF";
/// Posting lists.
pub const LISTS: [u8; 4] = *b"WLST";
/// Positions of the terms in their documents.
pub const POSITIONS: [u8; 4] = *b"WPOS";
/// Terms.
pub const TERMS: [u8; 4] = *b"WTRM";
/// Where blocks of terms begin.
pub const TERM_INDEX: [u8; 4] = *b"WIDX";
/// Terms of each document, counted with repetitions.
pub const LENGTHS: [u8; 4] = *b"WLEN";

/// Tags of all sections, in the order in which they are written.
pub const TAGS: [[u8; 4]; 6] = [LISTS, POSITIONS, TERMS, TERM_INDEX, LENGTHS, INFO];

/// Documents of a full block of postings.
pub(crate) const BLOCK: usize = crate::bits::PACK;

const INFO_BYTES: usize = 32;
const HAS_POSITIONS: u32 = 1;
const LONGEST_NAME: usize = 64;

/// Counts of a segment's words, and the analyzer that made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Documents, with and without terms.
    pub documents: u32,
    /// Terms of all documents, counted with repetitions.
    pub tokens: u64,
    /// Different terms.
    pub terms: u64,
    /// Whether positions are stored.
    pub positions: bool,
    /// Name of the analyzer.
    pub analyzer: String,
    /// Version of the analyzer.
    pub analyzer_version: u32,
}

impl Info {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let flags = if self.positions { HAS_POSITIONS } else { 0 };
        let mut bytes = Vec::new();
        bytes.extend(flags.to_le_bytes());
        bytes.extend(self.documents.to_le_bytes());
        bytes.extend(self.tokens.to_le_bytes());
        bytes.extend(self.terms.to_le_bytes());
        bytes.extend(self.analyzer_version.to_le_bytes());
        bytes.extend((self.analyzer.len() as u32).to_le_bytes());
        bytes.extend(self.analyzer.as_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged =
            |what, expected: &str, got: String| Err(Error::damaged("WINF", what, expected, got));
        let Some(name) = bytes.get(INFO_BYTES..) else {
            return damaged("length", "32 bytes or more", bytes.len().to_string());
        };
        let flags = get_u32(bytes, 0);
        if flags & !HAS_POSITIONS != 0 {
            return damaged("flags", "0 or 1", flags.to_string());
        }
        if get_u32(bytes, 28) as usize != name.len() || name.len() > LONGEST_NAME {
            return damaged("length of the name", "what follows", name.len().to_string());
        }
        let Ok(name) = std::str::from_utf8(name) else {
            return damaged("name", "UTF-8", "other bytes".into());
        };
        Ok(Self {
            documents: get_u32(bytes, 4),
            tokens: get_u64(bytes, 8),
            terms: get_u64(bytes, 16),
            positions: flags & HAS_POSITIONS != 0,
            analyzer: name.into(),
            analyzer_version: get_u32(bytes, 24),
        })
    }
}

/// The number at an offset; 0 past the end.
#[inline]
pub(crate) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(&bytes) => u32::from_le_bytes(bytes),
        None => 0,
    }
}

/// The number at an offset; 0 past the end.
#[inline]
pub(crate) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(&bytes) => u64::from_le_bytes(bytes),
        None => 0,
    }
}

/// Whether a bit is set; bits past the end are not.
#[inline]
pub(crate) fn has_bit(words: &[u64], document: u32) -> bool {
    let word = words.get(document as usize / 64).copied().unwrap_or(0);
    word >> (document % 64) & 1 != 0
}
