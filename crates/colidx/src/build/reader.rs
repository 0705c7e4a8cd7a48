//! Asking the source for vectors, and checking what comes.

use super::encode::has_unit_length;
use super::{SourceDocument, VectorBatch, VectorSource};
use crate::error::{Error, Result};
use crate::segment::documents::KeyWriter;
use crate::segment::text::{StoredText, Text};

/// Bytes of text that are held at a time, but for a document that is larger.
const TEXT_BYTES: usize = 8 << 20;

/// What the vectors of a source must have beside the right numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Must {
    pub unit_length: bool,
    pub token_ids: bool,
}

/// Asks the source for documents' vectors and checks what comes.
pub(super) struct Reader<'a> {
    pub source: &'a mut dyn VectorSource,
    pub text: Option<Text>,
    pub keys: &'a KeyWriter,
    /// By document, its number for the source; `None` when they are the same.
    pub ordinals: Option<&'a [u32]>,
    pub must: Must,
}

impl Reader<'_> {
    pub(super) fn dim(&self) -> usize {
        self.source.dim()
    }

    /// Fills `batch` with the vectors of `documents`, which are in ascending order.
    pub(super) fn read(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
        batch.clear();
        let mut part = VectorBatch::default();
        let mut left = documents;
        while !left.is_empty() {
            let count = match &self.text {
                Some(text) => text.fitting(left, TEXT_BYTES)?,
                None => left.len(),
            };
            let together;
            (together, left) = left.split_at(count);
            if batch.lens.is_empty() {
                self.encode(together, batch)?;
            } else {
                self.encode(together, &mut part)?;
                batch.append(&mut part);
            }
        }
        Ok(())
    }

    /// Fills the empty `batch` with the vectors of documents whose text is held together.
    fn encode(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
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
        let count = |what, expected, got| {
            if expected == got {
                Ok(())
            } else {
                Err(Error::Source {
                    what,
                    expected,
                    got,
                })
            }
        };
        count("document lengths", documents.len(), batch.lens.len())?;
        let vectors: usize = batch.lens.iter().map(|&l| l as usize).sum();
        count("vector values", vectors * dim, batch.vectors.len())?;
        if !batch.token_ids.is_empty() {
            count("token ids", vectors, batch.token_ids.len())?;
        }
        if let Some(at) = batch.vectors.iter().position(|v| !v.is_finite()) {
            let (index, row) = locate(&batch.lens, at / dim);
            return Err(Error::NonFinite {
                what: format!("document `{}`", self.keys.key(documents[index])),
                row,
                column: at % dim,
                value: batch.vectors[at],
            });
        }
        if self.must.token_ids && batch.token_ids.len() != vectors {
            return Err(Error::NoTokenIds);
        }
        let mut rows = batch.vectors.chunks_exact(dim);
        match rows.position(|row| self.must.unit_length && !has_unit_length(row)) {
            None => Ok(()),
            Some(at) => {
                let (index, row) = locate(&batch.lens, at);
                Err(Error::NotUnitLength {
                    key: self.keys.key(documents[index]).into(),
                    row,
                })
            }
        }
    }
}

/// Which document, of those with so many vectors each, has the vector `row`, and which of its vectors that is.
fn locate(lens: &[u32], mut row: usize) -> (usize, usize) {
    let mut document = 0;
    while row >= lens[document] as usize {
        row -= lens[document] as usize;
        document += 1;
    }
    (document, row)
}
