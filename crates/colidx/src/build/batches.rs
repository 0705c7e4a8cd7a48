//! Vectors of documents in batches that memory bounds.

use super::VectorBatch;
use super::encoded::Encoded;
use super::reader::Reader;
use crate::error::Result;

/// The most documents of a batch: enough for a source to fill its own.
const MOST_DOCUMENTS: usize = 256;

/// The documents of the first batch, when nothing is known of their length.
const FIRST_DOCUMENTS: usize = 16;

/// Reads documents batch by batch, those that were encoded before from where they are kept.
pub(super) struct Batches<'a> {
    reader: Reader<'a>,
    encoded: Option<Encoded>,
    /// Vectors that a batch should have at most.
    room: usize,
    /// Vectors to expect of a document.
    length: usize,
    batch: VectorBatch,
    fresh: VectorBatch,
}

impl<'a> Batches<'a> {
    /// `memory` is for the vectors of a batch.
    pub(super) fn new(reader: Reader<'a>, memory: usize) -> Self {
        let room = memory / (reader.dim().max(1) * size_of::<f32>());
        Self {
            reader,
            encoded: None,
            room,
            length: room / FIRST_DOCUMENTS,
            batch: VectorBatch::default(),
            fresh: VectorBatch::default(),
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.reader.dim()
    }

    /// Number of documents there are.
    pub(super) fn documents(&self) -> u32 {
        self.reader.keys.len() as u32
    }

    /// Whether the source reads vectors as fast as anything that keeps them could.
    pub(super) fn rereads(&self) -> bool {
        self.reader.source.rereads()
    }

    /// From now on these documents are not asked of the source.
    pub(super) fn keep(&mut self, encoded: Option<Encoded>) {
        self.encoded = encoded;
    }

    /// Gives documents in their order, as many together as there is room for.
    pub(super) fn read(
        &mut self,
        mut documents: &[u32],
        take: &mut dyn FnMut(&[u32], &VectorBatch) -> Result<()>,
    ) -> Result<()> {
        while !documents.is_empty() {
            let count = self.room / self.length.max(1);
            let count = count.clamp(1, MOST_DOCUMENTS).min(documents.len());
            let (these, others) = documents.split_at(count);
            self.fill(these)?;
            // Long documents come in a row, or one by one among short ones.
            let longest = self.batch.lens.iter().max().copied().unwrap_or(0);
            self.length = (longest as usize).max(self.length - self.length / 8);
            take(these, &self.batch)?;
            documents = others;
        }
        Ok(())
    }

    /// Replaces the batch by these documents.
    fn fill(&mut self, documents: &[u32]) -> Result<()> {
        let (batch, fresh) = (&mut self.batch, &mut self.fresh);
        let Some(encoded) = &self.encoded else {
            return self.reader.read(documents, batch);
        };
        let missing = documents.iter().copied().filter(|&d| !encoded.has(d));
        let missing: Vec<u32> = missing.collect();
        self.reader.read(&missing, fresh)?;
        batch.clear();
        let dim = self.reader.dim();
        let (mut at, mut row) = (0, 0);
        for &document in documents {
            if !encoded.read(document, batch) {
                let rows = row..row + fresh.lens[at] as usize;
                (at, row) = (at + 1, rows.end);
                batch.lens.push(rows.len() as u32);
                let vectors = &fresh.vectors[rows.start * dim..rows.end * dim];
                batch.vectors.extend_from_slice(vectors);
                let ids = fresh.token_ids.get(rows).unwrap_or_default();
                batch.token_ids.extend_from_slice(ids);
            }
        }
        Ok(())
    }
}
