//! AVX-512: a register is a panel; tiles of 12 rows by two panels take 24 of the 32 registers. With VNNI one instruction
//! multiplies 64 pairs of bytes and adds them in 32 bits, without it (Skylake-X) two add them in 16.

use std::arch::x86_64::*;

use super::{CoarsePanels, tile};

/// Two 16-bit sums for each column.
#[derive(Clone, Copy)]
struct Words(__m512i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 16;
    const NARROW: bool = true;
    const FLIP: u8 = 0x80;
    type Columns = __m512i;
    type Row = __m512i;

    #[inline(always)]
    unsafe fn start(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m512i, columns: __m512i) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm512_add_epi16(self.0, _mm512_maddubs_epi16(row, columns)) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), _mm512_madd_epi16(self.0, _mm512_set1_epi16(1))) }
    }

    #[inline(always)]
    unsafe fn add_to(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe {
            let sums = _mm512_add_epi32(
                _mm512_loadu_si512(to.cast()),
                _mm512_madd_epi16(self.0, _mm512_set1_epi16(1)),
            );
            _mm512_storeu_si512(to.cast(), sums);
        }
    }
}

/// A 32-bit sum for each column.
#[derive(Clone, Copy)]
struct Vnni(__m512i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Vnni {
    const WIDTH: usize = 16;
    const NARROW: bool = false;
    const FLIP: u8 = 0x80;
    type Columns = __m512i;
    type Row = __m512i;

    #[inline(always)]
    unsafe fn start(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m512i, columns: __m512i) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_dpbusd_epi32(self.0, row, columns) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add_to(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe {
            let sums = _mm512_add_epi32(_mm512_loadu_si512(to.cast()), self.0);
            _mm512_storeu_si512(to.cast(), sums);
        }
    }
}

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
/// The processor has AVX-512 F and BW; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn words(rows: &[i8], panels: &CoarsePanels, out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 12, 2, 1>(rows, panels, out) }
}

/// # Safety
/// The processor has AVX-512 F and BW and VNNI; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn vnni(rows: &[i8], panels: &CoarsePanels, out: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 12, 2, 1>(rows, panels, out) }
}
