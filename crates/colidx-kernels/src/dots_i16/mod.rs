//! Dot products of 16-bit integers, exact in i32: scores for screening, near enough to f32 that an
//! error bound tells which documents need not be scored again.
//!
//! One instruction multiplies pairs of 16-bit integers and adds the two products (`vpmaddwd`): two
//! f32 fused multiply-adds, and the fastest product without dot-product units for bytes. Columns
//! share one scale, so that integer maxima of different columns can be added.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
use avx512_vnni as amx;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod columns;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
use neon as neon_dotprod;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

use crate::Kernels;
use crate::kernels::dispatch_isa;
pub use columns::{PanelsI16, ScoreErrors};

/// Dimensions that a kernel multiplies in one step.
const PAIR: usize = 2;

/// The value of 1 in 16 bits: a vector slightly longer than 1 still fits, and so do dot products of
/// two in an i32.
pub(crate) const ONE: f32 = 32_766.0;

/// The distance of rows of 16-bit integers: `dim` rounded up to an even number.
pub fn stride_i16(dim: usize) -> usize {
    dim.next_multiple_of(PAIR)
}

impl Kernels {
    /// `dots[r][c] = rows[r] · column c` and `best[c] = max(best[c], dots[r][c])` over all rows.
    /// `rows` is `[n_rows, stride_i16(dim)]` with zeros after each row's dimensions, `dots` is
    /// `[n_rows, padded_columns]` and `best` `[padded_columns]`; missing columns count as zeros.
    ///
    /// Rows of unit length ([`decode_i16`](Kernels::decode_i16)) cannot overflow; the sums of
    /// longer ones wrap.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows, or `dots` or `best` has another length.
    pub fn dots_i16(self, rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
        let stride = stride_i16(panels.dim());
        assert!(
            rows.len().is_multiple_of(stride),
            "{} integers are no whole number of rows {stride} apart",
            rows.len()
        );
        assert_eq!(
            best.len(),
            panels.padded_columns(),
            "`best` is [padded_columns]"
        );
        assert_eq!(
            dots.len(),
            rows.len() / stride * best.len(),
            "`dots` is [n_rows, padded_columns]"
        );
        dispatch_isa!(self, dots(rows, panels, dots, best));
    }
}

#[cfg(test)]
mod tests;
