//! AVX-512: a whole step in a register, with weights looked up by 16-bit indices.

use std::arch::x86_64::*;

use super::CodecI16;
use super::tokens::{self, Decoder, Source};
use crate::codec::buckets_and_rows;

tokens::entry_point!("avx512f,avx512bw,avx512vl");

/// The weights, for look-ups by `NBITS` bits.
struct Table<'a, const NBITS: usize>(&'a CodecI16);

impl<const NBITS: usize> Table<'_, NBITS> {
    fn new(tables: &CodecI16) -> Table<'_, NBITS> {
        Table(tables)
    }

    /// The weights of the [`STEP`](super::STEP) dimensions.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VL, and the step is one of a token's.
    #[inline(always)]
    unsafe fn look_up(&self, from: Source) -> __m512i {
        // SAFETY: the caller's promise; there are weights of every gain.
        unsafe {
            let weights = self.0.weights.as_ptr().add(from.gain * (2 << NBITS));
            if NBITS == 8 {
                return gather(weights, from);
            }
            let [buckets, rows] = buckets_and_rows::<NBITS>(from.packed, from.before);
            // Widen each byte to one 16-bit index per dimension, then shift each bucket to the
            // lowest bits of its own index and each row to the bit above.
            let [buckets, rows] = match NBITS {
                1 => {
                    let buckets = _mm_cvtsi128_si32(buckets).cast_unsigned();
                    let rows = _mm_cvtsi128_si32(rows).cast_unsigned();
                    [
                        _mm512_maskz_mov_epi16(buckets, _mm512_set1_epi16(1)),
                        _mm512_maskz_mov_epi16(rows, _mm512_set1_epi16(2)),
                    ]
                }
                2 => {
                    let x = _mm512_cvtepu8_epi64(buckets);
                    let x = _mm512_or_si512(x, _mm512_slli_epi64::<28>(x));
                    let y = _mm512_slli_epi64::<2>(_mm512_cvtepu8_epi64(rows));
                    let y = _mm512_or_si512(y, _mm512_slli_epi64::<28>(y));
                    [
                        _mm512_or_si512(x, _mm512_slli_epi64::<14>(x)),
                        _mm512_or_si512(y, _mm512_slli_epi64::<14>(y)),
                    ]
                }
                _ => {
                    let x = _mm512_cvtepu8_epi32(buckets);
                    let y = _mm512_slli_epi32::<4>(_mm512_cvtepu8_epi32(rows));
                    [
                        _mm512_or_si512(x, _mm512_slli_epi32::<12>(x)),
                        _mm512_or_si512(y, _mm512_slli_epi32::<12>(y)),
                    ]
                }
            };
            let bucket = _mm512_set1_epi16((1 << NBITS) - 1);
            let row = _mm512_set1_epi16(1 << NBITS);
            let which = _mm512_or_si512(
                _mm512_and_si512(buckets, bucket),
                _mm512_and_si512(rows, row),
            );
            let all = 1u64 << (2 << NBITS);
            let weights = _mm512_maskz_loadu_epi16((all - 1) as __mmask32, weights);
            _mm512_permutexvar_epi16(which, weights)
        }
    }
}

/// The weights of the [`STEP`](super::STEP) dimensions of 8 bits, from `weights`, `[2, 2^8]`, with
/// one more number readable after them.
///
/// # Safety
/// The processor has AVX-512 F, BW and VL, and the step is one of a token's.
#[inline(always)]
unsafe fn gather(weights: *const i16, from: Source) -> __m512i {
    // SAFETY: the caller's promise. Bytes that are masked are not read, and those before the
    // token's are. Each index is below the number of weights.
    unsafe {
        let all = if from.before == 0 { 0 } else { !0 };
        let bytes = _mm256_loadu_si256(from.packed.cast());
        let one = _mm256_maskz_loadu_epi8(all | !0 << 1, from.packed.wrapping_sub(1).cast());
        let two = _mm256_maskz_loadu_epi8(all | !0 << 2, from.packed.wrapping_sub(2).cast());
        let lowest = _mm256_set1_epi8(1);
        let buckets = _mm256_xor_si256(bytes, _mm256_and_si256(two, lowest));
        let buckets = _mm512_cvtepu8_epi16(buckets);
        let rows = _mm512_cvtepu8_epi16(_mm256_and_si256(one, lowest));
        let which = _mm512_or_si512(buckets, _mm512_slli_epi16::<8>(rows));
        // Gather two neighbouring dimensions separately, each with the number after it.
        let even = _mm512_and_si512(which, _mm512_set1_epi32(0xffff));
        let even = _mm512_i32gather_epi32::<2>(even, weights.cast());
        let odd = _mm512_srli_epi32::<16>(which);
        let odd = _mm512_i32gather_epi32::<2>(odd, weights.cast());
        _mm512_mask_blend_epi16(0xaaaa_aaaa, even, _mm512_slli_epi32::<16>(odd))
    }
}

// SAFETY: every method is instructions of AVX-512 F and BW.
unsafe impl<const NBITS: usize> Decoder for Table<'_, NBITS> {
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
            let residual = _mm512_mulhrs_epi16(self.look_up(from), scale);
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
