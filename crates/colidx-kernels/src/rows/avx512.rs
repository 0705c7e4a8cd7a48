//! AVX-512: up to 64 columns stay in a register while the codes pass by.

use std::arch::x86_64::*;

use super::max_columns;
use crate::Code;

/// # Safety
/// The processor has AVX-512 F, BW and VL; `acc` is a multiple of 16 long, `table` rows of that length, and every code
/// below their number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn max_rows<C: Code>(table: &[u8], codes: &[C], acc: &mut [u8]) {
    let stride = acc.len();
    let (table, acc) = (table.as_ptr(), acc.as_mut_ptr());
    let mut at = 0;
    // SAFETY: each part lies within a row, as `at` and the part's width stay within the stride.
    unsafe {
        while stride - at >= 64 {
            max_columns!(
                1,
                64,
                table,
                stride,
                codes,
                acc,
                at,
                _mm512_loadu_si512,
                _mm512_max_epu8,
                _mm512_storeu_si512
            );
            at += 64;
        }
        if stride - at >= 32 {
            max_columns!(
                1,
                32,
                table,
                stride,
                codes,
                acc,
                at,
                _mm256_loadu_si256,
                _mm256_max_epu8,
                _mm256_storeu_si256
            );
            at += 32;
        }
        if stride - at >= 16 {
            max_columns!(
                1,
                16,
                table,
                stride,
                codes,
                acc,
                at,
                _mm_loadu_si128,
                _mm_max_epu8,
                _mm_storeu_si128
            );
        }
    }
}
