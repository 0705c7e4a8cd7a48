//! AVX2: eight dimensions at a time, their weights looked up with a permute or, with 4 bits, 32 together with byte shuffles.

use std::arch::x86_64::*;

use super::tokens::{self, Decoder};
use super::{Codec, scalar};

/// Dimensions of a register.
const WIDTH: usize = 8;

tokens::entry_point!("avx2,fma");

// SAFETY: the method is instructions of AVX2 and FMA.
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
/// The processor has AVX2 and FMA; the slices have these lengths, and `code` is below the number of centroids.
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
    let mut d = 0;
    // SAFETY: the code has `dim` values of `centroids`; `n` dimensions from `d` on take `n * NBITS / 8` bytes from
    // `d * NBITS / 8` on.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(row);
        let mut put = |d: usize, weight: __m256| {
            let units = _mm256_cvtepi8_epi32(_mm_loadl_epi64(centroid.add(d).cast()));
            let step = _mm256_loadu_ps(codec.steps.as_ptr().add(d));
            let base = _mm256_mul_ps(step, _mm256_cvtepi32_ps(units));
            let scale = _mm256_loadu_ps(codec.scales.as_ptr().add(d));
            let value = _mm256_fmadd_ps(scale, weight, base);
            _mm256_storeu_ps(out.as_mut_ptr().add(d), value);
        };
        if NBITS == 4 {
            while d + 4 * WIDTH <= dim {
                let weights = table.look_up_nibbles(packed.as_ptr().add(d / 2));
                for (i, weight) in weights.into_iter().enumerate() {
                    put(d + i * WIDTH, weight);
                }
                d += 4 * WIDTH;
            }
        }
        while d + WIDTH <= dim {
            put(d, table.look_up(packed.as_ptr().add(d * NBITS / 8)));
            d += WIDTH;
        }
    }
    scalar::decode_from(codec, d, &codec.centroids[row..][..dim], packed, out);
}

/// The weights, as their look-up wants them.
#[derive(Clone, Copy)]
struct Table<'a, const NBITS: usize> {
    /// Weights 0 to 7, repeated where there are fewer. Unused with 8 bits.
    low: __m256,
    /// Weights 8 to 15, with 4 bits.
    high: __m256,
    /// How far each lane shifts its bucket: up to the sign with 1 bit, else down.
    shifts: __m256i,
    /// Byte `k` of each of sixteen weights in both halves of register `k`, with 4 bits.
    bytes: [__m256i; 4],
    weights: &'a [f32],
}

