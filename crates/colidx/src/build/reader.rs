//! Asking the source for vectors, and checking what comes.

use super::{SourceDocument, VectorBatch, VectorSource};
use crate::error::{Error, Result};
use crate::segment::documents::KeyWriter;
use crate::segment::text::{StoredText, Text};

/// Asks the source for documents' vectors and checks what comes.
pub(super) struct Reader<'a> {
    pub source: &'a mut dyn VectorSource,
    pub text: Option<Text>,
    pub keys: &'a KeyWriter,
}

impl Reader<'_> {
    pub(super) fn dim(&self) -> usize {
        self.source.dim()
    }

    pub(super) fn read(&mut self, documents: &[u32], batch: &mut VectorBatch) -> Result<()> {
        batch.clear();
        let (Some(&first), Some(&last)) = (documents.first(), documents.last()) else {
            return Ok(());
        };
        let texts: Vec<StoredText> = match &self.text {
            Some(text) => text.get_many(documents)?,
            None => vec![StoredText::default(); documents.len()],
        };
        let asked: Vec<SourceDocument<'_>> = documents
            .iter()
            .zip(&texts)
            .map(|(&ordinal, t)| SourceDocument {
                ordinal,
                title: &t.title,
                text: &t.text,
            })
            .collect();
        self.source
            .encode(&asked, batch)
            .map_err(|source| Error::Encode {
                first,
                last,
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
        let Some(at) = batch.vectors.iter().position(|v| !v.is_finite()) else {
            return Ok(());
        };
        let (mut row, mut index) = (at / dim, 0);
        while row >= batch.lens[index] as usize {
            row -= batch.lens[index] as usize;
            index += 1;
        }
        let key = String::from_utf8_lossy(self.keys.key(documents[index]));
        Err(Error::NonFinite {
            what: format!("document `{key}`"),
            row,
            column: at % dim,
            value: batch.vectors[at],
        })
    }
}
