//! AVX2: bytes become 16-bit integers first, as the instruction that multiplies bytes
//! (`vpmaddubsw`) saturates. AVX-512 without VNNI (Skylake-X) runs this too.

use std::arch::x86_64::*;

use super::rows::Range;
use super::{PanelsI8, RowsU8, tile};

/// The first and third, and the second and fourth of each four bytes, as 16-bit integers.
#[derive(Clone, Copy)]
struct Split {
    even: __m256i,
    odd: __m256i,
}

tile::sums!(
    Words(__m256i),
    8,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    columns Split: |bytes| Split {
        even: _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)),
        odd: _mm256_srai_epi16::<8>(bytes),
    },
    row Split: |quad| Split {
        even: _mm256_and_si256(quad, _mm256_set1_epi16(0xff)),
        odd: _mm256_srli_epi16::<8>(quad),
    },
    add |sums, row, columns| {
        let even = _mm256_madd_epi16(row.even, columns.even);
        let odd = _mm256_madd_epi16(row.odd, columns.odd);
        _mm256_add_epi32(sums, _mm256_add_epi32(even, odd))
    },
    finish finish
);

/// Scales the sums of one row back and writes eight floats.
///
/// # Safety
/// The processor has the instructions; the pointers are good for eight floats.
#[inline(always)]
pub(super) unsafe fn finish(
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

/// # Safety
/// The processor has AVX2 and FMA; `out` is as [`tile::dots`] asks for.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 4, 2, 2>(rows, columns, out, stride) }
}
