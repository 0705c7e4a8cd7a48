//! AVX-512 VNNI: as AVX-512, with one instruction to multiply and add in place of two.

use std::arch::x86_64::*;

use super::{PanelsI16, tile};

tile::sums!(
    Vnni(__m512i),
    16,
    _mm512_setzero_si512,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_set1_epi32,
    _mm512_max_epi32,
    |sums, row, columns| _mm512_dpwssd_epi32(sums, row, columns)
);

/// # Safety
/// The processor has AVX-512 F, BW and VNNI; `rows`, `dots` and `best` are as [`tile::dots`] asks
/// for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 12, 2, 1>(rows, panels, dots, best) }
}
