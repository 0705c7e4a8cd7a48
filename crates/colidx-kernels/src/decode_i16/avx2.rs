//! AVX2: sixteen dimensions in a register, with the bytes of their weights looked up by shuffles.

use std::arch::x86_64::*;

use super::tokens::{self, Decoder, Source};
use super::{CodecI16, STEP};
use crate::codec::spread;

/// Dimensions of a register.
const WIDTH: usize = 16;

tokens::entry_point!("avx2,fma");

/// The weights, for look-ups by `NBITS` bits.
struct Table<'a, const NBITS: usize>(&'a CodecI16);

impl<const NBITS: usize> Table<'_, NBITS> {
    fn new(tables: &CodecI16) -> Table<'_, NBITS> {
        Table(tables)
    }

    /// The weights of the [`STEP`] dimensions, sixteen in each register.
    ///
    /// # Safety
    /// The processor has AVX2, and the step is one of a token's.
    #[inline(always)]
    unsafe fn look_up(&self, from: Source) -> [__m256i; 2] {
        // SAFETY: the caller's promise; there are weights of every gain.
        unsafe {
            if NBITS == 8 {
                let weights = self.0.weights.as_ptr().add(from.gain * (2 << NBITS));
                let found = from.look_up_bytes(weights);
                return [
                    _mm256_loadu_si256(found.as_ptr().cast()),
                    _mm256_loadu_si256(found.as_ptr().add(WIDTH).cast()),
                ];
            }
            let [buckets, rows] = spread::<NBITS>(from.packed, from.before);
            let (buckets, rows) = (in_halves(buckets), in_halves(rows));
            let bytes = self.0.weight_bytes.as_ptr().add(from.gain);
            let of = |at: usize| {
                let table = bytes.cast::<__m128i>().add(at).read_unaligned();
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), buckets)
            };
            let low = _mm256_blendv_epi8(of(0), of(1), rows);
            let high = _mm256_blendv_epi8(of(2), of(3), rows);
            [
                _mm256_unpacklo_epi8(low, high),
                _mm256_unpackhi_epi8(low, high),
            ]
        }
    }
}

/// Swaps the second and third quarter, so that unpacking within 128-bit halves gives the first
/// sixteen of 32 bytes from the lower parts and the others from the upper.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn in_halves(bytes: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes) }
}

// SAFETY: every method is instructions of AVX2.
unsafe impl<const NBITS: usize> Decoder for Table<'_, NBITS> {
    type Sums = __m256i;

    #[inline(always)]
    fn zero() -> __m256i {
        // SAFETY: the register holds any bits.
        unsafe { std::mem::zeroed() }
    }

    #[inline(always)]
    unsafe fn step(&self, from: Source, shift: u32, out: *mut i16, mut sums: __m256i) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe {
            let weights = self.look_up(from);
            let units = in_halves(_mm256_loadu_si256(from.centroid.cast()));
            let zero = _mm256_setzero_si256();
            // As upper bytes, they are multiplied by 256.
            let units = [
                _mm256_unpacklo_epi8(zero, units),
                _mm256_unpackhi_epi8(zero, units),
            ];
            for half in 0..2 {
                let at = half * WIDTH;
                let step = _mm256_loadu_si256(from.steps.add(at).cast());
                let scale = _mm256_loadu_si256(from.scales.add(at).cast());
                let base = _mm256_mulhrs_epi16(units[half], step);
                let residual = _mm256_mulhrs_epi16(weights[half], scale);
                let values = _mm256_add_epi16(base, residual);
                _mm256_storeu_si256(out.add(at).cast(), values);
                let squares = _mm256_madd_epi16(values, values);
                let count = _mm_cvtsi32_si128(shift as i32);
                sums = _mm256_add_epi32(sums, _mm256_srl_epi32(squares, count));
            }
            sums
        }
    }

    #[inline(always)]
    unsafe fn sum(sums: __m256i) -> i32 {
        // SAFETY: the caller's promise.
        unsafe {
            let four = _mm_add_epi32(
                _mm256_castsi256_si128(sums),
                _mm256_extracti128_si256::<1>(sums),
            );
            let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
            _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
        }
    }

    #[inline(always)]
    unsafe fn scale(from: *const i16, factor: i16, to: *mut i16) {
        // SAFETY: the caller's promise.
        unsafe {
            for d in (0..STEP).step_by(WIDTH) {
                let values = _mm256_loadu_si256(from.add(d).cast());
                let scaled = _mm256_mulhrs_epi16(values, _mm256_set1_epi16(factor));
                _mm256_storeu_si256(to.add(d).cast(), scaled);
            }
        }
    }
}
