//! Shared by AVX2 and AVX-512, here and in `decode_i16`: the bits of 32 dimensions at a time.

use std::arch::x86_64::*;

use super::bits::lowest_bits;

/// The bits of 32 dimensions of 1, 2 or 4 bits: their buckets, and at the buckets' lowest bits the
/// rows of weights. Bits above the `4 * NBITS` bytes are undefined.
///
/// # Safety
/// These bytes are at `packed`, preceded by `before` bytes of the same token vector, none or at
/// least two.
#[inline(always)]
pub(crate) unsafe fn buckets_and_rows<const NBITS: usize>(
    packed: *const u8,
    before: usize,
) -> [__m128i; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let load = |at: *const u8| match NBITS {
            1 => _mm_cvtsi32_si128(at.cast::<i32>().read_unaligned()),
            2 => _mm_loadl_epi64(at.cast()),
            _ => _mm_loadu_si128(at.cast()),
        };
        let bytes = load(packed);
        let [one, two] = match before {
            0 => [_mm_slli_si128::<1>(bytes), _mm_slli_si128::<2>(bytes)],
            _ => [load(packed.sub(1)), load(packed.sub(2))],
        };
        let lowest = _mm_set1_epi8(lowest_bits(NBITS).cast_signed());
        let buckets = _mm_xor_si128(bytes, _mm_and_si128(two, lowest));
        [buckets, _mm_and_si128(one, lowest)]
    }
}

/// The same with one byte per dimension: its bucket, and its row in the highest bit. Other bits of
/// the row are undefined.
///
/// # Safety
/// The processor has AVX2; otherwise as [`buckets_and_rows`].
#[inline(always)]
pub(crate) unsafe fn spread<const NBITS: usize>(packed: *const u8, before: usize) -> [__m256i; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let [buckets, rows] = buckets_and_rows::<NBITS>(packed, before);
        // Widen each byte to one byte per dimension, then shift each bucket to the lowest bits of
        // its own byte and each row to the highest bit. Other bits are masked, or lower.
        match NBITS {
            1 => {
                let x = _mm256_cvtepu8_epi64(buckets);
                let x = _mm256_or_si256(x, _mm256_slli_epi64::<28>(x));
                let x = _mm256_or_si256(x, _mm256_slli_epi64::<14>(x));
                let x = _mm256_or_si256(x, _mm256_slli_epi64::<7>(x));
                let y = _mm256_slli_epi64::<7>(_mm256_cvtepu8_epi64(rows));
                let y = _mm256_or_si256(y, _mm256_slli_epi64::<28>(y));
                let y = _mm256_or_si256(y, _mm256_slli_epi64::<14>(y));
                let y = _mm256_or_si256(y, _mm256_slli_epi64::<7>(y));
                [_mm256_and_si256(x, _mm256_set1_epi8(0x01)), y]
            }
            2 => {
                let x = _mm256_cvtepu8_epi32(buckets);
                let x = _mm256_or_si256(x, _mm256_slli_epi32::<12>(x));
                let x = _mm256_or_si256(x, _mm256_slli_epi32::<6>(x));
                let y = _mm256_slli_epi32::<7>(_mm256_cvtepu8_epi32(rows));
                let y = _mm256_or_si256(y, _mm256_slli_epi32::<12>(y));
                let y = _mm256_or_si256(y, _mm256_slli_epi32::<6>(y));
                [_mm256_and_si256(x, _mm256_set1_epi8(0x03)), y]
            }
            _ => {
                let x = _mm256_cvtepu8_epi16(buckets);
                let x = _mm256_or_si256(x, _mm256_slli_epi16::<4>(x));
                let y = _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(rows));
                let y = _mm256_or_si256(y, _mm256_slli_epi16::<4>(y));
                [_mm256_and_si256(x, _mm256_set1_epi8(0x0f)), y]
            }
        }
    }
}

/// The weight of each of the 32 dimensions at `packed`, as an index in one byte.
///
/// # Safety
/// The processor has AVX2, there are `4 * NBITS` bytes at `packed` and `before` before it, none or
/// at least two.
#[inline(always)]
pub(super) unsafe fn which_of_32<const NBITS: usize>(packed: *const u8, before: usize) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let [buckets, rows] = spread::<NBITS>(packed, before);
        let row = _mm256_set1_epi8(1 << NBITS);
        let rows = match NBITS {
            1 => _mm256_srli_epi16::<6>(rows),
            2 => _mm256_srli_epi16::<5>(rows),
            _ => _mm256_srli_epi16::<3>(rows),
        };
        _mm256_or_si256(buckets, _mm256_and_si256(rows, row))
    }
}
