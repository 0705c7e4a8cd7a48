//! Quantisation to 8-bit integers.
//!
//! The bodies are plain Rust, compiled once for each instruction set. They use no fused
//! multiply-add, only minima, maxima and integer sums, which are the same in any order, so that
//! every instruction set gives the same bits.

use super::rows::Range;
use crate::Kernels;
use crate::kernels::dispatch;

/// Quantises a row to 0..=255, its smallest value to 0 and its largest to 255. A row with a value
/// that is not finite gets a scale that is not finite.
pub(super) fn quantize_row(kernels: Kernels, row: &[f32], values: &mut [u8]) -> Range {
    dispatch!(kernels, row(row, values))
}

/// Quantises a column to -127..=127, its largest magnitude to 127; returns the value of one unit.
pub(super) fn quantize_column(kernels: Kernels, column: &[f32], values: &mut [i8]) -> f32 {
    dispatch!(kernels, column(column, values))
}

mod body {
    use super::Range;
    use crate::LANES;
    use crate::reduce::{greater, lesser, reduce};

    /// 1.5 * 2^23: adding it rounds to an integer, in the low bits.
    const ROUND: f32 = 12_582_912.0;

    #[inline(always)]
    pub(super) fn row(row: &[f32], values: &mut [u8]) -> Range {
        let (chunks, rest) = row.as_chunks::<LANES>();
        let first = row[0];
        let (mut low, mut high, mut poison) = ([first; LANES], [first; LANES], [0.0f32; LANES]);
        for chunk in chunks {
            for lane in 0..LANES {
                let x = chunk[lane];
                low[lane] = lesser(x, low[lane]);
                high[lane] = greater(x, high[lane]);
                // Zero for finite values, NaN for others, which comparisons ignore.
                poison[lane] += x * 0.0;
            }
        }
        // Most widths have no remainder, and the lanes then stay in registers.
        if !rest.is_empty() {
            for (lane, &x) in rest.iter().enumerate() {
                low[lane] = lesser(x, low[lane]);
                high[lane] = greater(x, high[lane]);
                poison[lane] += x * 0.0;
            }
        }
        let (offset, high) = (reduce(low, lesser), reduce(high, greater));
        let scale = (high - offset) / 255.0 + reduce(poison, |x, y| x + y);
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        for (value, x) in values.iter_mut().zip(row) {
            let scaled = ((x - offset) * inverse).clamp(0.0, 255.0);
            *value = (scaled + ROUND).to_bits() as u8;
        }
        Range { offset, scale }
    }

    #[inline(always)]
    pub(super) fn column(column: &[f32], values: &mut [i8]) -> f32 {
        let mut largest = [0.0f32; LANES];
        let (chunks, rest) = column.as_chunks::<LANES>();
        for chunk in chunks {
            for (largest, x) in largest.iter_mut().zip(chunk) {
                *largest = if x.abs() > *largest {
                    x.abs()
                } else {
                    *largest
                };
            }
        }
        for (largest, x) in largest.iter_mut().zip(rest) {
            *largest = if x.abs() > *largest {
                x.abs()
            } else {
                *largest
            };
        }
        let step = reduce(largest, greater) / 127.0;
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        for (value, x) in values.iter_mut().zip(column) {
            let scaled = (x * inverse).clamp(-127.0, 127.0);
            *value = (scaled + ROUND).to_bits() as i8;
        }
        step
    }
}

macro_rules! compile_for {
    ($module:ident, $features:literal) => {
        mod $module {
            use super::{Range, body};

            #[target_feature(enable = $features)]
            pub(super) fn row(row: &[f32], values: &mut [u8]) -> Range {
                body::row(row, values)
            }

            #[target_feature(enable = $features)]
            pub(super) fn column(column: &[f32], values: &mut [i8]) -> f32 {
                body::column(column, values)
            }
        }
    };
}

use body as scalar;
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, "avx2");
#[cfg(target_arch = "x86_64")]
compile_for!(avx512, "avx512f,avx512bw,avx512vl");
#[cfg(target_arch = "aarch64")]
compile_for!(neon, "neon");
