//! AVX2: a panel is two registers; tiles of 6 rows by one panel take 12 of the 16 registers. With AVX-VNNI (Alder Lake,
//! Zen 5) one instruction multiplies and adds, without it two.

use std::arch::x86_64::*;

use super::{Int16Panels, tile};

#[derive(Clone, Copy)]
struct Words(__m256i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 8;
    type Columns = __m256i;
    type Row = __m256i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i16) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const i16) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m256i, columns: __m256i) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm256_add_epi32(self.0, _mm256_madd_epi16(row, columns)) })
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm256_max_epi32(self.0, than.0) })
    }
}

#[derive(Clone, Copy)]
struct Vnni(__m256i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Vnni {
    const WIDTH: usize = 8;
    type Columns = __m256i;
    type Row = __m256i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i16) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const i16) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m256i, columns: __m256i) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_dpwssd_avx_epi32(self.0, row, columns) })
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_max_epi32(self.0, than.0) })
    }
}

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
    panels: &Int16Panels,
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
unsafe fn words_max_dots(rows: &[i16], panels: &Int16Panels, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Words, 6, 2, 2>(rows, panels, dots, best) }
}

/// # Safety
/// The processor has AVX2 and AVX-VNNI; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn vnni_max_dots(rows: &[i16], panels: &Int16Panels, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Vnni, 6, 2, 2>(rows, panels, dots, best) }
}
