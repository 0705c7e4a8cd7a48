//! Transposes rows to the lines of a panel.

use crate::kernels::dispatch;
use crate::panels::{LANES, Line};
use crate::{Kernels, RowsView};

/// Sets lane `i` of `lines`, `[dim]`, to row `i` times `scale`, for at most [`LANES`] rows. Other
/// lanes stay.
pub(crate) fn transpose(kernels: Kernels, rows: RowsView<'_>, scale: f32, lines: &mut [Line]) {
    assert!(rows.len() <= LANES && lines.len() == rows.dim());
    dispatch!(kernels, transpose(rows, scale, lines));
}

mod scalar {
    use super::*;

    pub(super) fn transpose(rows: RowsView<'_>, scale: f32, lines: &mut [Line]) {
        transpose_from(0, rows, scale, lines);
    }

    /// The dimensions from `first` on.
    pub(super) fn transpose_from(first: usize, rows: RowsView<'_>, scale: f32, lines: &mut [Line]) {
        for (lane, row) in rows.iter().enumerate() {
            for (line, &value) in lines.iter_mut().zip(row).skip(first) {
                line.0[lane] = value * scale;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "aarch64")]
use scalar as neon;

/// AVX2: squares of eight by eight.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::*;

    /// Rows and dimensions of a square.
    const SIDE: usize = 8;

    /// # Safety
    /// The processor has AVX2; there are at most [`LANES`] rows, and a line for each dimension.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn transpose(rows: RowsView<'_>, scale: f32, lines: &mut [Line]) {
        if rows.len() < LANES {
            return scalar::transpose(rows, scale, lines);
        }
        let whole = rows.dim() - rows.dim() % SIDE;
        let factor = _mm256_set1_ps(scale);
        for lane in (0..LANES).step_by(SIDE) {
            for d in (0..whole).step_by(SIDE) {
                let mut square = [_mm256_setzero_ps(); SIDE];
                for (r, of_row) in square.iter_mut().enumerate() {
                    // SAFETY: there are sixteen rows, with eight dimensions from there on.
                    let values = unsafe {
                        let row = rows.as_ptr().add((lane + r) * rows.stride());
                        _mm256_loadu_ps(row.add(d))
                    };
                    *of_row = _mm256_mul_ps(values, factor);
                }
                let square = turn(square);
                for (line, values) in lines[d..d + SIDE].iter_mut().zip(square) {
                    // SAFETY: a line has eight values from there on.
                    unsafe { _mm256_storeu_ps(line.0.as_mut_ptr().add(lane), values) };
                }
            }
        }
        scalar::transpose_from(whole, rows, scale, lines);
    }

    /// Transposes a square.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn turn(rows: [__m256; SIDE]) -> [__m256; SIDE] {
        // Pairs of rows, then fours, then eights.
        let [a, b, c, d, e, f, g, h] = rows;
        let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        let (ef, gh) = (_mm256_unpacklo_ps(e, f), _mm256_unpacklo_ps(g, h));
        let (ab2, cd2) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        let (ef2, gh2) = (_mm256_unpackhi_ps(e, f), _mm256_unpackhi_ps(g, h));
        let fours = [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab2, cd2),
            _mm256_shuffle_ps::<0xee>(ab2, cd2),
        ];
        let others = [
            _mm256_shuffle_ps::<0x44>(ef, gh),
            _mm256_shuffle_ps::<0xee>(ef, gh),
            _mm256_shuffle_ps::<0x44>(ef2, gh2),
            _mm256_shuffle_ps::<0xee>(ef2, gh2),
        ];
        let mut turned = [_mm256_setzero_ps(); SIDE];
        for (i, (four, other)) in fours.into_iter().zip(others).enumerate() {
            turned[i] = _mm256_permute2f128_ps::<0x20>(four, other);
            turned[i + SIDE / 2] = _mm256_permute2f128_ps::<0x31>(four, other);
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{cases, noise, up_to};

    proptest! {
        #![proptest_config(cases(100))]

        #[test]
        fn every_isa_puts_rows_in_lanes(n in 0..=LANES, dim in 1..up_to(70), more in 0usize..4) {
            let stride = dim + more;
            let values = noise(n * stride, dim as u64);
            let rows = RowsView::strided(&values, dim, stride);
            for kernels in Kernels::all_supported() {
                let mut lines = vec![Line([7.0; LANES]); dim];
                transpose(kernels, rows, 3.0, &mut lines);
                for (d, line) in lines.iter().enumerate() {
                    for (lane, &value) in line.0.iter().enumerate() {
                        let want = if lane < n { values[lane * stride + d] * 3.0 } else { 7.0 };
                        prop_assert_eq!(value, want, "{}", kernels);
                    }
                }
            }
        }
    }
}
