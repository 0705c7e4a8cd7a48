//! NEON: eight dimensions in a register, with the bytes of their weights looked up by `tbl`.

use std::arch::aarch64::*;

use super::tokens::{self, Decoder, Source};
use super::{CodecI16, STEP};
use crate::codec::{eight, whole_bytes};

/// Dimensions of a register.
const WIDTH: usize = 8;

tokens::entry_point!("neon");

/// The weights, for look-ups by `NBITS` bits.
struct Table<'a, const NBITS: usize>(&'a CodecI16);

impl<const NBITS: usize> Table<'_, NBITS> {
    fn new(tables: &CodecI16) -> Table<'_, NBITS> {
        Table(tables)
    }

    /// The weights of eight dimensions of a step, from number `d` on.
    ///
    /// # Safety
    /// The processor has NEON, and the step is one of a token's.
    #[inline(always)]
    unsafe fn look_up(&self, from: Source, d: usize) -> int16x8_t {
        // SAFETY: the caller's promise; there are weights of every gain, and every index is below
        // their number.
        unsafe {
            let (packed, before) = (from.packed.add(d * NBITS / 8), from.before + d * NBITS / 8);
            if NBITS == 8 {
                let weights = self.0.weights.as_ptr().add(from.gain * (2 << NBITS));
                let mut found = [0; WIDTH];
                let which = whole_bytes::<WIDTH>(packed, before);
                for (found, which) in found.iter_mut().zip(which) {
                    *found = *weights.add(usize::from(which));
                }
                return vld1q_s16(found.as_ptr());
            }
            let which = eight::<NBITS>(packed, before);
            // Rows are sixteen weights apart.
            let row = 0x0101_0101_0101_0101 << NBITS;
            let which = vcreate_u8((which & !row) | (which & row) << (4 - NBITS));
            let bytes = self.0.weight_bytes.as_ptr().add(from.gain).cast::<u8>();
            let table = |at: usize| {
                let table = bytes.add(at * 32);
                vqtbl2_u8(
                    uint8x16x2_t(vld1q_u8(table), vld1q_u8(table.add(16))),
                    which,
                )
            };
            let (low, high) = (table(0), table(1));
            vreinterpretq_s16_u8(vcombine_u8(vzip1_u8(low, high), vzip2_u8(low, high)))
        }
    }
}

// SAFETY: every method is instructions of NEON.
unsafe impl<const NBITS: usize> Decoder for Table<'_, NBITS> {
    type Sums = int32x4_t;

    #[inline(always)]
    fn zero() -> int32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn step(
        &self,
        from: Source,
        shift: u32,
        out: *mut i16,
        mut sums: int32x4_t,
    ) -> int32x4_t {
        // SAFETY: the caller's promise.
        unsafe {
            for d in (0..STEP).step_by(WIDTH) {
                let units = vshll_n_s8::<8>(vld1_s8(from.centroid.add(d)));
                let base = vqrdmulhq_s16(units, vld1q_s16(from.steps.add(d)));
                let weights = self.look_up(from, d);
                let residual = vqrdmulhq_s16(weights, vld1q_s16(from.scales.add(d)));
                let values = vaddq_s16(base, residual);
                vst1q_s16(out.add(d), values);
                let low = vmull_s16(vget_low_s16(values), vget_low_s16(values));
                let pairs = vpaddq_s32(low, vmull_high_s16(values, values));
                let down = vdupq_n_s32(-(shift as i32));
                sums = vaddq_s32(sums, vshlq_s32(pairs, down));
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn sum(sums: int32x4_t) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { vaddvq_s32(sums) }
    }

    #[inline(always)]
    unsafe fn scale(from: *const i16, factor: i16, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            for d in (0..STEP).step_by(WIDTH) {
                let values = vld1q_s16(from.add(d));
                vst1q_s16(to.add(d), vqrdmulhq_n_s16(values, factor));
            }
        }
    }
}
