//! The scores of all centroids for all means of query tokens: what a document's vectors are worth at centroid level
//! is then the maximum of a few rows, and no more than their codes are read for it.

use super::pool::Pooled;

/// The least there is, for a maximum over no rows.
const NOTHING: i16 = i16::MIN;

/// `[centroids, padded_columns]`, in units of the dense products that they are.
pub(super) struct Table<'a> {
    scores: Pooled<'a, Vec<i16>>,
    columns: usize,
}

impl<'a> Table<'a> {
    /// A table of `rows` rows that are yet to be written.
    pub(super) fn new(mut scores: Pooled<'a, Vec<i16>>, rows: usize, columns: usize) -> Self {
        scores.resize(rows * columns, 0);
        Self { scores, columns }
    }

    /// All rows.
    pub(super) fn scores_mut(&mut self) -> &mut [i16] {
        &mut self.scores
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Appends the maximum of the centroids' rows, `[padded_columns]`, to `out`.
    pub(super) fn push_best(&self, centroids: &[u32], out: &mut Vec<i16>) {
        let start = out.len();
        out.resize(start + self.columns, NOTHING);
        colidx_kernels::kernels().gather_max(&self.scores, centroids, &mut out[start..]);
    }
}
