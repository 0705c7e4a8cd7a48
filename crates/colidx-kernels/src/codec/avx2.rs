//! AVX2: eight dimensions at a time, with weights looked up by permutes and indices computed for
//! 32.

use std::arch::x86_64::*;

use super::bits::{eight, whole_bytes};
use super::tokens::{self, Token};
use super::x86::which_of_32;
use super::{Codec, scalar};

/// Dimensions of a register.
const WIDTH: usize = 8;

tokens::entry_point!("avx2,fma");

/// Decodes one token vector to `out`, `[dim]`.
///
/// # Safety
/// The processor has AVX2 and FMA; the slices have their lengths, and the centroid exists.
#[inline(always)]
unsafe fn decode_one<const NBITS: usize>(codec: &Codec, token: Token, out: &mut [f32]) {
    let Token {
        centroid,
        gain,
        packed,
    } = token;
    let (dim, weights) = (codec.dim, codec.weights_of(gain));
    let mut d = 0;
    // SAFETY: the centroid has `dim` values; eight dimensions from `d` on take `NBITS` bytes from
    // `d * NBITS / 8` on, preceded by that many of the token; and unpacked indices are below the
    // number of weights.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(centroid * dim);
        let mut put = |d: usize, weight: __m256| {
            let units = _mm256_cvtepi8_epi32(_mm_loadl_epi64(centroid.add(d).cast()));
            let step = _mm256_loadu_ps(codec.steps.as_ptr().add(d));
            let base = _mm256_mul_ps(step, _mm256_cvtepi32_ps(units));
            let scale = _mm256_loadu_ps(codec.scales.as_ptr().add(d));
            let value = _mm256_fmadd_ps(scale, weight, base);
            _mm256_storeu_ps(out.as_mut_ptr().add(d), value);
        };
        let weights = weights.as_ptr();
        while NBITS < 8 && d + 4 * WIDTH <= dim {
            let before = d * NBITS / 8;
            let which = which_of_32::<NBITS>(packed.as_ptr().add(before), before);
            let (low, high) = (
                _mm256_castsi256_si128(which),
                _mm256_extracti128_si256::<1>(which),
            );
            put(d, pick::<NBITS>(weights, low));
            put(d + 8, pick::<NBITS>(weights, _mm_srli_si128::<8>(low)));
            put(d + 16, pick::<NBITS>(weights, high));
            put(d + 24, pick::<NBITS>(weights, _mm_srli_si128::<8>(high)));
            d += 4 * WIDTH;
        }
        while d + WIDTH <= dim {
            let before = d * NBITS / 8;
            put(
                d,
                look_up::<NBITS>(weights, packed.as_ptr().add(before), before),
            );
            d += WIDTH;
        }
    }
    scalar::decode_from(codec, d, centroid, gain, packed, out);
}

/// The weights of the eight dimensions at `packed`, which `before` bytes of the token precede.
///
/// # Safety
/// The processor has AVX2, there are `NBITS` bytes at `packed` and `before` before it, and
/// `weights` are `[2, 2^NBITS]`.
#[inline(always)]
unsafe fn look_up<const NBITS: usize>(
    weights: *const f32,
    packed: *const u8,
    before: usize,
) -> __m256 {
    // SAFETY: the caller's promise; every index is below the number of weights.
    unsafe {
        if NBITS == 8 {
            // Single loads: processors without a fast gather do three of them a cycle.
            let which = whole_bytes::<WIDTH>(packed, before);
            let weight = |i: usize| weights.add(usize::from(which[i]));
            let four = |i: usize| {
                let a = _mm_load_ss(weight(i));
                let a = _mm_insert_ps::<0x10>(a, _mm_load_ss(weight(i + 1)));
                let a = _mm_insert_ps::<0x20>(a, _mm_load_ss(weight(i + 2)));
                _mm_insert_ps::<0x30>(a, _mm_load_ss(weight(i + 3)))
            };
            return _mm256_set_m128(four(4), four(0));
        }
        let which = eight::<NBITS>(packed, before).cast_signed();
        pick::<NBITS>(weights, _mm_cvtsi64_si128(which))
    }
}

/// The weights of eight dimensions, from the indices in the lower eight bytes.
///
/// # Safety
/// The processor has AVX2, `weights` are `[2, 2^NBITS]`, and every byte is below their number.
#[inline(always)]
unsafe fn pick<const NBITS: usize>(weights: *const f32, which: __m128i) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe {
        let which = _mm256_cvtepu8_epi32(which);
        // A permute takes the lowest three bits of an index.
        let of = |at: usize| _mm256_permutevar8x32_ps(_mm256_loadu_ps(weights.add(at)), which);
        match NBITS {
            1 => {
                let all = _mm256_broadcast_ps(&weights.cast::<__m128>().read_unaligned());
                _mm256_permutevar8x32_ps(all, which)
            }
            2 => of(0),
            _ => {
                // Bits 3 and 4 of the index, moved to the sign bit that blends look at.
                let third = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(which));
                let fourth = _mm256_castsi256_ps(_mm256_slli_epi32::<27>(which));
                let first_row = _mm256_blendv_ps(of(0), of(8), third);
                let second_row = _mm256_blendv_ps(of(16), of(24), third);
                _mm256_blendv_ps(first_row, second_row, fourth)
            }
        }
    }
}
