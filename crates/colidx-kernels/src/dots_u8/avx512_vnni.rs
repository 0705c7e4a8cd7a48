//! AVX-512 VNNI: one instruction multiplies and adds 64 pairs of bytes; tiles of 12 rows by two
//! panels take 24 of the 32 registers.

use std::arch::x86_64::*;

use super::rows::Range;
use super::{PanelsI8, RowsU8, tile};

tile::sums!(
    Vnni(__m512i),
    16,
    _mm512_setzero_si512,
    _mm512_loadu_si512,
    _mm512_set1_epi32,
    columns __m512i: |bytes| bytes,
    row __m512i: |quad| quad,
    add |sums, row, columns| _mm512_dpbusd_epi32(sums, row, columns),
    finish finish
);

/// Scales the sums of one row back and writes sixteen floats.
///
/// # Safety
/// The processor has the instructions; the pointers are good for sixteen floats.
#[inline(always)]
unsafe fn finish(
    sums: __m512i,
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
        let product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(step));
        _mm512_storeu_ps(out, _mm512_fmadd_ps(product, scale, start));
    }
}

/// # Safety
/// The processor has AVX-512 F and VNNI; `out` is as [`tile::dots`] asks for.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) unsafe fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 12, 2, 1>(rows, columns, out, stride) }
}
