//! NEON: eight dimensions in a register, the bytes of their weights looked up with table instructions.

use std::arch::aarch64::*;

use super::tokens::{self, Decoder, Source};
use super::{FixedPoint, STEP};

/// Dimensions of a register.
const WIDTH: usize = 8;

tokens::entry_point!("neon");

/// The weights, as their look-up wants them.
struct Table<'a, const NBITS: usize> {
    /// The lower and the upper bytes of the weights. Unused with 8 bits.
    bytes: [uint8x16_t; 2],
    weights: &'a [i16],
}

impl<const NBITS: usize> Table<'_, NBITS> {
    #[target_feature(enable = "neon")]
    fn new(fixed: &FixedPoint) -> Table<'_, NBITS> {
        let [low, high] = &fixed.weight_bytes;
        // SAFETY: both arrays are a register long.
        let bytes = unsafe { [vld1q_u8(low.as_ptr()), vld1q_u8(high.as_ptr())] };
        Table {
            bytes,
            weights: &fixed.weights,
        }
    }

    /// The weights of the eight buckets at `packed`.
    ///
    /// # Safety
    /// The processor has NEON, and `packed` has `NBITS` bytes.
    #[inline(always)]
    unsafe fn look_up(&self, packed: *const u8) -> int16x8_t {
        // SAFETY: the caller's promise; with 8 bits every index is below the 256 weights.
        unsafe {
            // Each bucket is shifted to a byte of its own: what else comes to lie in a byte is above the bucket.
            let buckets = match NBITS {
                1 => {
                    let x = u64::from(*packed);
                    let x = x | x << 28;
                    let x = x | x << 14;
                    (x | x << 7) & 0x0101_0101_0101_0101
                }
                2 => {
                    let x = u64::from(packed.cast::<u16>().read_unaligned());
                    let x = (x | x << 24) & 0x0000_00ff_0000_00ff;
                    let x = x | x << 12;
                    (x | x << 6) & 0x0303_0303_0303_0303
                }
                4 => {
                    let x = u64::from(packed.cast::<u32>().read_unaligned());
                    let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
                    let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
                    (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f
                }
                _ => {
                    let mut weights = [0; WIDTH];
                    for (i, weight) in weights.iter_mut().enumerate() {
                        *weight = *self.weights.as_ptr().add(usize::from(*packed.add(i)));
                    }
                    return vld1q_s16(weights.as_ptr());
                }
            };
            let buckets = vcreate_u8(buckets);
            let [low, high] = self.bytes.map(|bytes| vqtbl1_u8(bytes, buckets));
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
                let weights = self.look_up(from.packed.add(d * NBITS / 8));
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
