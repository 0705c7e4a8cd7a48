//! The sample that the codebook is trained on, kept in a spool file so that nothing is encoded twice.

use super::reader::Reader;
use super::segment::BATCH_DOCUMENTS;
use super::{Phase, Progress, VectorBatch};
use crate::error::{Error, Result};
use crate::storage::{Bytes, Directory};
use std::ops::Range;

const VECTORS: &str = "vectors.spool";

/// Vectors to train on for each centroid (`docs/codebook.md`).
const VECTORS_PER_CENTROID: usize = 64;

/// Vectors of the sampled documents.
pub(crate) struct Sample {
    bytes: Bytes,
    dim: usize,
    /// Vocabulary ids in spool order, or empty when the source gives none.
    pub token_ids: Vec<u32>,
    /// Spool position of each document, by ordinal; `None` when it was not sampled.
    places: Vec<Option<(u64, u32)>>,
    /// Centroids to train.
    pub centroids: usize,
}

impl Sample {
    /// Draws documents in a seeded order until there are enough vectors for the codebook.
    pub(super) fn draw(
        directory: &Directory,
        reader: &mut Reader<'_>,
        documents: u32,
        centroids: Option<usize>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let dim = reader.dim();
        let mut order: Vec<u32> = (0..documents).collect();
        order.sort_by_cached_key(|d| {
            xxhash_rust::xxh3::xxh3_64_with_seed(&u64::from(*d).to_le_bytes(), seed)
        });
        let mut places = vec![None; documents as usize];
        let mut token_ids = Vec::new();
        let mut spool = directory.create(VECTORS)?;
        let mut batch = VectorBatch::default();
        let (mut vectors, mut sampled) = (0u64, 0usize);
        let mut wanted = centroids.unwrap_or(0);
        progress.phase(Phase::Sample, None);
        for chunk in order.chunks(BATCH_DOCUMENTS) {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            // In document order, so that stored text is decompressed once a block.
            let mut chunk = chunk.to_vec();
            chunk.sort_unstable();
            reader.read(&chunk, &mut batch)?;
            for (&document, &len) in chunk.iter().zip(&batch.lens) {
                places[document as usize] = Some((vectors, len));
                vectors += u64::from(len);
            }
            spool.write(bytemuck::cast_slice(&batch.vectors))?;
            token_ids.extend_from_slice(&batch.token_ids);
            sampled += chunk.len();
            if centroids.is_none() {
                let expected = vectors as f64 / sampled as f64 * f64::from(documents);
                wanted = default_centroids(expected);
            }
            let enough = (wanted * VECTORS_PER_CENTROID) as u64;
            let expected = enough as f64 * sampled as f64 / vectors.max(1) as f64;
            let expected = (expected.ceil() as u64).clamp(sampled as u64, documents.into());
            progress.phase(Phase::Sample, Some(expected));
            progress.advance(sampled as u64);
            if vectors >= enough {
                break;
            }
        }
        spool.flush()?;
        Ok(Self {
            bytes: directory.map(VECTORS)?,
            dim,
            token_ids,
            places,
            centroids: wanted,
        })
    }

    /// `[n, dim]` f32 row-major.
    pub(super) fn vectors(&self) -> &[f32] {
        // The spool was written as f32 by this process.
        bytemuck::cast_slice(&self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.vectors().len() / self.dim.max(1)
    }

    /// Which vectors of the sample are the document's.
    pub(super) fn place(&self, document: u32) -> Option<Range<usize>> {
        let (start, len) = self.places[document as usize]?;
        Some(start as usize..start as usize + len as usize)
    }
}

/// `16 * sqrt(vectors)` rounded down to a power of two, as ColBERTv2 and its successors choose.
fn default_centroids(vectors: f64) -> usize {
    let target = 16.0 * vectors.sqrt();
    1 << (target.max(1.0).log2() as u32).min(20)
}
