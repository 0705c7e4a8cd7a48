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
    /// Each vector's squared distance from its centroid.
    pub squared_errors: Vec<f32>,
}

/// Turns vectors into codes and packed residuals.
pub(super) struct Compressor<'a> {
    trained: &'a Trained,
    dim: usize,
    inverse_scales: Vec<f32>,
}

impl<'a> Compressor<'a> {
    pub(super) fn new(trained: &'a Trained) -> Self {
        Self {
            trained,
            dim: trained.book.steps.len(),
            inverse_scales: trained.book.quantizer.inverse_scales(),
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Number of centroids.
    pub(super) fn centroids(&self) -> usize {
        self.trained.book.members.len()
    }

    /// Bytes of a vector's residuals.
    pub(super) fn residual_bytes(&self) -> usize {
        residual_bytes(self.dim, self.trained.book.quantizer.nbits)
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
        let stride = self.residual_bytes();
        let mut packed = vec![0u8; codes.len() * stride];
        let mut squared_errors = vec![0f32; codes.len()];
        packed
            .par_chunks_mut(stride * 64)
            .zip(codes.par_chunks(64))
            .zip(batch.vectors.par_chunks(self.dim * 64))
            .zip(squared_errors.par_chunks_mut(64))
            .for_each(|(((packed, codes), vectors), errors)| {
                let mut residual = vec![0f32; self.dim];
                let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
                let outs = packed.chunks_exact_mut(stride).zip(errors);
                for ((&code, vector), (out, error)) in rows.zip(outs) {
                    let centroid = &centroids[code as usize * self.dim..][..self.dim];
                    for ((r, v), c) in residual.iter_mut().zip(vector).zip(centroid) {
                        *r = v - c;
                    }
                    *error = residual.iter().map(|r| r * r).sum();
                    colidx_kernels::quantize(
                        &residual,
                        &quantizer.cutoffs,
                        &self.inverse_scales,
                        quantizer.nbits,
                        out,
                    );
                }
            });
        for code in &mut codes {
            *code = book.members[*code as usize];
        }
        Compressed {
            codes,
            residuals: packed,
            squared_errors,
        }
    }
}
