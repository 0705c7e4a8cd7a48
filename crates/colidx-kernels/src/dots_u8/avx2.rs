//! AVX2: with AVX-VNNI (Alder Lake, Zen 5) one instruction multiplies and adds 32 pairs of bytes. Without it bytes become
//! 16-bit integers first, as the instruction that multiplies bytes (`vpmaddubsw`) saturates.

use std::arch::x86_64::*;

use super::rows::Range;
use super::{PanelsI8, RowsU8, tile};

/// # Safety
/// The processor has AVX2 and FMA; the pointers are good for 8 floats.
#[inline(always)]
unsafe fn finish(
    sums: __m256i,
    range: Range,
    step: *const f32,
    sum: *const f32,
    bias: *const f32,
    out: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (offset, scale) = (_mm256_set1_ps(range.offset), _mm256_set1_ps(range.scale));
        let start = _mm256_fmadd_ps(offset, _mm256_loadu_ps(sum), _mm256_loadu_ps(bias));
        let product = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(step));
        _mm256_storeu_ps(out, _mm256_fmadd_ps(product, scale, start));
    }
}

#[derive(Clone, Copy)]
struct Words(__m256i);

/// The first and third, and the second and fourth of each four bytes, as 16-bit integers.
#[derive(Clone, Copy)]
struct Split {
    even: __m256i,
    odd: __m256i,
}

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 8;
    type Columns = Split;
    type Row = Split;

    #[inline(always)]
    unsafe fn start(_lacking: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Words(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> Split {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm256_loadu_si256(from.cast());
            Split {
                even: _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)),
                odd: _mm256_srai_epi16::<8>(bytes),
            }
        }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> Split {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm256_set1_epi32(from.cast::<i32>().read_unaligned());
            Split {
                even: _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)),
                odd: _mm256_srli_epi16::<8>(bytes),
            }
        }
    }

    #[inline(always)]
    unsafe fn add(self, row: Split, columns: Split) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let even = _mm256_madd_epi16(row.even, columns.even);
            let odd = _mm256_madd_epi16(row.odd, columns.odd);
            Words(_mm256_add_epi32(self.0, _mm256_add_epi32(even, odd)))
        }
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
        unsafe { finish(self.0, range, step, sum, bias, out) }
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
    unsafe fn start(_lacking: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn add(self, row: __m256i, columns: __m256i) -> Self {
        // SAFETY: the caller's promise.
        Vnni(unsafe { _mm256_dpbusd_avx_epi32(self.0, row, columns) })
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
        unsafe { finish(self.0, range, step, sum, bias, out) }
    }
}

fn has_vnni() -> bool {
    is_x86_feature_detected!("avxvnni")
}

pub(super) fn instructions() -> &'static str {
    if has_vnni() {
        "vpdpbusd, 256 bits"
    } else {
        "vpmaddwd, 256 bits"
    }
}

/// # Safety
/// The processor has AVX2 and FMA; `out` is as [`tile::dots_u8`] asks for.
pub(super) unsafe fn dots_u8(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: AVX-VNNI was seen where it is used; the rest is the caller's promise.
    unsafe {
        if has_vnni() {
            vnni(rows, columns, out, stride);
        } else {
            words(rows, columns, out, stride);
        }
    }
}

/// # Safety
/// The processor has AVX2, FMA and AVX-VNNI; `out` is as [`tile::dots_u8`] asks for.
#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn vnni(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots_u8::<Vnni, 6, 2, 2>(rows, columns, out, stride) }
}

/// # Safety
/// The processor has AVX2 and FMA; `out` is as [`tile::dots_u8`] asks for.
#[target_feature(enable = "avx2,fma")]
unsafe fn words(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots_u8::<Words, 4, 2, 2>(rows, columns, out, stride) }
}
