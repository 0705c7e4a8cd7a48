//! AVX-512: a register is a panel. Two instructions multiply 64 pairs of bytes and add them in 16
//! bits; tiles of 12 rows by two panels take 24 of the 32 registers.

use std::arch::x86_64::*;

use super::{PanelsI7, tile};

// Two 16-bit sums for each column.
tile::sums!(
    Words(__m512i),
    16,
    narrow true,
    _mm512_loadu_si512,
    _mm512_set1_epi32,
    start |from, _totals| from,
    add |sums, row, columns| _mm512_add_epi16(sums, _mm512_maddubs_epi16(row, columns)),
    finish |sums, totals| {
        // SAFETY: the caller's promise.
        let sums = unsafe { _mm512_madd_epi16(sums, _mm512_set1_epi16(1)) };
        // SAFETY: the caller's promise.
        unsafe { _mm512_add_epi32(totals, sums) }
    },
    store |totals, shift, to| store(_mm512_sra_epi32(totals, shift), to)
);

/// Writes sixteen integers in 16 bits each, at any alignment.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store(integers: __m512i, to: *mut i16) {
    // SAFETY: the caller's promise.
    unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(integers)) }
}

/// # Safety
/// The processor has AVX-512 F and BW; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 12, 2, 12, 1>(rows, panels, out) }
}
