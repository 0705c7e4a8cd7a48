//! NEON: a panel is four registers of sums; tiles of 6 rows by one panel take 24 of the 32
//! registers, and the panel's two dimensions, deinterleaved on load, 4.

use std::arch::aarch64::*;

use super::{PanelsI16, tile};

/// The sums of eight columns.
#[derive(Clone, Copy)]
struct Words {
    low: int32x4_t,
    high: int32x4_t,
}

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 8;
    /// The first dimension of eight columns, and the second.
    type Columns = int16x8x2_t;
    type Row = int16x4_t;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        let zero = unsafe { vdupq_n_s32(0) };
        Words {
            low: zero,
            high: zero,
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const i32) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Words {
                low: vld1q_s32(from),
                high: vld1q_s32(from.add(4)),
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut i32) {
        // SAFETY: the caller's promise.
        unsafe {
            vst1q_s32(to, self.low);
            vst1q_s32(to.add(4), self.high);
        }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i16) -> int16x8x2_t {
        // SAFETY: the caller's promise.
        unsafe { vld2q_s16(from) }
    }

    #[inline(always)]
    unsafe fn row(from: *const i16) -> int16x4_t {
        // SAFETY: the caller's promise.
        unsafe { vreinterpret_s16_s32(vdup_n_s32(from.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn add(self, row: int16x4_t, columns: int16x8x2_t) -> Self {
        let int16x8x2_t(first, second) = columns;
        // SAFETY: the caller's promise.
        unsafe {
            let low = vmlal_lane_s16::<0>(self.low, vget_low_s16(first), row);
            let high = vmlal_high_lane_s16::<0>(self.high, first, row);
            Words {
                low: vmlal_lane_s16::<1>(low, vget_low_s16(second), row),
                high: vmlal_high_lane_s16::<1>(high, second, row),
            }
        }
    }

    #[inline(always)]
    unsafe fn max(self, than: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Words {
                low: vmaxq_s32(self.low, than.low),
                high: vmaxq_s32(self.high, than.high),
            }
        }
    }
}

/// # Safety
/// `rows`, `dots` and `best` are as [`tile::dots`] asks for.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots(rows: &[i16], panels: &PanelsI16, dots: &mut [i32], best: &mut [i32]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 6, 2, 2>(rows, panels, dots, best) }
}
