//! Rows picked here and there.
//!
//! Coarse scores of them, one column and a few dozen rows at a time: what a walk over a graph of centroids
//! needs, and products with the mean residuals of candidates. The sums are those of [`dots_i8`](crate::Kernels::dots_i8), all of their bits.
//! And of rows that are coarse scores, by column the best: what the centroids of a document are worth for each query token.
//!
//! With a single column there is nothing to spread over the lanes of a register but dimensions, which is no harm here: integer
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
    /// `out[i] = rows[picks[i]] · column`, `rows` being `[n_rows, dim]` without gaps and `column` `[dim]`, as
    /// [`PanelsI7::column`](crate::PanelsI7::column) gives it. All rows are fetched before the first is multiplied. Sums
    /// wrap where they overflow, which needs more than 266,000 dimensions.
    ///
    /// # Panics
    /// If `column` is empty, `rows` is no whole number of rows, a pick is no row, or `out` has another length than `picks`.
    pub fn gather_dots(self, rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
        let dim = column.len();
        assert!(
            dim > 0 && rows.len().is_multiple_of(dim),
            "{} integers are no whole number of rows of {dim} dimensions",
            rows.len()
        );
        assert_eq!(out.len(), picks.len(), "`out` is [picks]");
        for &pick in picks {
            // Also where it panics: a pick that is no row.
            prefetch(&rows[pick as usize * dim..][..dim]);
        }
        dispatch!(self, dots(rows, picks, column, out));
    }

    /// Raises `out`, `[columns]`, by the rows of `rows`, `[n_rows, columns]` without gaps, that `picks` are: each value becomes the
    /// greatest of its column. A pick that is no row raises nothing.
    ///
    /// # Panics
    /// If there are no columns, or their number is no multiple of [`LANES`].
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
