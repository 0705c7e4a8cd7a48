//! NEON: eight dimensions at a time, the bytes of their weights looked up with table instructions.

use std::arch::aarch64::*;

use super::tokens::{self, Decoder};
use super::{Codec, scalar};

/// Dimensions decoded at a time.
const WIDTH: usize = 8;

tokens::entry_point!("neon");

// SAFETY: the method is instructions of NEON.
unsafe impl<const NBITS: usize> Decoder for Table<'_, NBITS> {
    #[inline(always)]
    unsafe fn decode(&self, codec: &Codec, code: usize, packed: &[u8], out: &mut [f32]) {
        // SAFETY: the caller's promise.
        unsafe { decode_one(codec, self, code, packed, out) }
    }
}

/// Decodes one token vector, `out` being `[dim]` and `packed` `[packed_len]`.
///
/// # Safety
/// The slices have these lengths, and `code` is below the number of centroids.
#[inline(always)]
unsafe fn decode_one<const NBITS: usize>(
    codec: &Codec,
    table: &Table<'_, NBITS>,
    code: usize,
    packed: &[u8],
    out: &mut [f32],
) {
    let dim = codec.dim;
    let row = code * dim;
    let whole = dim - dim % WIDTH;
    // SAFETY: the code has `dim` values of `centroids`; eight dimensions from `d` on take `NBITS` bytes from
    // `d * NBITS / 8` on.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(row);
        let (steps, scales) = (codec.steps.as_ptr(), codec.scales.as_ptr());
        let (packed, out) = (packed.as_ptr(), out.as_mut_ptr());
        let mut d = 0;
        while d < whole {
            let weights = table.look_up(packed.add(d * NBITS / 8));
            let units = vmovl_s8(vld1_s8(centroid.add(d)));
            let halves = [vmovl_s16(vget_low_s16(units)), vmovl_high_s16(units)];
            for (half, (weight, units)) in weights.into_iter().zip(halves).enumerate() {
                let d = d + half * 4;
                let base = vmulq_f32(vld1q_f32(steps.add(d)), vcvtq_f32_s32(units));
                let value = vfmaq_f32(base, vld1q_f32(scales.add(d)), weight);
                vst1q_f32(out.add(d), value);
            }
            d += WIDTH;
        }
    }
    scalar::decode_from(codec, whole, &codec.centroids[row..][..dim], packed, out);
}

/// The weights, as the look-up of eight buckets wants them.
#[derive(Clone, Copy)]
struct Table<'a, const NBITS: usize> {
    /// The bytes of the weights, repeated to sixteen. Unused with 8 bits.
    bytes: uint8x16x4_t,
    /// How far each lane shifts its bucket down, negative.
    shifts: [int32x4_t; 2],
    weights: &'a [f32],
}

impl<const NBITS: usize> Table<'_, NBITS> {
    #[target_feature(enable = "neon")]
    fn new(weights: &[f32]) -> Table<'_, NBITS> {
        let mut repeated = [0.0f32; 16];
        let mut shifts = [0i32; WIDTH];
        for (lane, weight) in repeated.iter_mut().enumerate() {
            *weight = weights[lane % (1 << NBITS)];
        }
        for (lane, shift) in shifts.iter_mut().enumerate() {
            *shift = -((lane * NBITS % 32) as i32);
        }
        // SAFETY: the arrays are four and two registers long.
        unsafe {
            let line = |i: usize| vreinterpretq_u8_f32(vld1q_f32(repeated.as_ptr().add(i * 4)));
            Table {
                bytes: uint8x16x4_t(line(0), line(1), line(2), line(3)),
                shifts: [
                    vld1q_s32(shifts.as_ptr()),
                    vld1q_s32(shifts.as_ptr().add(4)),
                ],
                weights,
            }
        }
    }

    /// The weights of the eight buckets at `packed`.
    ///
    /// # Safety
    /// `packed` has `NBITS` bytes.
    #[inline(always)]
    unsafe fn look_up(&self, packed: *const u8) -> [float32x4_t; 2] {
        // SAFETY: the caller's promise; with 8 bits every index is below the 256 weights.
        unsafe {
            let word = match NBITS {
                1 => u32::from(*packed),
                2 => u32::from(packed.cast::<u16>().read_unaligned()),
                4 => packed.cast::<u32>().read_unaligned(),
                _ => {
                    let weight = |j: usize| self.weights[usize::from(*packed.add(j))];
                    let gathered: [f32; WIDTH] = std::array::from_fn(weight);
                    return [
                        vld1q_f32(gathered.as_ptr()),
                        vld1q_f32(gathered.as_ptr().add(4)),
                    ];
                }
            };
            let word = vdupq_n_u32(word);
            self.shifts.map(|shifts| {
                let mask = vdupq_n_u32((1 << NBITS) - 1);
                let bucket = vandq_u32(vshlq_u32(word, shifts), mask);
                // Byte k of a weight is at 4 * bucket + k.
                let first = vmulq_n_u32(bucket, 0x0404_0404);
                let index = vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x0302_0100)));
                vreinterpretq_f32_u8(vqtbl4q_u8(self.bytes, index))
            })
        }
    }
}
