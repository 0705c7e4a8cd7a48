//! AVX-512: with VNNI one instruction multiplies and adds 64 pairs of bytes; tiles of 12 rows by two panels take 24 of the 32
//! registers. Without VNNI (Skylake-X) the AVX2 kernel runs.

use std::arch::x86_64::*;

use super::rows::Range;
use super::{PanelsI8, RowsU8, avx2, tile};

#[derive(Clone, Copy)]
struct Vnni(__m512i);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Vnni {
    const WIDTH: usize = 16;
    type Columns = __m512i;
    type Row = __m512i;

    #[inline(always)]
    unsafe fn start(_lacking: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm512_setzero_si512() })
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
    unsafe fn finish(
        self,
        range: Range,
        step: *const f32,
        sum: *const f32,
        bias: *const f32,
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let (offset, scale) = (_mm512_set1_ps(range.offset), _mm512_set1_ps(range.scale));
            let start = _mm512_fmadd_ps(offset, _mm512_loadu_ps(sum), _mm512_loadu_ps(bias));
            let product = _mm512_mul_ps(_mm512_cvtepi32_ps(self.0), _mm512_loadu_ps(step));
            _mm512_storeu_ps(out, _mm512_fmadd_ps(product, scale, start));
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
        avx2::instructions()
    }
}

/// # Safety
/// The processor has AVX-512 F, BW and VL and AVX2; `out` is as [`tile::dots_u8`] asks for.
pub(super) unsafe fn dots_u8(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: what is used was seen; the rest is the caller's promise.
    unsafe {
        if has_vnni() {
            vnni(rows, columns, out, stride);
        } else {
            avx2::dots_u8(rows, columns, out, stride);
        }
    }
}

/// # Safety
/// The processor has AVX-512 F and VNNI; `out` is as [`tile::dots_u8`] asks for.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn vnni(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots_u8::<Vnni, 12, 2, 1>(rows, columns, out, stride) }
}
