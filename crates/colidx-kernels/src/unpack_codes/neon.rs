//! NEON: shuffle the bytes of four codes to their lanes and shift each lane by its own count.

use std::arch::aarch64::*;

use super::{GROUP, LOADED, Step, scalar};

/// # Safety
/// None: NEON is part of AArch64.
#[target_feature(enable = "neon")]
pub(super) unsafe fn unpack(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    let mut done = 0;
    if width <= Step::WIDEST && out.len() >= GROUP {
        let step = Step::new(width, first);
        let mask = vdupq_n_u32((1 << width) - 1);
        for i in 0..step.count(packed, width, out.len()) {
            for (half, offset) in [0, step.half].into_iter().enumerate() {
                // SAFETY: `count` steps have 16 bytes at both places, and as many times eight codes
                // fit `out`; a half has 16 of `bytes` and four of `shifts`.
                unsafe {
                    let from = packed.as_ptr().add(step.start + i * width + offset);
                    let bytes = vld1q_u8(step.bytes.as_ptr().add(half * LOADED));
                    let shifts = vld1q_u32(step.shifts.as_ptr().add(half * GROUP / 2));
                    let words = vreinterpretq_u32_u8(vqtbl1q_u8(vld1q_u8(from), bytes));
                    // A shift by a negative count goes right.
                    let down = vnegq_s32(vreinterpretq_s32_u32(shifts));
                    let codes = vandq_u32(vshlq_u32(words, down), mask);
                    vst1q_u32(out.as_mut_ptr().add(done + half * GROUP / 2), codes);
                }
            }
            done += GROUP;
        }
    }
    scalar::unpack(packed, width, first + done, &mut out[done..]);
}
