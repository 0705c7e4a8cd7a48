//! NEON: sixteen dimensions in a step, widened to 16 bits after the load.

use std::arch::aarch64::*;

use super::scalar;
use crate::LANES;

/// Dimensions in a step.
const STEP: usize = 16;

/// # Safety
/// All `picks` are rows of `rows`, `[n_rows, column.len()]`.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots(rows: &[i8], picks: &[u32], column: &[i16], out: &mut [i32]) {
    let dim = column.len();
    let whole = dim - dim % STEP;
    for (&pick, out) in picks.iter().zip(out) {
        // SAFETY: the caller's promise.
        let row = unsafe { rows.get_unchecked(pick as usize * dim..pick as usize * dim + dim) };
        let (mut low, mut high) = (vdupq_n_s32(0), vdupq_n_s32(0));
        for d in (0..whole).step_by(STEP) {
            // SAFETY: `row` and `column` both have `dim` values, and the step ends at or before
            // that.
            let (x, first, second) = unsafe {
                (
                    vld1q_s8(row.as_ptr().add(d)),
                    vld1q_s16(column.as_ptr().add(d)),
                    vld1q_s16(column.as_ptr().add(d + 8)),
                )
            };
            let (a, b) = (vmovl_s8(vget_low_s8(x)), vmovl_high_s8(x));
            low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(first));
            high = vmlal_high_s16(high, a, first);
            low = vmlal_s16(low, vget_low_s16(b), vget_low_s16(second));
            high = vmlal_high_s16(high, b, second);
        }
        let rest = scalar::dot(&row[whole..], &column[whole..]);
        *out = vaddvq_s32(vaddq_s32(low, high)).wrapping_add(rest);
    }
}

/// # Safety
/// The columns of `out` are a multiple of [`LANES`], but not none.
#[target_feature(enable = "neon")]
pub(super) unsafe fn max(rows: &[i16], picks: &[u32], out: &mut [i16]) {
    let columns = out.len();
    let n = rows.len() / columns;
    for panel in (0..columns).step_by(LANES) {
        // SAFETY: a panel of 16 integers is in `out`, and in each of the `n` rows.
        unsafe {
            let to = out.as_mut_ptr().add(panel);
            let (mut low, mut high) = (vld1q_s16(to), vld1q_s16(to.add(8)));
            for &pick in picks {
                if (pick as usize) < n {
                    let row = rows.as_ptr().add(pick as usize * columns + panel);
                    low = vmaxq_s16(low, vld1q_s16(row));
                    high = vmaxq_s16(high, vld1q_s16(row.add(8)));
                }
            }
            vst1q_s16(to, low);
            vst1q_s16(to.add(8), high);
        }
    }
}
