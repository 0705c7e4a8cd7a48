//! NEON: rows and columns are both signed. Two instructions multiply 16 pairs of bytes and add them
//! in 16 bits; tiles of 3 rows by one panel take 24 of the 32 registers.

use std::arch::aarch64::*;

use super::{PanelsI7, tile};

/// Four 16-bit sums for each of four columns, in two registers of two columns.
#[derive(Clone, Copy)]
struct Words {
    low: int16x8_t,
    high: int16x8_t,
}

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Words {
    const WIDTH: usize = 4;
    const NARROW: bool = true;
    const FLIP: u8 = 0;
    type Columns = int8x16_t;
    type Row = int8x16_t;
    type Totals = int32x4_t;

    #[inline(always)]
    unsafe fn nothing() -> int32x4_t {
        // SAFETY: the caller's promise.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn start(_from: *const i32, _totals: int32x4_t) -> Self {
        // SAFETY: the caller's promise.
        let zero = unsafe { vdupq_n_s16(0) };
        Words {
            low: zero,
            high: zero,
        }
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> int8x16_t {
        // SAFETY: the caller's promise.
        unsafe { vld1q_s8(from) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> int8x16_t {
        // SAFETY: the caller's promise.
        unsafe { vreinterpretq_s8_u32(vdupq_n_u32(from.cast::<u32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn add(self, row: int8x16_t, columns: int8x16_t) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            Words {
                low: vmlal_s8(self.low, vget_low_s8(row), vget_low_s8(columns)),
                high: vmlal_high_s8(self.high, row, columns),
            }
        }
    }

    #[inline(always)]
    unsafe fn finish(self, totals: int32x4_t) -> int32x4_t {
        // SAFETY: the caller's promise.
        unsafe {
            let sums = vpaddq_s32(vpaddlq_s16(self.low), vpaddlq_s16(self.high));
            vaddq_s32(totals, sums)
        }
    }

    #[inline(always)]
    unsafe fn store(totals: int32x4_t, shift: u32, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { store(totals, shift, to) }
    }
}

/// Writes four integers, shifted down, in 16 bits each.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn store(integers: int32x4_t, shift: u32, to: *mut i16) {
    let shifted = vshlq_s32(integers, vdupq_n_s32(-(shift as i32)));
    // SAFETY: the caller's promise.
    unsafe { vst1_s16(to, vmovn_s32(shifted)) }
}

/// # Safety
/// `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Words, 3, 4, 3, 4>(rows, panels, out) }
}
