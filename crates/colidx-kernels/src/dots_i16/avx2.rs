//! AVX2: a panel is two registers; tiles of 6 rows by one panel take 12 of the 16 registers. With AVX-VNNI (Alder Lake,
//! Zen 5) one instruction multiplies and adds, without it two.

use std::arch::x86_64::*;

use super::{PanelsI16, tile};

tile::sums!(
    Words(__m256i),
    8,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi32,
    _mm256_max_epi32,
    |sums, row, columns| _mm256_add_epi32(sums, _mm256_madd_epi16(row, columns))
);
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

fn has_vnni() -> bool {
    is_x86_feature_detected!("avxvnni")
}

pub(super) fn instructions() -> &'static str {
    if has_vnni() {
        "vpdpwssd, 256 bits"
    } else {
        "vpmaddwd, 256 bits"
    }
}

/// # Safety
/// The processor has AVX2; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
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
/// The processor has AVX2; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx2")]
unsafe fn words_max_dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Words, 6, 2, 2>(rows, panels, dots, best) }
}

/// # Safety
/// The processor has AVX2 and AVX-VNNI; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn vnni_max_dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Vnni, 6, 2, 2>(rows, panels, dots, best) }
}
