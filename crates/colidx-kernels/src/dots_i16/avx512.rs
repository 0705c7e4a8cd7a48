//! AVX-512: a register is a panel; tiles of 12 rows by two panels take 24 of the 32 registers. With VNNI one instruction
//! multiplies and adds, without it (Skylake-X) two.

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

fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni")
}

pub(super) fn instructions() -> &'static str {
    if has_vnni() {
        "vpdpwssd, 512 bits"
    } else {
        "vpmaddwd, 512 bits"
    }
}

/// # Safety
/// The processor has AVX-512 F and BW; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
pub(super) unsafe fn max_dots(
    rows: &[i16],
    panels: &PanelsI16,
    dots: &mut [i32],
    best: &mut [i32],
) {
    // SAFETY: VNNI was seen where it is used; the rest is the caller's promise.
    unsafe {
        if has_vnni() {
            vnni_max_dots(rows, panels, dots, best);
        } else {
            words_max_dots(rows, panels, dots, best);
        }
    }
}

/// # Safety
/// The processor has AVX-512 F and BW; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn words_max_dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Words, 12, 2, 1>(rows, panels, dots, best) }
}

/// # Safety
/// The processor has AVX-512 F, BW and VNNI; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn vnni_max_dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Vnni, 12, 2, 1>(rows, panels, dots, best) }
}
