//! AVX-512: sixteen dimensions at a time, their weights looked up with one permute.

use std::arch::x86_64::*;

use super::Codec;
use super::bits::packed_len;
use crate::Code;

/// Dimensions decoded at a time.
const WIDTH: usize = 16;

/// Tokens whose centroid is fetched ahead of its use.
const AHEAD: usize = 8;

/// # Safety
/// The processor has AVX-512 F, BW and VL and F16C; the slices have the lengths `super::decode` asks for, and every code
/// is below the number of centroids.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")]
unsafe fn decode_bits<C: Code, const NBITS: usize>(
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [f32],
) {
    let dim = codec.dim;
    let bytes = packed_len(dim, NBITS);
    let tail = dim % WIDTH;
    let mask: __mmask16 = (1 << tail) - 1;
    let table = Table::<NBITS>::new(codec.weights);
    // SAFETY: token `t` has `bytes` of `residuals` and `dim` floats of `out`, and its code `dim` values of `centroids`;
    // sixteen dimensions from `d` on take `2 * NBITS` bytes from `d * NBITS / 8` on.
    unsafe {
        for (t, code) in codes.iter().enumerate() {
            if let Some(next) = codes.get(t + AHEAD) {
                let centroid = codec.centroids.as_ptr().add(next.index() * dim);
                for line in 0..(2 * dim).div_ceil(64) {
                    _mm_prefetch::<_MM_HINT_T0>(centroid.cast::<i8>().add(line * 64));
                }
            }
            let centroid = codec.centroids.as_ptr().add(code.index() * dim);
            let packed = residuals.as_ptr().add(t * bytes);
            let out = out.as_mut_ptr().add(t * dim);
            let mut d = 0;
            while d + WIDTH <= dim {
                let base = _mm512_cvtph_ps(_mm256_loadu_si256(centroid.add(d).cast()));
                let weight = table.look_up(packed.add(d * NBITS / 8));
                let scale = _mm512_loadu_ps(codec.scales.as_ptr().add(d));
                _mm512_storeu_ps(out.add(d), _mm512_fmadd_ps(scale, weight, base));
                d += WIDTH;
            }
            if tail > 0 {
                let mut last = [0u8; WIDTH];
                let start = d * NBITS / 8;
                std::ptr::copy_nonoverlapping(packed.add(start), last.as_mut_ptr(), bytes - start);
                let base = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, centroid.add(d).cast()));
                let weight = table.look_up(last.as_ptr());
                let scale = _mm512_maskz_loadu_ps(mask, codec.scales.as_ptr().add(d));
                let value = _mm512_fmadd_ps(scale, weight, base);
                _mm512_mask_storeu_ps(out.add(d), mask, value);
            }
        }
    }
}

/// The weights, as the look-up of sixteen buckets wants them.
#[derive(Clone, Copy)]
struct Table<'a, const NBITS: usize> {
    /// The weights repeated to sixteen, so that a permute, which reads four bits of an index, may be given an index
    /// with other buckets in its upper bits. Unused with 8 bits.
    repeated: __m512,
    /// How far each lane shifts its bucket down.
    shifts: __m512i,
    weights: &'a [f32],
}

impl<const NBITS: usize> Table<'_, NBITS> {
    #[target_feature(enable = "avx512f")]
    fn new(weights: &[f32]) -> Table<'_, NBITS> {
        let mut repeated = [0.0; WIDTH];
        let mut shifts = [0; WIDTH];
        for lane in 0..WIDTH {
            repeated[lane] = weights[lane % weights.len()];
            shifts[lane] = (lane * NBITS % 32) as i32;
        }
        // SAFETY: both arrays are one register long.
        unsafe {
            Table {
                repeated: _mm512_loadu_ps(repeated.as_ptr()),
                shifts: _mm512_loadu_si512(shifts.as_ptr().cast()),
                weights,
            }
        }
    }

    /// The weights of the sixteen buckets at `packed`.
    ///
    /// # Safety
    /// `packed` has `2 * NBITS` bytes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn look_up(&self, packed: *const u8) -> __m512 {
        // SAFETY: the caller's promise; with 8 bits every index is below the 256 weights.
        unsafe {
            let words = match NBITS {
                1 => _mm512_set1_epi32(i32::from(packed.cast::<u16>().read_unaligned())),
                2 => _mm512_set1_epi32(packed.cast::<i32>().read_unaligned()),
                4 => _mm512_inserti64x4::<1>(
                    _mm512_set1_epi32(packed.cast::<i32>().read_unaligned()),
                    _mm256_set1_epi32(packed.add(4).cast::<i32>().read_unaligned()),
                ),
                _ => {
                    let buckets = _mm512_cvtepu8_epi32(_mm_loadu_si128(packed.cast()));
                    return _mm512_i32gather_ps::<4>(buckets, self.weights.as_ptr());
                }
            };
            _mm512_permutexvar_ps(_mm512_srlv_epi32(words, self.shifts), self.repeated)
        }
    }
}
