//! Vectors that come with their documents, kept in spool files until the commit.

use super::reader::{Requirements, count};
use super::spool::Spool;
use super::{SourceDocument, VectorBatch, VectorSource};
use crate::error::{Error, Result};
use crate::format::pooling::Pooling;
use crate::storage::{Bytes, Directory};
use bytemuck::AnyBitPattern;
use std::error::Error as StdError;
use std::ops::Range;

const VECTORS: &str = "supplied-vectors.spool";
const TOKEN_IDS: &str = "supplied-tokens.spool";

/// The vectors of one document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Supply<'a> {
    pub dim: usize,
    /// `[n_tokens, dim]` f32 row-major.
    pub vectors: &'a [f32],
    /// One for each vector, or empty.
    pub token_ids: &'a [u32],
    /// Whether all vectors of the index have unit length, so that these must.
    pub unit_length: bool,
}

/// Collects the vectors of documents, in ascending order of their ordinals.
pub(crate) struct SuppliedVectors {
    directory: Directory,
    vectors: Spool,
    token_ids: Spool,
    places: Vec<Place>,
    /// Whether vectors come with token ids; `None` until some do or do not.
    has_token_ids: Option<bool>,
}

/// Where the vectors of a document end; they begin where those of the one before end.
#[derive(Debug, Clone, Copy)]
struct Place {
    ordinal: u32,
    end: u64,
}

impl Supply<'_> {
    /// Refuses what cannot be stored as vectors of the document `key`.
    fn check(&self, key: &str) -> Result<u32> {
        let Self { dim, vectors, .. } = *self;
        let count = u32::try_from(vectors.len() / dim.max(1)).ok();
        let whole = dim > 0 && vectors.len().is_multiple_of(dim);
        let Some(count) = count.filter(|_| whole) else {
            return Err(Error::DocumentVectors {
                key: key.into(),
                values: vectors.len(),
                dim,
            });
        };
        let requirements = Requirements {
            unit_length: self.unit_length,
            ..Requirements::default()
        };
        requirements.check(dim, &[count], vectors, |_| key)?;
        Ok(count)
    }
}

impl SuppliedVectors {
    pub(crate) fn create(directory: &Directory) -> Result<Self> {
        Ok(Self {
            directory: directory.clone(),
            vectors: Spool::open(directory, VECTORS, None)?,
            token_ids: Spool::open(directory, TOKEN_IDS, None)?,
            places: Vec::new(),
            has_token_ids: None,
        })
    }

    /// Refuses vectors that cannot be stored, or that do not go with those that came before.
    pub(crate) fn check(earlier: Option<&Self>, key: &str, supply: &Supply<'_>) -> Result<()> {
        let count = supply.check(key)? as usize;
        let expected = match earlier.and_then(|earlier| earlier.has_token_ids) {
            Some(true) => count,
            Some(false) => 0,
            None if supply.token_ids.is_empty() => 0,
            None => count,
        };
        match supply.token_ids.len() {
            got if got == expected => Ok(()),
            got => Err(Error::TokenIds {
                key: key.into(),
                expected,
                got,
            }),
        }
    }

    /// Appends the vectors of a document, which were checked.
    pub(crate) fn push(&mut self, ordinal: u32, supply: &Supply<'_>) -> Result<()> {
        self.vectors.write(supply.vectors)?;
        self.token_ids.write(supply.token_ids)?;
        let count = supply.vectors.len() / supply.dim;
        if count > 0 {
            self.has_token_ids = Some(!supply.token_ids.is_empty());
        }
        let start = self.places.last().map_or(0, |place| place.end);
        let end = start + count as u64;
        self.places.push(Place { ordinal, end });
        Ok(())
    }

    /// Documents whose vectors were supplied.
    pub(crate) fn ordinals(&self) -> impl Iterator<Item = u32> {
        self.places.iter().map(|place| place.ordinal)
    }

    fn read(mut self) -> Result<Reading> {
        self.vectors.flush()?;
        self.token_ids.flush()?;
        let places = self.places.iter();
        let places: Vec<u64> = places.flat_map(|p| [p.ordinal.into(), p.end]).collect();
        Ok(Reading {
            digest: xxhash_rust::xxh3::xxh3_64(bytemuck::cast_slice(&[
                self.vectors.digest(),
                self.token_ids.digest(),
                xxhash_rust::xxh3::xxh3_64(bytemuck::cast_slice(&places)),
            ])),
            vectors: self.directory.map(VECTORS)?,
            token_ids: self.directory.map(TOKEN_IDS)?,
            places: self.places,
            has_token_ids: self.has_token_ids,
        })
    }
}

