//! AVX-512 VNNI: one instruction multiplies 64 pairs of bytes and adds them in 32 bits; tiles of 12
//! rows by two panels take 24 of the 32 registers.

use std::arch::x86_64::*;

use super::avx512::store;
use super::{PanelsI7, tile};

// A 32-bit sum for each column.
tile::sums!(
    Vnni(__m512i),
    16,
    narrow false,
    _mm512_loadu_si512,
    _mm512_set1_epi32,
    start |from, totals| _mm512_add_epi32(totals, from),
    add |sums, row, columns| _mm512_dpbusd_epi32(sums, row, columns),
    finish |sums, _totals| sums,
    store |totals, shift, to| store(_mm512_sra_epi32(totals, shift), to)
);

/// # Safety
/// The processor has AVX-512 F, BW and VNNI; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 12, 2, 12, 1>(rows, panels, out) }
}
