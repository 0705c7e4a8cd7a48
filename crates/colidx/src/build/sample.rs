//! The sample that the codebook is trained on.
//!
//! Its rows go into the parts that training reads. Documents that took a model to encode are kept besides, so that nothing is
//! encoded twice.

use super::batches::Batches;
use super::encoded::{Encoded, EncodedWriter};
use super::parts::{Parts, PartsWriter};
use super::{Phase, Progress, VectorBatch};
use crate::error::{Error, Result};
use crate::storage::Directory;
use colidx_cluster::TrainOptions;

/// Vectors to train on for each centroid (`docs/codebook.md`).
const VECTORS_PER_CENTROID: usize = 64;

/// Documents drawn between two looks at whether there are enough: part of what decides the sample.
const DRAWN_TOGETHER: usize = 256;

/// A sample of a corpus.
pub(super) struct Sample {
    pub parts: Parts,
    /// The documents of the sample, unless the source reads them as fast.
    pub encoded: Option<Encoded>,
    /// Centroids to train.
    pub centroids: usize,
    /// Vectors drawn.
    pub vectors: u64,
}

impl Sample {
    /// Draws documents in a seeded order until there are enough vectors for the codebook. `chunks` is the memory for what is
    /// on its way to the file.
    pub(super) fn draw(
        directory: &Directory,
        documents: &mut Batches<'_>,
        centroids: Option<usize>,
        options: &TrainOptions,
        chunks: usize,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let of = documents.documents();
        let mut order: Vec<u32> = (0..of).collect();
        order.sort_by_cached_key(|d| {
            xxhash_rust::xxh3::xxh3_64_with_seed(&u64::from(*d).to_le_bytes(), options.seed)
        });
        let mut parts = PartsWriter::new(directory, documents.dim(), options, chunks);
        let mut encoded = if documents.rereads() {
            None
        } else {
            Some(EncodedWriter::create(directory, documents.dim())?)
        };
        let mut drawn = Drawn {
            of,
            asked: centroids,
            documents: 0,
            vectors: 0,
            has_ids: false,
        };
        progress.phase(Phase::Sample, None);
        for chunk in order.chunks_mut(DRAWN_TOGETHER) {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            // In document order, so that stored text is decompressed once a block.
            chunk.sort_unstable();
            documents.read(chunk, &mut |these, batch| {
                if let Some(encoded) = &mut encoded {
                    encoded.push(these, batch)?;
                }
                drawn.take(batch, &mut parts)
            })?;
            progress.phase(Phase::Sample, Some(drawn.expected_documents()));
            progress.advance(drawn.documents);
            if drawn.vectors >= drawn.enough() {
                break;
            }
        }
        let encoded = encoded.map(|encoded| encoded.finish(directory, drawn.has_ids));
        Ok(Self {
            parts: parts.finish()?,
            encoded: encoded.transpose()?,
            centroids: drawn.centroids(),
            vectors: drawn.vectors,
        })
    }
}

/// How far drawing has come.
struct Drawn {
    /// Documents there are.
    of: u32,
    /// Centroids asked for.
    asked: Option<usize>,
    documents: u64,
    vectors: u64,
    has_ids: bool,
}

impl Drawn {
    /// Takes documents one by one: how the sample is divided must not depend on how many come together.
    fn take(&mut self, batch: &VectorBatch, parts: &mut PartsWriter) -> Result<()> {
        self.has_ids |= !batch.token_ids.is_empty();
        let dim = parts.dim();
        let mut row = 0;
        for &len in &batch.lens {
            let rows = row..row + len as usize;
            row = rows.end;
            self.documents += 1;
            self.vectors += u64::from(len);
            let ids = batch.token_ids.get(rows.clone()).unwrap_or_default();
            let vectors = &batch.vectors[rows.start * dim..rows.end * dim];
            parts.push(vectors, ids, || self.expected_vectors())?;
        }
        Ok(())
    }

    /// Vectors that all documents have, going by those drawn.
    fn of_all(&self) -> f64 {
        self.vectors as f64 / self.documents.max(1) as f64 * f64::from(self.of)
    }

    /// Centroids to train.
    fn centroids(&self) -> usize {
        self.asked
            .unwrap_or_else(|| default_centroids(self.of_all()))
    }

    /// Vectors to draw.
    fn enough(&self) -> u64 {
        (self.centroids() * VECTORS_PER_CENTROID) as u64
    }

    fn expected_vectors(&self) -> u64 {
        self.enough().min(self.of_all() as u64)
    }

    fn expected_documents(&self) -> u64 {
        let expected = self.enough() as f64 * self.documents as f64 / self.vectors.max(1) as f64;
        (expected.ceil() as u64).clamp(self.documents, self.of.into())
    }
}

/// `16 * sqrt(vectors)` rounded down to a power of two, as ColBERTv2 and its successors choose.
fn default_centroids(vectors: f64) -> usize {
    let target = 16.0 * vectors.sqrt();
    1 << (target.max(1.0).log2() as u32).min(20)
}
