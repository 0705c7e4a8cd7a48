//! AVX2: a panel is two registers; tiles of 6 rows by one panel take 12 of the 16 registers. With AVX-VNNI (Alder Lake,
//! Zen 5) one instruction multiplies 32 pairs of bytes and adds them in 32 bits, without it two add them in 16.

use std::arch::x86_64::*;

use super::{CoarsePanels, tile};

// Two 16-bit sums for each column.
tile::sums!(
    Words(__m256i),
    8,
    narrow true,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_add_epi32,
    |sums, row, columns| _mm256_add_epi16(sums, _mm256_maddubs_epi16(row, columns)),
    |sums| _mm256_madd_epi16(sums, _mm256_set1_epi16(1))
);
// A 32-bit sum for each column.
tile::sums!(
    Vnni(__m256i),
    8,
    narrow false,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_add_epi32,
    |sums, row, columns| _mm256_dpbusd_avx_epi32(sums, row, columns),
    |sums| sums
);

fn has_vnni() -> bool {
    is_x86_feature_detected!("avxvnni")
}

pub(super) fn instructions() -> &'static str {
    if has_vnni() {
        "vpdpbusd, 256 bits"
    } else {
        "vpmaddubsw, 256 bits"
    }
}

/// # Safety
/// The processor has AVX2; `rows` and `out` are as [`tile::dots`] asks for.
pub(super) unsafe fn dots(rows: &[i8], panels: &CoarsePanels, out: &mut [i32]) {
    // SAFETY: VNNI was seen where it is used; the rest is the caller's promise.
    unsafe {
        if has_vnni() {
            vnni(rows, panels, out);
        } else {
            words(rows, panels, out);
        }
    }
}

/// # Safety
/// The processor has AVX2; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2")]
unsafe fn words(rows: &[i8], panels: &CoarsePanels, out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 6, 2, 2>(rows, panels, out) }
}

/// # Safety
/// The processor has AVX2 and AVX-VNNI; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn vnni(rows: &[i8], panels: &CoarsePanels, out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 6, 2, 2>(rows, panels, out) }
}
