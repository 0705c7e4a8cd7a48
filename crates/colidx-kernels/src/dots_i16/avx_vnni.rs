//! AVX-VNNI: as AVX2, with one instruction to multiply and add in place of two.

use std::arch::x86_64::*;

use super::{PanelsI16, tile};

tile::sums!(
    Vnni(__m256i),
    8,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_max_epi32,
    |sums, row, columns| _mm256_dpwssd_avx_epi32(sums, row, columns)
);

/// # Safety
/// The processor has AVX2 and AVX-VNNI; `rows`, `dots` and `best` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) unsafe fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 6, 2, 2>(rows, panels, dots, best) }
}
