//! AVX-VNNI: one instruction multiplies 32 pairs of bytes and adds them in 32 bits; tiles of 6 rows
//! by one panel take 12 of the 16 registers.

use std::arch::x86_64::*;

use super::avx2::store;
use super::{PanelsI7, tile};

// A 32-bit sum for each column.
tile::sums!(
    Vnni(__m256i),
    8,
    narrow false,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    start |from, totals| _mm256_add_epi32(totals, from),
    add |sums, row, columns| _mm256_dpbusd_avx_epi32(sums, row, columns),
    finish |sums, _totals| sums,
    store |totals, shift, to| store(_mm256_sra_epi32(totals, shift), to)
);

/// # Safety
/// The processor has AVX2 and AVX-VNNI; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2,avxvnni")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 6, 2, 6, 2>(rows, panels, out) }
}
