//! The documents of a segment: where their vectors lie, and their keys.

use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::manifest::SegmentEntry;
use crate::format::{FileKind, MAX_KEY_BYTES, Tag, file_name};
use crate::storage::Directory;
use std::collections::HashSet;
use std::ops::Range;

const VECTOR_OFFSETS: Tag = Tag(*b"VOFF");
const KEY_OFFSETS: Tag = Tag(*b"KOFF");
const KEYS: Tag = Tag(*b"KEYS");
const SORTED: Tag = Tag(*b"SORT");

/// Collects the keys of a segment in document order and refuses one that came before.
#[derive(Debug, Default)]
pub(crate) struct KeyWriter {
    bytes: String,
    offsets: Vec<u64>,
    seen: HashSet<u128>,
}

impl KeyWriter {
    /// Adds a key.
    pub(crate) fn push(&mut self, key: &str) -> Result<()> {
        check_key(key)?;
        // 128 bits: among a billion keys the chance of two alike is below 10^-20.
        if !self
            .seen
            .insert(xxhash_rust::xxh3::xxh3_128(key.as_bytes()))
        {
            return Err(Error::DuplicateKey { key: key.into() });
        }
        self.offsets.push(self.bytes.len() as u64);
        self.bytes.push_str(key);
        Ok(())
    }

    /// Lets a key be given again.
    pub(crate) fn forget(&mut self, key: &str) {
        self.seen
            .remove(&xxhash_rust::xxh3::xxh3_128(key.as_bytes()));
    }

    /// No more keys come: frees the memory that detects duplicates.
    pub(crate) fn complete(&mut self) {
        self.seen = HashSet::new();
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Bytes that the keys take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&self.offsets[..])
    }

    pub(crate) fn key(&self, document: u32) -> &str {
        let at = document as usize;
        let end = self.offsets.get(at + 1).copied();
        &self.bytes[self.offsets[at] as usize..end.unwrap_or(self.bytes.len() as u64) as usize]
    }

    /// Writes the documents file. `vector_offsets` has one entry a document and the total last.
    pub(crate) fn write(
        mut self,
        directory: &Directory,
        number: u32,
        vector_offsets: &[u64],
    ) -> Result<Seal> {
        self.complete();
        let mut sorted: Vec<u32> = (0..self.len() as u32).collect();
        sorted.sort_unstable_by(|&a, &b| self.key(a).cmp(self.key(b)));
        self.offsets.push(self.bytes.len() as u64);

        let name = file_name(FileKind::Documents, number);
        let mut w = FrameWriter::create(directory, &name, FileKind::Documents)?;
        w.section(VECTOR_OFFSETS, bytemuck::cast_slice(vector_offsets))?;
        w.section(KEY_OFFSETS, bytemuck::cast_slice(&self.offsets))?;
        w.section(KEYS, self.bytes.as_bytes())?;
        w.section(SORTED, bytemuck::cast_slice(&sorted))?;
        w.finish()
    }
}

/// A key has 1 to [`MAX_KEY_BYTES`] bytes.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if (1..=MAX_KEY_BYTES).contains(&key.len()) {
        return Ok(());
    }
    Err(Error::InvalidKey {
        got: key.len(),
        max: MAX_KEY_BYTES,
    })
}

/// The documents of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Documents {
    pub frame: Frame,
    vectors: u64,
    vector_offsets: Section<u64>,
    key_offsets: Section<u64>,
    keys: Section<u8>,
    sorted: Section<u32>,
}

impl Documents {
    pub(crate) fn open(frame: Frame, entry: SegmentEntry) -> Result<Self> {
        let documents = u64::from(entry.documents);
        Ok(Self {
            vector_offsets: frame.section_of(VECTOR_OFFSETS, documents + 1)?,
            key_offsets: frame.section_of(KEY_OFFSETS, documents + 1)?,
            keys: frame.section(KEYS)?,
            sorted: frame.section_of(SORTED, documents)?,
            vectors: entry.vectors,
            frame,
        })
    }

    /// Number of documents.
    pub(crate) fn len(&self) -> u32 {
        self.sorted.len() as u32
    }

