//! NEON with the dot-product extension: one instruction multiplies 16 pairs of signed bytes and
//! adds them in 32 bits; tiles of 6 rows by one panel take 24 of the 32 registers.

use std::arch::aarch64::*;
use std::arch::asm;

use super::neon::store;
use super::{PanelsI7, tile};

/// A 32-bit sum for each column.
#[derive(Clone, Copy)]
struct Dots(int32x4_t);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Dots {
    const WIDTH: usize = 4;
    const NARROW: bool = false;
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
    unsafe fn start(_from: *const i32, totals: int32x4_t) -> Self {
        Dots(totals)
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
        let mut sums = self.0;
        // SAFETY: the caller's processor has the dot-product extension, and the instruction touches
        // registers alone.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {sums:v}.4s, {row:v}.16b, {columns:v}.16b",
                sums = inout(vreg) sums,
                row = in(vreg) row,
                columns = in(vreg) columns,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        Dots(sums)
    }

    #[inline(always)]
    unsafe fn finish(self, _totals: int32x4_t) -> int32x4_t {
        self.0
    }

    #[inline(always)]
    unsafe fn store(totals: int32x4_t, shift: u32, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe { store(totals, shift, to) }
    }
}

/// # Safety
/// The processor has the dot-product extension; `rows` and `out` are as [`tile::dots`] asks for.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn dots(rows: &[i8], panels: &PanelsI7, out: &mut [i16]) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Dots, 6, 4, 6, 4>(rows, panels, out) }
}
