//! Coarse scores: rows of bytes, as they lie in a file, by columns of seven bits. They choose which centroids are looked at
//! and no more; what is found there is scored anew.
//!
//! Without the newer instructions for bytes the fastest product there is multiplies pairs of unsigned with signed bytes and
//! adds the two products in 16 bits, saturating (`vpmaddubsw`): four an f32 fused multiply-add. Columns of seven bits keep
//! it from saturating, whatever the rows. The sums are added in 16 bits too, where they may wrap and come back: a sum over a
//! chunk of 128 dimensions is at most the product of the lengths of its row and column (Cauchy-Schwarz), and columns are
//! scaled for that to fit. The columns are rounded; the sums of the rounded columns are exact, and come with 16 of their
//! bits: the fewer there are, the faster they are looked through.

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

/// Steps of four dimensions in a chunk, the most that are added up in 16 bits.
const CHUNK: usize = 32;

impl Kernels {
    /// `out[r][c] = rows[r] · column c >> shift` in units of [`PanelsI7::step`] times 2 to the power of
    /// [`PanelsI7::shift`], `rows` being `[n_rows, dim]` without gaps (centroids as they lie in a file) and `out`
    /// `[n_rows, padded_columns]`, zero in missing columns. Of rows longer than the panels are made for ([`max_chunk_norm`]) the
    /// scores may be any, and differ by level. What lies behind `rows` is fetched to the processor's caches, as it mostly comes
    /// next.
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