impl<const NBITS: usize> Table<'_, NBITS> {
    #[target_feature(enable = "avx2")]
    fn new(weights: &[f32]) -> Table<'_, NBITS> {
        // A remainder that is known now takes no division.
        let weight = |i: usize| weights[i % (1 << NBITS)];
        let low: [f32; WIDTH] = std::array::from_fn(weight);
        let high: [f32; WIDTH] = std::array::from_fn(|lane| weight(WIDTH + lane));
        let shifts: [i32; WIDTH] = std::array::from_fn(|lane| match NBITS {
            1 => 31 - lane as i32,
            _ => (lane * NBITS % 32) as i32,
        });
        let mut bytes = [[0u8; 32]; 4];
        if NBITS == 4 {
            for i in 0..32 {
                for (bytes, byte) in bytes.iter_mut().zip(weight(i).to_le_bytes()) {
                    bytes[i] = byte;
                }
            }
        }
        // SAFETY: the arrays are one register long.
        unsafe {
            Table {
                low: _mm256_loadu_ps(low.as_ptr()),
                high: _mm256_loadu_ps(high.as_ptr()),
                shifts: _mm256_loadu_si256(shifts.as_ptr().cast()),
                bytes: [
                    _mm256_loadu_si256(bytes[0].as_ptr().cast()),
                    _mm256_loadu_si256(bytes[1].as_ptr().cast()),
                    _mm256_loadu_si256(bytes[2].as_ptr().cast()),
                    _mm256_loadu_si256(bytes[3].as_ptr().cast()),
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
    unsafe fn look_up(&self, packed: *const u8) -> __m256 {
        // SAFETY: the caller's promise; with 8 bits every index is below the 256 weights.
        unsafe {
            match NBITS {
                // Choices look at the sign alone, and permutes within halves at two bits: other buckets may be above.
                1 => {
                    let word = _mm256_set1_epi32(i32::from(*packed));
                    let pick = _mm256_castsi256_ps(_mm256_sllv_epi32(word, self.shifts));
                    let other = _mm256_permute_ps::<0b01_01_01_01>(self.low);
                    let first = _mm256_permute_ps::<0>(self.low);
                    _mm256_blendv_ps(first, other, pick)
                }
                2 => {
                    let word = i32::from(packed.cast::<u16>().read_unaligned());
                    let index = _mm256_srlv_epi32(_mm256_set1_epi32(word), self.shifts);
                    _mm256_permutevar_ps(self.low, index)
                }
                4 => {
                    let word = _mm256_set1_epi32(packed.cast::<i32>().read_unaligned());
                    let index = _mm256_srlv_epi32(word, self.shifts);
                    let low = _mm256_permutevar8x32_ps(self.low, index);
                    let high = _mm256_permutevar8x32_ps(self.high, index);
                    // Bring bit 3 of the bucket to the sign.
                    let pick = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
                    _mm256_blendv_ps(low, high, pick)
                }
                _ => {
                    // Loads one by one, as processors without a fast gather have three of them a cycle.
                    let word = packed.cast::<u64>().read_unaligned();
                    let weight = |i: usize| {
                        let bucket = (word >> (8 * i)) as u8;
                        self.weights.as_ptr().add(usize::from(bucket))
                    };
                    let four = |i: usize| {
                        let a = _mm_load_ss(weight(i));
                        let a = _mm_insert_ps::<0x10>(a, _mm_load_ss(weight(i + 1)));
                        let a = _mm_insert_ps::<0x20>(a, _mm_load_ss(weight(i + 2)));
                        _mm_insert_ps::<0x30>(a, _mm_load_ss(weight(i + 3)))
                    };
                    _mm256_set_m128(four(4), four(0))
                }
            }
        }
    }

    /// The weights of the 32 buckets of 4 bits at `packed`, found byte by byte.
    ///
    /// # Safety
    /// `packed` has 16 bytes.
    #[inline(always)]
    unsafe fn look_up_nibbles(&self, packed: *const u8) -> [__m256; 4] {
        // SAFETY: the caller's promise.
        unsafe {
            let packed = _mm256_broadcastsi128_si256(_mm_loadu_si128(packed.cast()));
            // Two bytes of every four in each half, as its interleaved results are half of a register of weights; -1
            // gives 0.
            let order = _mm256_setr_epi8(
                0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1, //
                2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15, -1,
            );
            let words = _mm256_shuffle_epi8(packed, order);
            let buckets = _mm256_or_si256(words, _mm256_slli_epi16::<4>(words));
            let buckets = _mm256_and_si256(buckets, _mm256_set1_epi8(0x0f));
            let [a, b, c, d] = self.bytes;
            let (a, b) = (
                _mm256_shuffle_epi8(a, buckets),
                _mm256_shuffle_epi8(b, buckets),
            );
            let (c, d) = (
                _mm256_shuffle_epi8(c, buckets),
                _mm256_shuffle_epi8(d, buckets),
            );
            let (ab, cd) = (_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
            let (low, next) = (_mm256_unpacklo_epi16(ab, cd), _mm256_unpackhi_epi16(ab, cd));
            let (ab, cd) = (_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
            let (third, last) = (_mm256_unpacklo_epi16(ab, cd), _mm256_unpackhi_epi16(ab, cd));
            [
                _mm256_castsi256_ps(low),
                _mm256_castsi256_ps(next),
                _mm256_castsi256_ps(third),
                _mm256_castsi256_ps(last),
            ]
        }
    }
}
