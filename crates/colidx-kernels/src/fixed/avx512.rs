//! AVX-512: all dimensions of a step in a register, their weights looked up by 16-bit indices, of which the look-up takes but the
//! lowest bits.

use std::arch::x86_64::*;

use super::tokens::{self, Decoder, Source};
use super::{FixedPoint, STEP};

/// Bits of a bucket by which a look-up chooses within two registers of weights; those above choose among the registers.
const NEAR_BITS: usize = 6;

tokens::entry_point!("avx512f,avx512bw,avx512vl");

/// The weights, as their look-up wants them.
struct Table<const NBITS: usize> {
    /// The weight of bucket `i` at `i`, over and over where there are fewer than a register holds. With fewer than 8 bits, the first
    /// is all that is used.
    weights: [__m512i; 8],
}

impl<const NBITS: usize> Table<NBITS> {
    #[target_feature(enable = "avx512f")]
    fn new(fixed: &FixedPoint) -> Table<NBITS> {
        let mut all = [0; 8 * STEP];
        for (to, weight) in all.iter_mut().zip(fixed.weights.iter().cycle()) {
            *to = *weight;
        }
        // SAFETY: the registers are the array.
        let weights = unsafe { all.as_ptr().cast::<[__m512i; 8]>().read_unaligned() };
        Table { weights }
    }

    /// The weights of the [`STEP`] buckets at `packed`.
    ///
    /// # Safety
    /// The processor has AVX-512 F and BW, and `packed` has `4 * NBITS` bytes.
    #[inline(always)]
    unsafe fn look_up(&self, packed: *const u8) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            // Each byte widened to the room of as many indices as it has buckets, then each bucket shifted to the lowest bits of its own.
            let buckets = match NBITS {
                1 => {
                    let one = _mm512_set1_epi16(1);
                    _mm512_maskz_mov_epi16(packed.cast::<u32>().read_unaligned(), one)
                }
                2 => {
                    let x = _mm512_cvtepu8_epi64(_mm_loadl_epi64(packed.cast()));
                    let x = _mm512_or_si512(x, _mm512_slli_epi64::<28>(x));
                    _mm512_or_si512(x, _mm512_slli_epi64::<14>(x))
                }
                4 => {
                    let x = _mm512_cvtepu8_epi32(_mm_loadu_si128(packed.cast()));
                    _mm512_or_si512(x, _mm512_slli_epi32::<12>(x))
                }
                _ => return self.look_up_bytes(packed),
            };
            _mm512_permutexvar_epi16(buckets, self.weights[0])
        }
    }

    /// The weights of the [`STEP`] buckets of 8 bits at `packed`.
    ///
    /// # Safety
    /// As [`look_up`](Self::look_up).
    #[inline(always)]
    unsafe fn look_up_bytes(&self, packed: *const u8) -> __m512i {
        let w = &self.weights;
        // SAFETY: the caller's promise.
        unsafe {
            let buckets = _mm512_cvtepu8_epi16(_mm256_loadu_si256(packed.cast()));
            let bit = |at: usize| _mm512_test_epi16_mask(buckets, _mm512_set1_epi16(1 << at));
            let (next, upper) = (bit(NEAR_BITS), bit(NEAR_BITS + 1));
            let of = |at: usize| _mm512_permutex2var_epi16(w[at], buckets, w[at + 1]);
            let low = _mm512_mask_blend_epi16(next, of(0), of(2));
            let high = _mm512_mask_blend_epi16(next, of(4), of(6));
            _mm512_mask_blend_epi16(upper, low, high)
        }
    }
}

// SAFETY: every method is instructions of AVX-512 F and BW.
unsafe impl<const NBITS: usize> Decoder for Table<NBITS> {
    type Sums = __m512i;

    #[inline(always)]
    fn zero() -> __m512i {
        // SAFETY: the register holds any bits.
        unsafe { std::mem::zeroed() }
    }

    #[inline(always)]
    unsafe fn step(&self, from: Source, shift: u32, out: *mut i16, sums: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let units = _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.centroid.cast()));
            let step = _mm512_loadu_si512(from.steps.cast());
            let scale = _mm512_loadu_si512(from.scales.cast());
            let base = _mm512_mulhrs_epi16(_mm512_slli_epi16::<8>(units), step);
            let residual = _mm512_mulhrs_epi16(self.look_up(from.packed), scale);
            let values = _mm512_add_epi16(base, residual);
            _mm512_storeu_si512(out.cast(), values);
            let squares = _mm512_madd_epi16(values, values);
            let count = _mm_cvtsi32_si128(shift as i32);
            _mm512_add_epi32(sums, _mm512_srl_epi32(squares, count))
        }
    }

    #[inline(always)]
    unsafe fn sum(sums: __m512i) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_reduce_add_epi32(sums) }
    }

    #[inline(always)]
    unsafe fn scale(from: *const i16, factor: i16, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            let values = _mm512_loadu_si512(from.cast());
            let scaled = _mm512_mulhrs_epi16(values, _mm512_set1_epi16(factor));
            _mm512_storeu_si512(to.cast(), scaled);
        }
    }
}
