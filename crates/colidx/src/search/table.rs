//! The scores of all centroids for all means of query tokens, kept in 16 bits: what a document's vectors are worth at centroid level
//! is then the maximum of a few rows, and no more than their codes are read for it.

use super::pool::Pooled;
use colidx_kernels::{CoarsePanels, LANES};

/// The least there is, for a maximum over no rows.
const NOTHING: i16 = i16::MIN;

/// `[centroids, padded_columns]`.
pub(super) struct Table<'a> {
    scores: Pooled<'a, Vec<i16>>,
    columns: usize,
    /// How far scores are shifted down.
    shift: u32,
}

impl<'a> Table<'a> {
    /// A table without rows.
    pub(super) fn new(mut scores: Pooled<'a, Vec<i16>>, panels: &CoarsePanels) -> Self {
        let length = |column: usize| {
            let values = panels.column(column);
            let values = values.iter().map(|&value| u64::from(value.unsigned_abs()));
            values.sum::<u64>() * i8::MAX as u64
        };
        let most = (0..panels.columns()).map(length).max().unwrap_or(0);
        scores.clear();
        Self {
            scores,
            columns: panels.padded_columns(),
            shift: (u64::BITS - most.leading_zeros()).saturating_sub(i16::BITS - 1),
        }
    }

    /// Appends rows.
    pub(super) fn push(&mut self, scores: &[i32]) {
        let shift = self.shift;
        self.scores
            .extend(scores.iter().map(|score| (score >> shift) as i16));
    }

    /// What one unit of an entry is in units of a score.
    pub(super) fn unit(&self) -> f64 {
        f64::from(self.shift).exp2()
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
