//! AVX-512: sixteen dimensions at a time, with weights looked up by one permute.

use std::arch::x86_64::*;

use super::bits::{eight, whole_bytes};
use super::tokens::{self, Token};
use super::x86::which_of_32;
use super::{Codec, scalar};

/// Dimensions decoded at a time.
const WIDTH: usize = 16;

tokens::entry_point!("avx512f,avx512bw,avx512vl,avx2,fma");

/// Decodes one token vector to `out`, `[dim]`.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL; the slices have their lengths, and the centroid exists.
#[inline(always)]
unsafe fn decode_one<const NBITS: usize>(codec: &Codec, token: Token, out: &mut [f32]) {
    let Token {
        centroid,
        gain,
        packed,
    } = token;
    let (dim, weights) = (codec.dim, codec.weights_of(gain));
    let mut d = 0;
    // SAFETY: the centroid has `dim` values; sixteen dimensions from `d` on take `2 * NBITS` bytes
    // from `d * NBITS / 8` on, preceded by that many of the token; and unpacked indices are below
    // the number of weights.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(centroid * dim);
        let mut put = |d: usize, weight: __m512| {
            let units = _mm512_cvtepi8_epi32(_mm_loadu_si128(centroid.add(d).cast()));
            let step = _mm512_loadu_ps(codec.steps.as_ptr().add(d));
            let base = _mm512_mul_ps(step, _mm512_cvtepi32_ps(units));
            let scale = _mm512_loadu_ps(codec.scales.as_ptr().add(d));
            let value = _mm512_fmadd_ps(scale, weight, base);
            _mm512_storeu_ps(out.as_mut_ptr().add(d), value);
        };
        let weights = weights.as_ptr();
        while NBITS < 8 && d + 2 * WIDTH <= dim {
            let before = d * NBITS / 8;
            let which = which_of_32::<NBITS>(packed.as_ptr().add(before), before);
            put(d, pick::<NBITS>(weights, _mm256_castsi256_si128(which)));
            let high = _mm256_extracti128_si256::<1>(which);
            put(d + WIDTH, pick::<NBITS>(weights, high));
            d += 2 * WIDTH;
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

/// The weights of the sixteen dimensions at `packed`, which `before` bytes of the token precede.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL, there are `2 * NBITS` bytes at `packed` and `before`
/// before it, and `weights` are `[2, 2^NBITS]`.
#[inline(always)]
unsafe fn look_up<const NBITS: usize>(
    weights: *const f32,
    packed: *const u8,
    before: usize,
) -> __m512 {
    // SAFETY: the caller's promise; every index is below the number of weights.
    unsafe {
        if NBITS == 8 {
            let which = whole_bytes::<WIDTH>(packed, before);
            let which = _mm512_cvtepu16_epi32(_mm256_loadu_si256(which.as_ptr().cast()));
            return _mm512_i32gather_ps::<4>(which, weights);
        }
        let [low, high] = [
            eight::<NBITS>(packed, before),
            eight::<NBITS>(packed.add(NBITS), before + NBITS),
        ];
        let which = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
        pick::<NBITS>(weights, which)
    }
}

/// The weights of sixteen dimensions, from their indices in bytes.
///
/// # Safety
/// The processor has AVX-512 F, `weights` are `[2, 2^NBITS]`, and every byte is below their number.
#[inline(always)]
unsafe fn pick<const NBITS: usize>(weights: *const f32, which: __m128i) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe {
        let which = _mm512_cvtepu8_epi32(which);
        match NBITS {
            4 => {
                let rows = [
                    _mm512_loadu_ps(weights),
                    _mm512_loadu_ps(weights.add(1 << NBITS)),
                ];
                _mm512_permutex2var_ps(rows[0], which, rows[1])
            }
            _ => {
                let all = _mm512_maskz_loadu_ps((1 << (2 << NBITS)) - 1, weights);
                _mm512_permutexvar_ps(which, all)
            }
        }
    }
}
