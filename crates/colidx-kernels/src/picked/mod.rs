//! Coarse scores of rows picked here and there, one column and a few dozen rows at a time: what a walk over a graph of centroids
//! needs, and products with the mean residuals of candidates. The sums are those of [`coarse_dots`](crate::coarse_dots), all of their bits.
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

use crate::level::dispatch;
use crate::{Level, level, prefetch};

/// `out[i] = rows[picks[i]] · column`, `rows` being `[n_rows, dim]` without gaps and `column` `[dim]`, as
/// [`CoarsePanels::column`](crate::CoarsePanels::column) gives it. All rows are fetched before the first is multiplied. Sums
/// wrap where they overflow, which needs more than 266,000 dimensions.
///
/// # Panics
/// If `column` is empty, `rows` is no whole number of rows, a pick is no row, or `out` has another length than `picks`.
pub fn picked_dots(rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
    level().picked_dots(rows, picks, column, out);
}

impl Level {
    /// [`picked_dots`] at this level.
    ///
    /// # Panics
    /// As [`picked_dots`], or if the processor does not support the level.
    pub fn picked_dots(self, rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
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
}

#[cfg(test)]
mod tests;
