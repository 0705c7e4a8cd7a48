//! AVX-VNNI: one instruction multiplies and adds 32 pairs of bytes.

use std::arch::x86_64::*;

use super::avx2::finish;
use super::{PanelsI8, RowsU8, tile};

tile::sums!(
    Vnni(__m256i),
    8,
    _mm256_setzero_si256,
    _mm256_loadu_si256,
    _mm256_set1_epi32,
    columns __m256i: |bytes| bytes,
    row __m256i: |quad| quad,
    add |sums, row, columns| _mm256_dpbusd_avx_epi32(sums, row, columns),
    finish finish
);

/// # Safety
/// The processor has AVX2, FMA and AVX-VNNI; `out` is as [`tile::dots`] asks for.
#[target_feature(enable = "avx2,fma,avxvnni")]
pub(super) unsafe fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Vnni, 6, 2, 2>(rows, columns, out, stride) }
}
