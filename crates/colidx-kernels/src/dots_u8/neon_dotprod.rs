//! NEON with the dot-product extension: one instruction multiplies and adds 16 pairs of signed
//! bytes; tiles of 6 rows by one panel take 24 of the 32 registers. NEON without it runs the
//! portable code.

use std::arch::aarch64::*;
use std::arch::asm;

use super::rows::Range;
use super::{PanelsI8, RowsU8, tile};

/// Sums of products of signed bytes: 128 is subtracted from each value of a row, and the sums start
/// from the difference.
#[derive(Clone, Copy)]
struct Dots(int32x4_t);

// SAFETY: every method is the instructions it names.
unsafe impl tile::Sums for Dots {
    const WIDTH: usize = 4;
    type Columns = int8x16_t;
    type Row = int8x16_t;

    #[inline(always)]
    unsafe fn start(lacking: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Dots(unsafe { vld1q_s32(lacking) })
    }

    #[inline(always)]
    unsafe fn columns(from: *const i8) -> int8x16_t {
        // SAFETY: the caller's promise.
        unsafe { vld1q_s8(from) }
    }

    #[inline(always)]
    unsafe fn row(from: *const u8) -> int8x16_t {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = from.cast::<u32>().read_unaligned() ^ 0x8080_8080;
            vreinterpretq_s8_u32(vdupq_n_u32(bytes))
        }
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
    unsafe fn finish(
        self,
        range: Range,
        step: *const f32,
        sum: *const f32,
        bias: *const f32,
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let start = vfmaq_f32(vld1q_f32(bias), vdupq_n_f32(range.offset), vld1q_f32(sum));
            let product = vmulq_f32(vcvtq_f32_s32(self.0), vld1q_f32(step));
            vst1q_f32(out, vfmaq_f32(start, product, vdupq_n_f32(range.scale)));
        }
    }
}

/// # Safety
/// The processor has the dot-product extension; `out` is as [`tile::dots`] asks for.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn dots(rows: &RowsU8, columns: &PanelsI8, out: &mut [f32], stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { tile::dots::<Dots, 6, 4, 4>(rows, columns, out, stride) }
}
