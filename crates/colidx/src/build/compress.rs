//! Compressing vectors with a trained codebook.

use super::VectorBatch;
use crate::codebook::NewCodebook;
use crate::segment::vectors::residual_bytes;
use colidx_cluster::Assigner;
use rayon::prelude::*;

/// Turns vectors into codes and packed residuals.
pub(super) struct Compressor<'a> {
    book: &'a NewCodebook,
    assigner: &'a Assigner,
    dim: usize,
    inverse_scales: Vec<f32>,
}

impl<'a> Compressor<'a> {
    pub(super) fn new(book: &'a NewCodebook, assigner: &'a Assigner, dim: usize) -> Self {
        Self {
            book,
            assigner,
            dim,
            inverse_scales: book.quantizer.inverse_scales(),
        }
    }

    pub(super) fn compress(&self, batch: &VectorBatch) -> (Vec<u32>, Vec<u8>) {
        let token_ids = (!batch.token_ids.is_empty()).then_some(&batch.token_ids[..]);
        let mut codes = Vec::new();
        self.assigner.assign(&batch.vectors, token_ids, &mut codes);
        // The assigner numbers centroids in the order of training.
        for code in &mut codes {
            *code = self.book.members[*code as usize];
        }
        let quantizer = &self.book.quantizer;
        let stride = residual_bytes(self.dim, quantizer.nbits);
        let mut packed = vec![0u8; codes.len() * stride];
        packed
            .par_chunks_mut(stride * 64)
            .zip(codes.par_chunks(64))
            .zip(batch.vectors.par_chunks(self.dim * 64))
            .for_each(|((packed, codes), vectors)| {
                let mut residual = vec![0f32; self.dim];
                let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
                for ((&code, vector), out) in rows.zip(packed.chunks_exact_mut(stride)) {
                    let centroid = &self.book.centroids[code as usize * self.dim..][..self.dim];
                    let values = centroid.iter().zip(&self.book.steps);
                    for ((r, v), (&units, step)) in residual.iter_mut().zip(vector).zip(values) {
                        *r = v - step * f32::from(units);
                    }
                    colidx_kernels::quantize(
                        &residual,
                        &quantizer.cutoffs,
                        &self.inverse_scales,
                        quantizer.nbits,
                        out,
                    );
                }
            });
        (codes, packed)
    }
}
