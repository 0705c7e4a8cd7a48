//! Dot products of 8-bit integers for linear layers: rows and columns are quantised, multiplied
//! exactly, and scaled back to f32.
//!
//! Columns (the weights of a layer, one column for each output) are signed, -127..=127, each with
//! its own scale. Rows (the activations of a token) are unsigned, 0..=255, each with its own scale
//! and offset, computed at run time ("dynamic quantisation"). With `x ≈ offset + scale q` and
//! `w ≈ step v` a dot product is
//!
//! ```text
//! Σ x w ≈ scale step Σ q v + offset step Σ v
//! ```
//!
//! whose first sum is exact in i32 and whose second does not depend on the row. Rounding happens in
//! the same order everywhere, so that every instruction set gives the same bits.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod columns;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
mod quantize;
mod rows;
mod scalar;
#[cfg(target_arch = "aarch64")]
use scalar as neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

use crate::Kernels;
use crate::kernels::dispatch_isa;
pub use columns::PanelsI8;
pub use rows::RowsU8;

/// Dimensions that a kernel multiplies in one step.
const QUAD: usize = 4;
/// The most dimensions for which products, each at most 255 * 127, add up within an i32.
const MAX_DIM: usize = i32::MAX as usize / (255 * 127);

impl Kernels {
    /// The dot products of every row with every column, bias included. `out` is `[n_rows, stride]`;
    /// the first [`padded_columns`](PanelsI8::padded_columns) of each row are written, missing
    /// columns as zeros.
    ///
    /// # Panics
    /// If rows and columns have different dimensions, the stride is less than the padded columns,
    /// or `out` ends before the padded columns of the last row.
    pub fn dots_u8(self, rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
        assert_eq!(
            rows.dim(),
            columns.dim(),
            "rows and columns have the same dimensions"
        );
        if rows.is_empty() || columns.columns() == 0 {
            return;
        }
        let width = columns.padded_columns();
        assert!(
            stride >= width && out.len() >= (rows.len() - 1) * stride + width,
            "`out`, {} long, is [{}, {stride}] with {width} columns in the last row",
            out.len(),
            rows.len()
        );
        dispatch_isa!(self, dots(rows, columns, out, stride));
    }
}

#[cfg(test)]
mod tests;
