//! AVX-512: a register is a panel. With VNNI one instruction multiplies 64 pairs of bytes and adds them in 32 bits, without it
//! (Skylake-X) two add them in 16 bits; tiles of 12 rows by two panels take 24 of the 32 registers.

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
    store |totals, shift, to| {
        let shifted = _mm512_sra_epi32(totals, shift);
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(shifted));
    }
);
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
    store |totals, shift, to| {
        let shifted = _mm512_sra_epi32(totals, shift);
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(shifted));
    }
);

fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni")
}

pub(super) fn instructions() -> &'static str {
    if has_vnni() {
        "vpdpbusd, 512 bits"
    } else {
        "vpmaddubsw, 512 bits"
    }
}

/// # Safety
/// The processor has AVX-512 F and BW; `rows` and `out` are as [`tile::dots`] asks for.
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: what is used was seen; the rest is the caller's promise.
    unsafe {
        if has_vnni() {
            vnni(rows, panels, out);
        } else {
            words(rows, panels, out);
        }
    }
}

/// # Safety
/// The processor has AVX-512 F and BW; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn words(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 12, 2, 12, 1>(rows, panels, out) }
}

/// # Safety
/// The processor has AVX-512 F and BW and VNNI; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn vnni(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 12, 2, 12, 1>(rows, panels, out) }
}
