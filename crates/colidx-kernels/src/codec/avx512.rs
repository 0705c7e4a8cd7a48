//! AVX-512: sixteen dimensions at a time, their weights looked up with one permute.

use std::arch::x86_64::*;

use super::Codec;
use super::tokens::{self, Decoder};

/// Dimensions decoded at a time.
const WIDTH: usize = 16;

tokens::entry_point!("avx512f,avx512bw,avx512vl,avx2,fma");

// SAFETY: the method is instructions of AVX-512 F, BW and VL, AVX2 and FMA.
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
/// The processor has AVX-512 F, BW and VL; the slices have these lengths, and `code` is below the number of centroids.
#[inline(always)]
unsafe fn decode_one<const NBITS: usize>(
    codec: &Codec,
    table: &Table<'_, NBITS>,
    code: usize,
    packed: &[u8],
    out: &mut [f32],
) {
    let dim = codec.dim;
    let tail = dim % WIDTH;
    let mask: __mmask16 = (1 << tail) - 1;
    // SAFETY: the code has `dim` values of `centroids`; sixteen dimensions from `d` on take `2 * NBITS` bytes from
    // `d * NBITS / 8` on.
    unsafe {
        let centroid = codec.centroids.as_ptr().add(code * dim);
        let bytes = packed.len();
        let (packed, out) = (packed.as_ptr(), out.as_mut_ptr());
        let mut d = 0;
        while d + WIDTH <= dim {
            let units = _mm512_cvtepi8_epi32(_mm_loadu_si128(centroid.add(d).cast()));
            let step = _mm512_loadu_ps(codec.steps.as_ptr().add(d));
            let base = _mm512_mul_ps(step, _mm512_cvtepi32_ps(units));
            let weight = table.look_up(packed.add(d * NBITS / 8));
            let scale = _mm512_loadu_ps(codec.scales.as_ptr().add(d));
            _mm512_storeu_ps(out.add(d), _mm512_fmadd_ps(scale, weight, base));
            d += WIDTH;
        }
        if tail > 0 {
            let mut last = [0u8; WIDTH];
            let start = d * NBITS / 8;
            std::ptr::copy_nonoverlapping(packed.add(start), last.as_mut_ptr(), bytes - start);
            let units = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, centroid.add(d)));
            let step = _mm512_maskz_loadu_ps(mask, codec.steps.as_ptr().add(d));
            let base = _mm512_mul_ps(step, _mm512_cvtepi32_ps(units));
            let weight = table.look_up(last.as_ptr());
            let scale = _mm512_maskz_loadu_ps(mask, codec.scales.as_ptr().add(d));
            let value = _mm512_fmadd_ps(scale, weight, base);
            _mm512_mask_storeu_ps(out.add(d), mask, value);
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
            repeated[lane] = weights[lane % (1 << NBITS)];
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
    #[inline(always)]
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
