//! The scores of all centroids for all means of query tokens, kept in 16 bits: what a document's vectors are worth at centroid level
//! is then the maximum of a few rows, and no more than their codes are read for it.

use super::pool::Pooled;
use colidx_kernels::{CoarsePanels, LANES};
use std::ops::Range;

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

    /// Appends a row to `out` that is below all others, and gives its place.
    pub(super) fn start(&self, out: &mut Vec<i16>) -> Range<usize> {
        let start = out.len();
        out.resize(start + self.columns, NOTHING);
        start..out.len()
    }

    /// Raises `best`, `[padded_columns]`, to the scores of a centroid.
    pub(super) fn raise(&self, best: &mut [i16], centroid: u32) {
        let start = centroid as usize * self.columns;
        let Some(row) = self.scores.get(start..start + self.columns) else {
            return;
        };
        // Whole panels, so that the compiler compares with vectors.
        let (best, _) = best.as_chunks_mut::<LANES>();
        let (row, _) = row.as_chunks::<LANES>();
        for (best, row) in best.iter_mut().zip(row) {
            for (best, score) in best.iter_mut().zip(row) {
                *best = (*best).max(*score);
            }
        }
    }
}