    /// Prefetches where a document's vectors are into the cache.
    pub(crate) fn prefetch(&self, document: u32) {
        let offsets = self.vector_offsets.get(document as usize..);
        colidx_kernels::prefetch(offsets.and_then(|o| o.get(..2)).unwrap_or_default());
    }

    /// The range of the document's vectors among those of the segment.
    pub(crate) fn vectors(&self, document: u32) -> Result<Range<usize>> {
        let at = document as usize;
        let (start, end) = (self.vector_offsets[at], self.vector_offsets[at + 1]);
        if start > end || end > self.vectors {
            return Err(self.frame.error(FormatErrorKind::invalid(
                VECTOR_OFFSETS,
                format!("range of document {document}"),
                format!("ascending, at most {}", self.vectors),
                format!("{start}..{end}"),
            )));
        }
        Ok(start as usize..end as usize)
    }

    pub(crate) fn key_bytes(&self, document: u32) -> Result<&[u8]> {
        let at = document as usize;
        let (start, end) = (self.key_offsets[at], self.key_offsets[at + 1]);
        let bytes = usize::try_from(start)
            .ok()
            .zip(usize::try_from(end).ok())
            .and_then(|(s, e)| self.keys.get(s..e));
        bytes.ok_or_else(|| {
            self.frame.error(FormatErrorKind::invalid(
                KEY_OFFSETS,
                format!("range of document {document}"),
                format!("ascending, at most {}", self.keys.len()),
                format!("{start}..{end}"),
            ))
        })
    }

    pub(crate) fn key(&self, document: u32) -> Result<&str> {
        std::str::from_utf8(self.key_bytes(document)?).map_err(|e| {
            self.frame.error(FormatErrorKind::invalid(
                KEYS,
                format!("key of document {document}"),
                "UTF-8",
                e,
            ))
        })
    }

    /// The document with this key.
    pub(crate) fn find(&self, key: &str) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.sorted.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let document = self.sorted_document(middle)?;
            match self.key_bytes(document)?.cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Some(document)),
            }
        }
        Ok(None)
    }

    /// All documents by ascending key.
    pub(crate) fn by_key(&self) -> impl Iterator<Item = Result<u32>> + '_ {
        (0..self.sorted.len()).map(|rank| self.sorted_document(rank))
    }

    fn sorted_document(&self, rank: usize) -> Result<u32> {
        let document = self.sorted[rank];
        if document < self.len() {
            return Ok(document);
        }
        Err(self.frame.error(FormatErrorKind::invalid(
            SORTED,
            format!("entry {rank}"),
            format!("below {}", self.len()),
            document,
        )))
    }

    pub(crate) fn verify(&self) -> Result<()> {
        // Each key ends where the next begins.
        let ends = (self.key_offsets.first(), self.key_offsets.last());
        if ends != (Some(&0), Some(&(self.keys.len() as u64))) {
            return Err(self.frame.error(FormatErrorKind::invalid(
                KEY_OFFSETS,
                "first and last entry",
                format!("0 and {}", self.keys.len()),
                format!("{ends:?}"),
            )));
        }
        let mut end = 0;
        for document in 0..self.len() {
            let range = self.vectors(document)?;
            let key = self.key(document)?;
            if range.start != end {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    VECTOR_OFFSETS,
                    format!("document {document}"),
                    format!("vectors from {end}"),
                    format!("vectors from {}", range.start),
                )));
            }
            if key.is_empty() || key.len() > MAX_KEY_BYTES {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    KEY_OFFSETS,
                    format!("key of document {document}"),
                    format!("1 to {MAX_KEY_BYTES} bytes"),
                    key.len(),
                )));
            }
            end = range.end;
        }
        if end as u64 != self.vectors {
            return Err(self.frame.error(FormatErrorKind::invalid(
                VECTOR_OFFSETS,
                "end of the last document",
                self.vectors,
                end,
            )));
        }
        for rank in 1..self.sorted.len() {
            let pair = (self.sorted_document(rank - 1)?, self.sorted_document(rank)?);
            if self.key_bytes(pair.0)? >= self.key_bytes(pair.1)? {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    SORTED,
                    format!("entry {rank}"),
                    "keys strictly ascending",
                    "a key that is not above the one before",
                )));
            }
        }
        Ok(())
    }
}
