//! AVX-512: a register is a panel; tiles of 12 rows by two panels take 24 of the 32 registers.

use std::arch::x86_64::*;

use super::{PanelsI16, tile};

tile::sums!(
    Words(__m512i),
    16,
    _mm512_setzero_si512,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_set1_epi32,
    _mm512_max_epi32,
    |sums, row, columns| _mm512_add_epi32(sums, _mm512_madd_epi16(row, columns))
);

/// # Safety
/// The processor has AVX-512 F and BW; `rows`, `dots` and `best` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 12, 2, 1>(rows, panels, dots, best) }
}
