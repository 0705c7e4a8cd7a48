//! Asking the source for vectors, and checking what comes.

use super::encode::has_unit_length;
use super::{SourceDocument, VectorBatch, VectorSource};
use crate::error::{Error, Result};
use crate::format::MAX_SQUARED_LENGTH;
use crate::segment::documents::KeyWriter;
use crate::segment::text::{StoredText, Text};

/// Bytes of text held at a time; a single document may be larger.
const TEXT_BYTES: usize = 8 << 20;

/// What the vectors of a source must fulfil besides the right counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Requirements {
    pub unit_length: bool,
    pub token_ids: bool,
    /// They are those of an index: as long as the format allows, which is more than new ones may
    /// be.
    pub stored: bool,
}

/// Asks the source for documents' vectors and checks what comes.
pub(super) struct Reader<'a> {
    pub source: &'a mut dyn VectorSource,
    pub text: Option<Text>,
    pub keys: &'a KeyWriter,
    /// By document, its number for the source; `None` when they are the same.
    pub ordinals: Option<&'a [u32]>,
    pub requirements: Requirements,
}

impl Reader<'_> {
    pub(super) fn dim(&self) -> usize {
        self.source.dim()
    }

    /// Reads the vectors of the first of the documents, which are ascending: as many as the source
    /// gives at a time and as their text allows. After an error `batch` is empty.
    pub(super) fn read(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
        batch.clear();
        self.encode(documents, batch).inspect_err(|_| batch.clear())
    }

    fn encode(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
        let together = match &self.text {
            Some(text) => text.fitting(documents, TEXT_BYTES)?,
            None => documents.len(),
        };
        let documents = &documents[..together];
        let (Some(&first), Some(&last)) = (documents.first(), documents.last()) else {
            return Ok(());
        };
        let ordinal = |document: u32| self.ordinals.map_or(document, |o| o[document as usize]);
        let texts: Vec<StoredText> = match &self.text {
            Some(text) => text.get_many(documents)?,
            None => vec![StoredText::default(); documents.len()],
        };
        let asked: Vec<SourceDocument<'_>> = documents
            .iter()
            .zip(&texts)
            .map(|(&document, t)| SourceDocument {
                ordinal: ordinal(document),
                key: self.keys.key(document),
                title: &t.title,
                text: &t.text,
            })
            .collect();
        self.source
            .encode(&asked, batch)
            .map_err(|source| Error::Encode {
                first: ordinal(first),
                last: ordinal(last),
                source,
            })?;
        self.check(documents, batch)
    }

    fn check(&self, documents: &[u32], batch: &VectorBatch) -> Result<()> {
        let dim = self.dim();
        let given = batch.lens.len().clamp(1, documents.len());
        count("document lengths", given, batch.lens.len())?;
        let vectors: usize = batch.lens.iter().map(|&l| l as usize).sum();
        count("vector values", vectors * dim, batch.vectors.len())?;
        if !batch.token_ids.is_empty() {
            count("token ids", vectors, batch.token_ids.len())?;
        }
        let key = |index: usize| self.keys.key(documents[index]);
        self.requirements
            .check(dim, &batch.lens, &batch.vectors, key)?;
        if self.requirements.token_ids && batch.token_ids.len() != vectors {
            return Err(Error::NoTokenIds);
        }
        Ok(())
    }
}

/// Refuses counts that differ from what a source was asked for.
pub(super) fn count(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::Source {
        what,
        expected,
        got,
    })
}

/// Greatest squared length of a new vector: a sixteenth of what the format allows, since a vector
/// may decode longer than it was.
const MAX_NEW: f32 = (MAX_SQUARED_LENGTH / 16.0) as f32;

impl Requirements {
    /// Refuses vectors `[sum of lens, dim]` that cannot be stored. `key` names the n-th document.
    pub(super) fn check<'k>(
        self,
        dim: usize,
        lens: &[u32],
        vectors: &[f32],
        key: impl Fn(usize) -> &'k str,
    ) -> Result<()> {
        let most = self.longest_squared();
        // Also false where a value is not finite.
        let kernels = colidx_kernels::kernels();
        let is_storable = |row: &[f32]| kernels.squared_length(row) <= f64::from(most);
        let mut rows = vectors.chunks_exact(dim);
        if let Some(at) = rows.position(|row| !is_storable(row)) {
            let (index, row) = locate(lens, at);
            let what = format!("document `{}`", key(index));
            return Err(refusal(what, row, &vectors[at * dim..][..dim], most));
        }
        let mut rows = vectors.chunks_exact(dim);
        match rows.position(|row| self.unit_length && !has_unit_length(row)) {
            None => Ok(()),
            Some(at) => {
                let (index, row) = locate(lens, at);
                let key = key(index).into();
                Err(Error::NotUnitLength { key, row })
            }
        }
    }

    fn longest_squared(self) -> f32 {
        if self.stored {
            // The sum may be a little more in another order.
            return MAX_SQUARED_LENGTH as f32 * 1.001;
        }
        MAX_NEW
    }
}

/// What is wrong with a vector that is not finite, or too long.
fn refusal(what: String, row: usize, vector: &[f32], most: f32) -> Error {
    if let Some(column) = vector.iter().position(|v| !v.is_finite()) {
        return Error::NonFinite {
            what,
            row,
            column,
            value: vector[column],
        };
    }
    let magnitude = |&column: &usize| vector[column].abs();
    let greatest = (0..vector.len()).max_by(|a, b| magnitude(a).total_cmp(&magnitude(b)));
    let column = greatest.unwrap_or(0);
    Error::TooLong {
        what,
        row,
        column,
        value: vector.get(column).copied().unwrap_or(0.0),
        most: most.sqrt(),
    }
}

/// Which document has the vector `row`, and which of its vectors that is; `lens` counts vectors by
/// document.
fn locate(lens: &[u32], mut row: usize) -> (usize, usize) {
    let mut document = 0;
    while row >= lens[document] as usize {
        row -= lens[document] as usize;
        document += 1;
    }
    (document, row)
}
