//! Scores that select centroids: i8 rows, as stored, times seven-bit columns. Whatever they select
//! is scored again.
//!
//! Without dot-product units the fastest product multiplies pairs of unsigned with signed bytes and
//! adds the two products in 16 bits, saturating (`vpmaddubsw`): four f32 fused multiply-adds.
//! Seven-bit columns cannot saturate it, whatever the rows. Sums are accumulated in 16 bits too,
//! where they may wrap and come back: the sum over a chunk of 128 dimensions is at most the product
//! of the norms of row and column (Cauchy-Schwarz), and columns are scaled so that it fits. Columns
//! are rounded; the sums of rounded columns are exact, and 16 of their bits are kept, because fewer
//! bytes are faster to search.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod columns;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

use crate::Kernels;
use crate::kernels::dispatch_isa;
pub use columns::{PanelsI7, max_chunk_norm};

/// Dimensions that a kernel multiplies in one step.
const QUAD: usize = 4;

/// Steps of four dimensions in a chunk, the most that are accumulated in 16 bits.
const CHUNK: usize = 32;

impl Kernels {
    /// `out[r][c] = rows[r] · column c >> shift`, in units of [`PanelsI7::step`] times 2 to the
    /// power of [`PanelsI7::shift`]. `rows` is `[n_rows, dim]` without gaps (centroids as stored)
    /// and `out` `[n_rows, padded_columns]`, zero in missing columns. Rows above the norm that the
    /// panels are scaled for ([`max_chunk_norm`]) get arbitrary scores, which depend on the
    /// instruction set. The memory after `rows` is prefetched, as callers mostly continue there.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows or `out` has another length.
    pub fn dots_i8(self, rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
        let dim = panels.dim();
        assert!(
            rows.len().is_multiple_of(dim),
            "{} integers are no whole number of rows of {dim} dimensions",
            rows.len()
        );
        assert_eq!(
            out.len(),
            rows.len() / dim * panels.padded_columns(),
            "`out` is [n_rows, padded_columns]"
        );
        if panels.columns() == 0 {
            return;
        }
        dispatch_isa!(self, dots(rows, panels, out));
    }
}

#[cfg(test)]
mod tests;
