//! Compressing vectors with a trained codebook.

use super::VectorBatch;
use super::train::Trained;
use crate::codebook::residual_quantizer::ResidualEncoder;
use crate::segment::mean_residuals;
use crate::segment::vectors::residual_bytes;
use rayon::prelude::*;

/// Documents as they are stored.
pub(super) struct Compressed {
    /// The code of each vector: its centroid and its gain.
    pub codes: Vec<u32>,
    /// Packed residuals, vector after vector.
    pub residuals: Vec<u8>,
    /// Mean residuals, `[documents, dim]`.
    pub means: Vec<i8>,
    /// Each vector's squared distance from its centroid.
    pub squared_errors: Vec<f32>,
}

/// Turns vectors into codes, packed residuals and mean residuals.
pub(super) struct Compressor<'a> {
    trained: &'a Trained,
    dim: usize,
    encoder: ResidualEncoder,
}

/// A document to compress: its vectors, their centroids, which become codes, and the buffers for
/// the rest.
struct Job<'a> {
    vectors: &'a [f32],
    codes: &'a mut [u32],
    residuals: &'a mut [u8],
    squared_errors: &'a mut [f32],
    mean: &'a mut [i8],
}

impl<'a> Compressor<'a> {
    pub(super) fn new(trained: &'a Trained) -> Self {
        Self {
            trained,
            dim: trained.book.steps.len(),
            encoder: ResidualEncoder::new(&trained.book.quantizer),
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
        let mut squared_errors = vec![0f32; codes.len()];

        let (mut vectors, mut numbers, mut packed) =
            (&batch.vectors[..], &mut codes[..], &mut residuals[..]);
        let mut errors = &mut squared_errors[..];
        let lens = batch.lens.iter().map(|&len| len as usize);
        let jobs: Vec<Job<'_>> = lens
            .zip(means.chunks_exact_mut(self.dim))
            .map(|(len, mean)| Job {
                vectors: vectors.split_off(..len * self.dim).unwrap_or_default(),
                codes: numbers.split_off_mut(..len).unwrap_or_default(),
                residuals: packed.split_off_mut(..len * stride).unwrap_or_default(),
                squared_errors: errors.split_off_mut(..len).unwrap_or_default(),
                mean,
            })
            .collect();
        jobs.into_par_iter()
            .with_min_len(8)
            .for_each(|job| self.document(job));
        Compressed {
            codes,
            residuals,
            means,
            squared_errors,
        }
    }

    /// Packs the residuals of a document and rounds their mean.
    fn document(&self, job: Job<'_>) {
        let book = &self.trained.book;
        let mut residuals = vec![0f32; job.vectors.len()];
        let mut sum = vec![0f32; self.dim];
        let rows = job.codes.iter().zip(job.vectors.chunks_exact(self.dim));
        let outs = residuals.chunks_exact_mut(self.dim);
        let kernels = colidx_kernels::kernels();
        for ((&centroid, vector), (residual, error)) in rows.zip(outs.zip(job.squared_errors)) {
            let centroid = &book.centroids[centroid as usize * self.dim..][..self.dim];
            let values = vector.iter().zip(centroid).zip(&book.steps);
            let sums = residual.iter_mut().zip(&mut sum);
            for ((r, sum), ((v, &units), step)) in sums.zip(values) {
                *r = v - step * f32::from(units);
                *sum += *r;
            }
            *error = kernels.squared_length(residual) as f32;
        }
        self.encoder
            .encode(&mut residuals, job.codes, job.residuals);
        let inverse_scales = self.encoder.inverse_scales();
        mean_residuals::round(&sum, job.codes.len(), inverse_scales, job.mean);
    }
}
