//! AVX2: a panel is two registers; tiles of 6 rows by one panel take 12 of the 16 registers.

use std::arch::x86_64::*;

use super::{PanelsI16, tile};

tile::sums!(
    Words(__m256i),
    8,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_max_epi32,
    |sums, row, columns| _mm256_add_epi32(sums, _mm256_madd_epi16(row, columns))
);

/// # Safety
/// The processor has AVX2; `rows`, `dots` and `best` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 6, 2, 2>(rows, panels, dots, best) }
}
