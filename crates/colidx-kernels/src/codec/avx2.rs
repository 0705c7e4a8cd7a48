//! AVX2: eight dimensions at a time, their weights looked up with one or two permutes.

use std::arch::x86_64::*;

use super::bits::packed_len;
use super::{Codec, scalar};
use crate::Code;

/// Dimensions decoded at a time.
const WIDTH: usize = 8;

/// # Safety
/// The processor has AVX2, FMA and F16C; the slices have the lengths `super::decode` asks for, and every code is below
/// the number of centroids.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn decode<C: Code>(
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match codec.nbits {
            1 => decode_bits::<C, 1>(codec, codes, residuals, out),
            2 => decode_bits::<C, 2>(codec, codes, residuals, out),
            4 => decode_bits::<C, 4>(codec, codes, residuals, out),
            _ => decode_bits::<C, 8>(codec, codes, residuals, out),
        }
    }
}

/// # Safety
/// As [`decode`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn decode_bits<C: Code, const NBITS: usize>(
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [f32],
) {
    let dim = codec.dim;
    let bytes = packed_len(dim, NBITS);
    let whole = dim - dim % WIDTH;
    let table = Table::<NBITS>::new(codec.weights);
    for (t, code) in codes.iter().enumerate() {
        let row = code.index() * dim;
        // SAFETY: token `t` has `bytes` of `residuals` and `dim` floats of `out`, and its code `dim` values of
        // `centroids`; eight dimensions from `d` on take `NBITS` bytes from `d * NBITS / 8` on.
        unsafe {
            let centroid = codec.centroids.as_ptr().add(row);
            let packed = residuals.as_ptr().add(t * bytes);
            let out = out.as_mut_ptr().add(t * dim);
            let mut d = 0;
            while d < whole {
                let base = _mm256_cvtph_ps(_mm_loadu_si128(centroid.add(d).cast()));
                let weight = table.look_up(packed.add(d * NBITS / 8));
                let scale = _mm256_loadu_ps(codec.scales.as_ptr().add(d));
                _mm256_storeu_ps(out.add(d), _mm256_fmadd_ps(scale, weight, base));
                d += WIDTH;
            }
        }
        let packed = &residuals[t * bytes..][..bytes];
        let out = &mut out[t * dim..][..dim];
        scalar::decode_from(codec, whole, &codec.centroids[row..][..dim], packed, out);
    }
}

/// The weights, as the look-up of eight buckets wants them.
#[derive(Clone, Copy)]
struct Table<'a, const NBITS: usize> {
    /// Weights 0 to 7, repeated where there are fewer, so that a permute, which reads three bits of an index, may be
    /// given an index with other buckets in its upper bits. Unused with 8 bits.
    low: __m256,
    /// Weights 8 to 15, with 4 bits.
    high: __m256,
    /// How far each lane shifts its bucket down.
    shifts: __m256i,
    weights: &'a [f32],
}

impl<const NBITS: usize> Table<'_, NBITS> {
    #[target_feature(enable = "avx2")]
    fn new(weights: &[f32]) -> Table<'_, NBITS> {
        let mut low = [0.0; WIDTH];
        let mut high = [0.0; WIDTH];
        let mut shifts = [0; WIDTH];
        for lane in 0..WIDTH {
            low[lane] = weights[lane % weights.len()];
            high[lane] = weights[(WIDTH + lane) % weights.len()];
            shifts[lane] = (lane * NBITS % 32) as i32;
        }
        // SAFETY: the arrays are one register long.
        unsafe {
            Table {
                low: _mm256_loadu_ps(low.as_ptr()),
                high: _mm256_loadu_ps(high.as_ptr()),
                shifts: _mm256_loadu_si256(shifts.as_ptr().cast()),
                weights,
            }
        }
    }

    /// The weights of the eight buckets at `packed`.
    ///
    /// # Safety
    /// `packed` has `NBITS` bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn look_up(&self, packed: *const u8) -> __m256 {
        // SAFETY: the caller's promise; with 8 bits every index is below the 256 weights.
        unsafe {
            let word = match NBITS {
                1 => i32::from(*packed),
                2 => i32::from(packed.cast::<u16>().read_unaligned()),
                4 => packed.cast::<i32>().read_unaligned(),
                _ => {
                    let buckets = _mm256_cvtepu8_epi32(_mm_loadl_epi64(packed.cast()));
                    return _mm256_i32gather_ps::<4>(self.weights.as_ptr(), buckets);
                }
            };
            let index = _mm256_srlv_epi32(_mm256_set1_epi32(word), self.shifts);
            let low = _mm256_permutevar8x32_ps(self.low, index);
            if NBITS < 4 {
                return low;
            }
            let high = _mm256_permutevar8x32_ps(self.high, index);
            // The blend looks at the sign alone: bring bit 3 of the bucket there.
            let pick = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
            _mm256_blendv_ps(low, high, pick)
        }
    }
}
