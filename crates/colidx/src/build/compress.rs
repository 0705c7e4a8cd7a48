//! Compressing vectors with a trained codebook.

use super::VectorBatch;
use crate::codebook::NewCodebook;
use crate::segment::means;
use crate::segment::vectors::residual_bytes;
use colidx_cluster::Assigner;
use rayon::prelude::*;

/// Documents as they are stored.
pub(super) struct Compressed {
    /// Numbers of centroids, by vector.
    pub codes: Vec<u32>,
    /// Packed residuals, vector after vector.
    pub residuals: Vec<u8>,
    /// Mean residuals, `[documents, dim]`.
    pub means: Vec<i8>,
}

/// Turns vectors into codes, packed residuals and mean residuals.
pub(super) struct Compressor<'a> {
    book: &'a NewCodebook,
    assigner: &'a Assigner,
    dim: usize,
    inverse_scales: Vec<f32>,
    /// `[K, dim]` as they decode, in the order of training, as the assigner numbers them.
    centroids: &'a [f32],
}

impl<'a> Compressor<'a> {
    pub(super) fn new(
        book: &'a NewCodebook,
        assigner: &'a Assigner,
        centroids: &'a [f32],
        dim: usize,
    ) -> Self {
        Self {
            book,
            assigner,
            dim,
            inverse_scales: book.quantizer.inverse_scales(),
            centroids,
        }
    }

    pub(super) fn compress(&self, batch: &VectorBatch) -> Compressed {
        let token_ids = (!batch.token_ids.is_empty()).then_some(&batch.token_ids[..]);
        let mut codes = Vec::new();
        self.assigner.assign(&batch.vectors, token_ids, &mut codes);
        let stride = residual_bytes(self.dim, self.book.quantizer.nbits);
        let mut residuals = vec![0u8; codes.len() * stride];
        let mut means = vec![0i8; batch.lens.len() * self.dim];

        let mut documents = Vec::with_capacity(batch.lens.len());
        let (mut vectors, mut numbers, mut rest) =
            (&batch.vectors[..], &codes[..], &mut residuals[..]);
        for (&len, mean) in batch.lens.iter().zip(means.chunks_exact_mut(self.dim)) {
            let len = len as usize;
            let (vectors_here, residuals_here, numbers_here);
            (vectors_here, vectors) = vectors.split_at(len * self.dim);
            (numbers_here, numbers) = numbers.split_at(len);
            (residuals_here, rest) = rest.split_at_mut(len * stride);
            documents.push((vectors_here, numbers_here, residuals_here, mean));
        }
        documents
            .into_par_iter()
            .with_min_len(8)
            .for_each(|(vectors, codes, residuals, mean)| {
                self.document(vectors, codes, residuals, mean)
            });
        for code in &mut codes {
            *code = self.book.members[*code as usize];
        }
        Compressed {
            codes,
            residuals,
            means,
        }
    }

    /// Packs the residuals of a document and rounds their mean.
    fn document(&self, vectors: &[f32], codes: &[u32], residuals: &mut [u8], mean: &mut [i8]) {
        let quantizer = &self.book.quantizer;
        let mut residual = vec![0f32; self.dim];
        let mut sum = vec![0f32; self.dim];
        let stride = residual_bytes(self.dim, quantizer.nbits);
        let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
        for ((&code, vector), out) in rows.zip(residuals.chunks_exact_mut(stride)) {
            let centroid = &self.centroids[code as usize * self.dim..][..self.dim];
            for (((r, sum), v), c) in residual.iter_mut().zip(&mut sum).zip(vector).zip(centroid) {
                *r = v - c;
                *sum += *r;
            }
            colidx_kernels::quantize(
                &residual,
                &quantizer.cutoffs,
                &self.inverse_scales,
                quantizer.nbits,
                out,
            );
        }
        means::round(&sum, codes.len(), &self.inverse_scales, mean);
    }
}
