//! Kernels over selected rows of a matrix.
//!
//! `gather_dots` multiplies a few dozen rows with one column: for the beam search over a graph of
//! centroids, and for the mean residuals of candidates. Its sums are those of
//! [`dots_i8`](Kernels::dots_i8), with all their bits. `gather_max` takes the maximum of selected
//! rows by column: the centroid-level score of a document for each query token.
//!
//! With a single column the lanes of a register hold dimensions, which is harmless here: integer
//! sums are exact in any order.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::kernels::dispatch;
use crate::{Kernels, LANES, prefetch};

impl Kernels {
    /// `out[i] = rows[picks[i]] · column`. `rows` is `[n_rows, dim]` without gaps and `column`
    /// `[dim]`, from [`PanelsI7::column`](crate::PanelsI7::column). All rows are prefetched before
    /// the first is multiplied. Sums wrap on overflow, which takes more than 266,000 dimensions.
    ///
    /// # Panics
    /// If `column` is empty, `rows` is not a whole number of rows, a pick is out of range, or `out`
    /// and `picks` have different lengths.
    pub fn gather_dots(self, rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
        let dim = column.len();
        assert!(
            dim > 0 && rows.len().is_multiple_of(dim),
            "{} integers are no whole number of rows of {dim} dimensions",
            rows.len()
        );
        assert_eq!(out.len(), picks.len(), "`out` is [picks]");
        for &pick in picks {
            // The index panics for a pick that is out of range.
            prefetch(&rows[pick as usize * dim..][..dim]);
        }
        dispatch!(self, dots(rows, picks, column, out));
    }

    /// Raises `out`, `[columns]`, to the column-wise maximum of itself and the rows `picks` of
    /// `rows`, `[n_rows, columns]` without gaps. Picks that are out of range are ignored.
    ///
    /// # Panics
    /// If there are no columns, or not a multiple of [`LANES`].
    pub fn gather_max(self, rows: &[i16], picks: &[u32], out: &mut [i16]) {
        assert!(
            !out.is_empty() && out.len().is_multiple_of(LANES),
            "{} columns are no panels of {LANES}",
            out.len()
        );
        dispatch!(self, max(rows, picks, out));
    }
}

#[cfg(test)]
mod tests;
