//! AVX-512: a register is a panel; tiles of 12 rows by two panels take 24 of the 32 registers. With VNNI one instruction
//! multiplies and adds, without it (Skylake-X) two.

use std::arch::x86_64::*;

use super::{Int16Panels, tile};

#[derive(Clone, Copy)]
struct Words(__m512i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 16;
    type Columns = __m512i;
    type Row = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const i16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m512i, columns: __m512i) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_add_epi32(self.0, _mm512_madd_epi16(row, columns)) })
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_max_epi32(self.0, than.0) })
    }
}

#[derive(Clone, Copy)]
struct Vnni(__m512i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Vnni {
    const WIDTH: usize = 16;
    type Columns = __m512i;
    type Row = __m512i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_setzero_si512() })
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const i16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m512i, columns: __m512i) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_dpwssd_epi32(self.0, row, columns) })
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_max_epi32(self.0, than.0) })
    }
}

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
/// The processor has AVX-512 F and BW; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn words_max_dots(rows: &[i16], panels: &Int16Panels, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Words, 12, 2, 1>(rows, panels, dots, best) }
}

/// # Safety
/// The processor has AVX-512 F, BW and VNNI; `rows`, `dots` and `best` are as [`tile::max_dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn vnni_max_dots(rows: &[i16], panels: &Int16Panels, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::max_dots::<Vnni, 12, 2, 1>(rows, panels, dots, best) }
}
