//! Compressing vectors with a trained codebook.

use super::VectorBatch;
use super::train::Trained;
use crate::segment::means;
use crate::segment::vectors::residual_bytes;
use rayon::prelude::*;

/// Documents as they are stored.
pub(super) struct Compressed {
    /// Number of each vector's centroid.
    pub codes: Vec<u32>,
    /// Packed residuals, vector after vector.
    pub residuals: Vec<u8>,
    /// Mean residuals, `[documents, dim]`.
    pub means: Vec<i8>,
}

/// Turns vectors into codes, packed residuals and mean residuals.
pub(super) struct Compressor<'a> {
    trained: &'a Trained,
    dim: usize,
    inverse_scales: Vec<f32>,
}

/// A document on its way: its vectors and codes, and the places of its residuals and their mean.
type Job<'a> = (&'a [f32], &'a [u32], &'a mut [u8], &'a mut [i8]);

impl<'a> Compressor<'a> {
    pub(super) fn new(trained: &'a Trained) -> Self {
        Self {
            trained,
            dim: trained.book.steps.len(),
            inverse_scales: trained.book.quantizer.inverse_scales(),
        }
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
        self.trained
            .assigner
            .assign(&batch.vectors, token_ids, &mut codes);
        // The assigner numbers centroids in the order of training.
        for code in &mut codes {
            *code = self.trained.book.members[*code as usize];
        }
        let stride = self.residual_bytes();
        let mut residuals = vec![0u8; codes.len() * stride];
        let mut means = vec![0i8; batch.lens.len() * self.dim];

        let (mut vectors, mut numbers, mut packed) =
            (&batch.vectors[..], &codes[..], &mut residuals[..]);
        let lens = batch.lens.iter().map(|&len| len as usize);
        let jobs: Vec<Job<'_>> = lens
            .zip(means.chunks_exact_mut(self.dim))
            .map(|(len, mean)| {
                (
                    vectors.split_off(..len * self.dim).unwrap_or_default(),
                    numbers.split_off(..len).unwrap_or_default(),
                    packed.split_off_mut(..len * stride).unwrap_or_default(),
                    mean,
                )
            })
            .collect();
        jobs.into_par_iter()
            .with_min_len(8)
            .for_each(|job| self.document(job));
        Compressed {
            codes,
            residuals,
            means,
        }
    }

    /// Packs the residuals of a document and rounds their mean.
    fn document(&self, (vectors, codes, residuals, mean): Job<'_>) {
        let book = &self.trained.book;
        let quantizer = &book.quantizer;
        let mut residual = vec![0f32; self.dim];
        let mut sum = vec![0f32; self.dim];
        let rows = codes.iter().zip(vectors.chunks_exact(self.dim));
        for ((&code, vector), out) in rows.zip(residuals.chunks_exact_mut(self.residual_bytes())) {
            let centroid = &book.centroids[code as usize * self.dim..][..self.dim];
            let values = vector.iter().zip(centroid).zip(&book.steps);
            let sums = residual.iter_mut().zip(&mut sum);
            for ((r, sum), ((v, &units), step)) in sums.zip(values) {
                *r = v - step * f32::from(units);
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
