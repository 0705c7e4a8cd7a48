//! NEON: four numbers at a time.

use std::arch::aarch64::*;

use super::{WORD, scalar};

/// Numbers in a register.
const WIDTH: usize = 4;

/// # Safety
/// `bits` has a word for every 64 `values` begun.
#[target_feature(enable = "neon")]
pub(super) unsafe fn mask_ge(values: &[u32], least: u32, bits: &mut [u64]) {
    let (whole, rest) = values.as_chunks::<WORD>();
    let floor = vdupq_n_u32(least);
    // SAFETY: one register of numbers.
    let places = unsafe { vld1q_u32([1, 2, 4, 8].as_ptr()) };
    for (values, word) in whole.iter().zip(&mut *bits) {
        *word = 0;
        for at in (0..WORD).step_by(WIDTH) {
            // SAFETY: a register of numbers from there on is within the word's.
            let four = unsafe { vld1q_u32(values.as_ptr().add(at)) };
            let reach = vandq_u32(vcgeq_u32(four, floor), places);
            *word |= u64::from(vaddvq_u32(reach)) << at;
        }
    }
    scalar::mask_ge(rest, least, &mut bits[whole.len()..]);
}

/// The reference.
///
/// # Safety
/// `more` is as long as `values`, and `bits` has a word for every 64 begun.
#[target_feature(enable = "neon")]
pub(super) unsafe fn mask_sum_ge(values: &[f32], more: &[f32], least: f32, bits: &mut [u64]) {
    scalar::mask_sum_ge(values, more, least, bits);
}

/// The reference.
#[target_feature(enable = "neon")]
pub(super) fn max(values: &[f32]) -> f32 {
    scalar::max(values)
}

/// The reference.
#[target_feature(enable = "neon")]
pub(super) fn row_maxima(values: &[f32], columns: usize, out: &mut [f32]) {
    scalar::row_maxima(values, columns, out);
}

/// The reference, which the compiler vectorises well.
///
/// # Safety
/// There is at least one column.
#[target_feature(enable = "neon")]
pub(super) unsafe fn rows_any_ge(values: &[i32], least: &[i32], out: &mut Vec<u32>) {
    scalar::rows_any_ge(values, least, out);
}

/// The reference.
///
/// # Safety
/// There is at least one column.
#[target_feature(enable = "neon")]
pub(super) unsafe fn rows_any_ge_i16(values: &[i16], least: &[i16], out: &mut Vec<u32>) {
    scalar::rows_any_ge_i16(values, least, out);
}
