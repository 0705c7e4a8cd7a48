//! NEON: up to 64 columns stay in four registers while the codes pass by.

use std::arch::aarch64::*;

use super::max_columns;
use crate::Code;

/// # Safety
/// `acc` is a multiple of 16 long, `table` rows of that length, and every code below their number.
#[target_feature(enable = "neon")]
pub(super) unsafe fn max_rows<C: Code>(table: &[u8], codes: &[C], acc: &mut [u8]) {
    let stride = acc.len();
    let (table, acc) = (table.as_ptr(), acc.as_mut_ptr());
    let mut at = 0;
    // SAFETY: each part lies within a row, as `at` and the part's width stay within the stride.
    unsafe {
        while stride - at >= 64 {
            max_columns!(
                4, 16, table, stride, codes, acc, at, vld1q_u8, vmaxq_u8, vst1q_u8
            );
            at += 64;
        }
        if stride - at >= 32 {
            max_columns!(
                2, 16, table, stride, codes, acc, at, vld1q_u8, vmaxq_u8, vst1q_u8
            );
            at += 32;
        }
        if stride - at >= 16 {
            max_columns!(
                1, 16, table, stride, codes, acc, at, vld1q_u8, vmaxq_u8, vst1q_u8
            );
        }
    }
}
