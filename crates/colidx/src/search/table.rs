//! The scores of all centroids for all means of query tokens: what a document's vectors are worth at centroid level
//! is then the maximum of a few rows, and no more than their codes are read for it.

use super::pool::Pooled;
use crate::segment::vectors::resize;
use colidx_kernels::LANES;

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
        resize(&mut scores, rows * columns);
        Self { scores, columns }
    }

    /// All rows.
    pub(super) fn scores_mut(&mut self) -> &mut [i16] {
        &mut self.scores
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Fetches the centroids' rows to the processor's caches.
    pub(super) fn prefetch(&self, centroids: &[u32]) {
        for &centroid in centroids {
            let start = centroid as usize * self.columns;
            if let Some(row) = self.scores.get(start..start + self.columns) {
                colidx_kernels::prefetch(row);
            }
        }
    }

    /// Appends the maximum of the centroids' rows, `[padded_columns]`, to `out`.
    pub(super) fn push_best(&self, centroids: &[u32], out: &mut Vec<i16>) {
        // A panel at a time, so that its maximum stays in registers.
        for panel in (0..self.columns).step_by(LANES) {
            let mut best = [NOTHING; LANES];
            for &centroid in centroids {
                let start = centroid as usize * self.columns + panel;
                let row = self.scores.get(start..).and_then(<[i16]>::first_chunk);
                let row: &[i16; LANES] = row.unwrap_or(&[NOTHING; LANES]);
                for (best, score) in best.iter_mut().zip(row) {
                    *best = (*best).max(*score);
                }
            }
            out.extend_from_slice(&best);
        }
    }
}