/// Supplied vectors that are read back.
struct Reading {
    vectors: Bytes,
    token_ids: Bytes,
    places: Vec<Place>,
    has_token_ids: Option<bool>,
    /// Hash of all of it.
    digest: u64,
}

impl Reading {
    /// Which vectors are those of a document; `None` when they were not supplied.
    fn rows(&self, ordinal: u32) -> Option<Range<usize>> {
        let found = self.places.binary_search_by_key(&ordinal, |p| p.ordinal);
        let at = found.ok()?;
        let start = at
            .checked_sub(1)
            .map_or(0, |before| self.places[before].end);
        Some(start as usize..self.places[at].end as usize)
    }

    fn append(&self, rows: Range<usize>, dim: usize, out: &mut VectorBatch) -> Result<()> {
        let bytes = |values: usize| rows.start * values * 4..rows.end * values * 4;
        let vectors = self.vectors.get(bytes(dim)).unwrap_or_default();
        count("bytes of supplied vectors", bytes(dim).len(), vectors.len())?;
        out.vectors.extend(numbers::<f32>(vectors));
        let token_ids = self.token_ids.get(bytes(1)).unwrap_or_default();
        out.token_ids.extend(numbers::<u32>(token_ids));
        out.lens.push(rows.len() as u32);
        Ok(())
    }

    fn advise_dontneed(&self) {
        for bytes in [&self.vectors, &self.token_ids] {
            bytes.advise_dontneed(0..bytes.len());
        }
    }
}

/// The numbers that a spool was written with.
fn numbers<T: AnyBitPattern>(bytes: &[u8]) -> impl Iterator<Item = T> {
    let numbers = bytes.chunks_exact(size_of::<T>());
    numbers.map(bytemuck::pod_read_unaligned)
}

/// The vectors of staged documents: those that came with them, and another source for the others.
/// All are pooled alike.
pub(crate) struct StagedSource<'a> {
    dim: usize,
    pooling: Option<Pooling>,
    supplied: Option<Reading>,
    /// `None` when no document needs it.
    others: Option<&'a mut dyn VectorSource>,
}

impl<'a> StagedSource<'a> {
    pub(crate) fn new(
        dim: usize,
        pooling: Option<Pooling>,
        supplied: Option<SuppliedVectors>,
        others: Option<&'a mut dyn VectorSource>,
    ) -> Result<Self> {
        Ok(Self {
            dim,
            pooling,
            supplied: supplied.map(SuppliedVectors::read).transpose()?,
            others,
        })
    }

    fn rows(&self, document: &SourceDocument<'_>) -> Option<Range<usize>> {
        self.supplied.as_ref()?.rows(document.ordinal)
    }
}

impl VectorSource for StagedSource<'_> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn needs_text(&self) -> bool {
        self.others
            .as_ref()
            .is_some_and(|source| source.needs_text())
    }

    fn rereads(&self) -> bool {
        self.others.as_ref().is_none_or(|source| source.rereads())
    }

    fn fingerprint(&self) -> String {
        let others = self.others.as_ref().map(|source| source.fingerprint());
        let mut from = others.unwrap_or_default();
        if let Some(supplied) = &self.supplied {
            from += &format!(" and supplied vectors {:016x}", supplied.digest);
        }
        if let Some(Pooling { factor, protected }) = self.pooling {
            from += &format!(", pooled by {factor} behind {protected}");
        }
        from
    }

    /// Gives the vectors of the first documents that come from the same place.
    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        self.gather(documents, out)?;
        if let Some(pooling) = self.pooling {
            pooling.pool(self.dim, out);
        }
        Ok(())
    }
}

impl StagedSource<'_> {
    fn gather(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        if let Some(supplied) = &self.supplied {
            for document in documents {
                let Some(rows) = supplied.rows(document.ordinal) else {
                    break;
                };
                supplied.append(rows, self.dim, out)?;
            }
            supplied.advise_dontneed();
            if !out.lens.is_empty() {
                return Ok(());
            }
        }
        let supplied = documents.iter().position(|d| self.rows(d).is_some());
        let others = &documents[..supplied.unwrap_or(documents.len())];
        let Some(source) = &mut self.others else {
            return Err("documents were added without vectors, and no source for them".into());
        };
        source.encode(others, out)?;
        match self.supplied.as_ref().and_then(|s| s.has_token_ids) {
            Some(true) if out.token_ids.is_empty() && !out.vectors.is_empty() => {
                Err(Error::NoTokenIds.into())
            }
            Some(false) => {
                out.token_ids.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
