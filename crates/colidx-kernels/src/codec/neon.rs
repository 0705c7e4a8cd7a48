//! NEON: eight dimensions at a time, with weights loaded one by one.

use std::arch::aarch64::*;

use super::bits::{eight, whole_bytes};
use super::tokens::{self, Token};
use super::{Codec, scalar};

/// Dimensions decoded at a time.
const WIDTH: usize = 8;

tokens::entry_point!("neon");

/// Decodes one token vector to `out`, `[dim]`.
///
/// # Safety
/// The slices have their lengths, and the centroid exists.
#[inline(always)]
unsafe fn decode_one<const NBITS: usize>(codec: &Codec, token: Token, out: &mut [f32]) {
    let Token {
        centroid,
        gain,
        packed,
    } = token;
    let (dim, weights) = (codec.dim, codec.weights_of(gain));
    let whole = dim - dim % WIDTH;
    // SAFETY: the centroid has `dim` values; eight dimensions from `d` on take `NBITS` bytes from
    // `d * NBITS / 8` on, preceded by that many of the token; and unpacked indices are below the
    // number of weights.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(centroid * dim);
        let (steps, scales) = (codec.steps.as_ptr(), codec.scales.as_ptr());
        for d in (0..whole).step_by(WIDTH) {
            let before = d * NBITS / 8;
            let weights = look_up::<NBITS>(weights.as_ptr(), packed.as_ptr().add(before), before);
            let units = vmovl_s8(vld1_s8(centroid.add(d)));
            let halves = [vmovl_s16(vget_low_s16(units)), vmovl_high_s16(units)];
            for (half, (weight, units)) in weights.into_iter().zip(halves).enumerate() {
                let d = d + half * 4;
                let base = vmulq_f32(vld1q_f32(steps.add(d)), vcvtq_f32_s32(units));
                let value = vfmaq_f32(base, vld1q_f32(scales.add(d)), weight);
                vst1q_f32(out.as_mut_ptr().add(d), value);
            }
        }
    }
    scalar::decode_from(codec, whole, centroid, gain, packed, out);
}

/// The weights of the eight dimensions at `packed`, which `before` bytes of the token precede.
///
/// # Safety
/// There are `NBITS` bytes at `packed` and `before` before it, and `weights` are `[2, 2^NBITS]`.
#[inline(always)]
unsafe fn look_up<const NBITS: usize>(
    weights: *const f32,
    packed: *const u8,
    before: usize,
) -> [float32x4_t; 2] {
    // SAFETY: the caller's promise; every index is below the number of weights.
    unsafe {
        let which = match NBITS {
            8 => whole_bytes::<WIDTH>(packed, before),
            _ => eight::<NBITS>(packed, before).to_le_bytes().map(u16::from),
        };
        let mut found = [0f32; WIDTH];
        for (found, which) in found.iter_mut().zip(which) {
            *found = *weights.add(usize::from(which));
        }
        [vld1q_f32(found.as_ptr()), vld1q_f32(found.as_ptr().add(4))]
    }
}
