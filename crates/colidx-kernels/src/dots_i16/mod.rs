//! Matrix products of 16-bit integers, exact in i32: scores for screening, near enough to those of f32 that a bound on the
//! difference tells which documents need not be scored again.
//!
//! One instruction multiplies pairs of 16-bit integers and adds the two products (`vpmaddwd`), which without the newer ones
//! for bytes is the fastest product there is: two an f32 fused multiply-add. Columns share one scale, so that integer
//! maxima of different columns add up as they are.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod columns;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

use crate::isa::dispatch;
use crate::{Isa, level};
pub use columns::{PanelsI16, ScoreErrors};

/// Dimensions that a kernel multiplies in one step.
const PAIR: usize = 2;

/// What 1 becomes in 16 bits: a vector a little longer than 1 still fits, and so do the dot products of two in an i32.
pub(crate) const ONE: f32 = 32_766.0;

/// Distance of rows of 16-bit integers: `dim` rounded up to an even number.
pub fn stride_i16(dim: usize) -> usize {
    dim.next_multiple_of(PAIR)
}

/// `dots[r, c] = rows[r] · column c` and `best[c] = max(best[c], dots[r, c])` over all rows, `rows` being
/// `[n_rows, stride_i16(dim)]` with zeros after each row's dimensions, `dots` `[n_rows, padded_columns]` and `best`
/// `[padded_columns]`; missing columns count as columns of zeros.
///
/// Rows of unit length ([`decode_i16`](crate::decode_i16)) cannot overflow; the sums of longer ones wrap.
///
/// # Panics
/// If `rows` is no whole number of rows, or `dots` or `best` has another length.
pub fn dots_i16(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    level().dots_i16(rows, panels, dots, best);
}

impl Isa {
    /// [`dots_i16`] at this level.
    ///
    /// # Panics
    /// As [`dots_i16`], or if the processor does not support the level.
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
        dispatch!(self, max_dots(rows, panels, dots, best));
    }

    /// The instructions that multiply 16-bit integers at this level, for reports.
    pub fn int16_instructions(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Amx => avx512::instructions(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::instructions(),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "smlal, 128 bits",
            _ => "portable",
        }
    }
}

#[cfg(test)]
mod tests;
