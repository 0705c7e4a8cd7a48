//! The matrix of centroid scores: every centroid times every pooled query token.
//!
//! A document's score at centroid level is the column-wise maximum over the rows of its codes.
//! Residuals are not read.

use super::scratch::Pooled;

/// `[centroids, padded_columns]`, in the units of [`super::centroids::Probes::step`].
pub(super) struct CentroidScores<'a> {
    scores: Pooled<'a, Vec<i16>>,
    columns: usize,
}

impl<'a> CentroidScores<'a> {
    /// A matrix whose rows are yet to be written.
    pub(super) fn new(mut scores: Pooled<'a, Vec<i16>>, rows: usize, columns: usize) -> Self {
        scores.resize(rows * columns, 0);
        Self { scores, columns }
    }

    /// All rows.
    pub(super) fn rows_mut(&mut self) -> &mut [i16] {
        &mut self.scores
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Appends the maximum of the centroids' rows, `[padded_columns]`, to `out`.
    pub(super) fn push_max(&self, centroids: &[u32], out: &mut Vec<i16>) {
        let start = out.len();
        out.resize(start + self.columns, i16::MIN);
        colidx_kernels::kernels().gather_max(&self.scores, centroids, &mut out[start..]);
    }
}
