//! AVX2: sixteen dimensions in a step, widened to 16 bits on load. AVX-512 uses it too: rows are
//! short, and memory dominates.

use std::arch::x86_64::*;

use super::scalar;
use crate::LANES;

/// Dimensions in a step.
const STEP: usize = 16;

/// # Safety
/// The processor has AVX2, and all `picks` are rows of `rows`, `[n_rows, column.len()]`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dots(rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
    let dim = column.len();
    let whole = dim - dim % STEP;
    for (&pick, out) in picks.iter().zip(out) {
        // SAFETY: the caller's promise.
        let row = unsafe { rows.get_unchecked(pick as usize * dim..pick as usize * dim + dim) };
        let mut sums = _mm256_setzero_si256();
        for d in (0..whole).step_by(STEP) {
            // SAFETY: `row` and `column` both have `dim` values, and the step ends at or before
            // that.
            let (x, q) = unsafe {
                (
                    _mm_loadu_si128(row.as_ptr().add(d).cast()),
                    _mm256_loadu_si256(column.as_ptr().add(d).cast()),
                )
            };
            let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(x), q);
            sums = _mm256_add_epi32(sums, products);
        }
        let rest = scalar::dot(&row[whole..], &column[whole..]);
        *out = sum(sums).wrapping_add(rest);
    }
}

/// # Safety
/// The processor has AVX2, and the columns of `out` are a multiple of [`LANES`], but not none.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn max(rows: &[i16], picks: &[u32], out: &mut [i16]) {
    let columns = out.len();
    let n = rows.len() / columns;
    for panel in (0..columns).step_by(LANES) {
        // SAFETY: a panel of 16 integers is in `out`, and in each of the `n` rows.
        unsafe {
            let to = out.as_mut_ptr().add(panel).cast();
            let mut best = _mm256_loadu_si256(to);
            for &pick in picks {
                if (pick as usize) < n {
                    let row = rows.as_ptr().add(pick as usize * columns + panel);
                    best = _mm256_max_epi16(best, _mm256_loadu_si256(row.cast()));
                }
            }
            _mm256_storeu_si256(to, best);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(lanes),
        _mm256_extracti128_si256::<1>(lanes),
    );
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}
