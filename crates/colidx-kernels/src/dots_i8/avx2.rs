//! AVX2: a panel is two registers. Two instructions multiply 32 pairs of bytes and add them in 16
//! bits; tiles of 2 rows by two panels are fastest.

use std::arch::x86_64::*;

use super::{PanelsI7, tile};

// Two 16-bit sums for each column.
tile::sums!(
    Words(__m256i),
    8,
    narrow true,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    start |from, _totals| from,
    add |sums, row, columns| _mm256_add_epi16(sums, _mm256_maddubs_epi16(row, columns)),
    finish |sums, totals| {
        // SAFETY: the caller's promise.
        let sums = unsafe { _mm256_madd_epi16(sums, _mm256_set1_epi16(1)) };
        // SAFETY: the caller's promise.
        unsafe { _mm256_add_epi32(totals, sums) }
    },
    store |totals, shift, to| store(_mm256_sra_epi32(totals, shift), to)
);

/// Writes eight integers in 16 bits each, at any alignment.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn store(integers: __m256i, to: *mut i16) {
    let (low, high) = (
        _mm256_castsi256_si128(integers),
        _mm256_extracti128_si256::<1>(integers),
    );
    // SAFETY: the caller's promise.
    unsafe { _mm_storeu_si128(to.cast(), _mm_packs_epi32(low, high)) }
}

/// # Safety
/// The processor has AVX2; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 2, 4, 4, 2>(rows, panels, out) }
}
