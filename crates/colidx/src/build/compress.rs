//! Compressing vectors with a trained codebook.

use super::VectorBatch;
use super::train::Trained;
use crate::segment::vectors::residual_bytes;
use rayon::prelude::*;

/// Vectors as they are stored.
pub(super) struct Compressed {
    /// Number of each vector's centroid.
    pub codes: Vec<u32>,
    /// Packed residuals, one after the other.
    pub residuals: Vec<u8>,
    /// The sum of the vectors' squared distances from their centroids.
    pub squared_error: f64,
}

/// Turns vectors into codes and packed residuals.
pub(crate) struct Compressor<'a> {
    trained: &'a Trained,
    dim: usize,
    inverse_scales: Vec<f32>,
}

impl<'a> Compressor<'a> {
    pub(crate) fn new(trained: &'a Trained) -> Self {
        Self {
            trained,
            dim: trained.book.steps.len(),
            inverse_scales: trained.book.quantizer.inverse_scales(),
        }
    }

    /// Whether the vectors' tokens must be known.
    pub(super) fn needs_token_ids(&self) -> bool {
        self.trained.needs_token_ids()
    }

    /// Centroids there are.
    pub(super) fn centroids(&self) -> usize {
        self.trained.book.members.len()
    }

    pub(super) fn compress(&self, batch: &VectorBatch) -> Compressed {
        let token_ids = (!batch.token_ids.is_empty()).then_some(&batch.token_ids[..]);
        let mut codes = Vec::new();
        let Trained {
            book,
            assigner,
            centroids,
        } = self.trained;
        assigner.assign(&batch.vectors, token_ids, &mut codes);
        let quantizer = &book.quantizer;
        let stride = residual_bytes(self.dim, quantizer.nbits);
        let mut packed = vec![0u8; codes.len() * stride];
        let squares: Vec<f64> = packed
            .par_chunks_mut(stride * 64)
            .zip(codes.par_chunks(64))
            .zip(batch.vectors.par_chunks(self.dim * 64))
            .map(|((packed, codes), vectors)| {
                let mut residual = vec![0f32; self.dim];
                let mut squares = 0f64;
                let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
                for ((&code, vector), out) in rows.zip(packed.chunks_exact_mut(stride)) {
                    let centroid = &centroids[code as usize * self.dim..][..self.dim];
                    for ((r, v), c) in residual.iter_mut().zip(vector).zip(centroid) {
                        *r = v - c;
                    }
                    squares += f64::from(residual.iter().map(|r| r * r).sum::<f32>());
                    colidx_kernels::quantize(
                        &residual,
                        &quantizer.cutoffs,
                        &self.inverse_scales,
                        quantizer.nbits,
                        out,
                    );
                }
                squares
            })
            .collect();
        for code in &mut codes {
            *code = book.members[*code as usize];
        }
        Compressed {
            codes,
            residuals: packed,
            // In order, so that the sum does not depend on the threads.
            squared_error: squares.iter().sum(),
        }
    }
}
