//! What AVX2 and AVX-512 have in common.

use std::arch::x86_64::*;

use super::STEP;
use super::tokens::Source;
use crate::codec::{lowest_bits, whole_bytes};

/// The bits of [`STEP`] dimensions of 1, 2 or 4 bits: the buckets, and where their lowest bits are, which row of weights each is of.
/// What is above the dimensions' `4 * NBITS` bytes means nothing.
///
/// # Safety
/// These bytes are at `from.packed`, and before them what [`Source`] says.
#[inline(always)]
pub(super) unsafe fn buckets_and_rows<const NBITS: usize>(from: Source) -> [__m128i; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        let load = |at: *const u8| match NBITS {
            1 => _mm_cvtsi32_si128(at.cast::<i32>().read_unaligned()),
            2 => _mm_loadl_epi64(at.cast()),
            _ => _mm_loadu_si128(at.cast()),
        };
        let bytes = load(from.packed);
        let [one, two] = match from.before {
            0 => [_mm_slli_si128::<1>(bytes), _mm_slli_si128::<2>(bytes)],
            _ => [load(from.packed.sub(1)), load(from.packed.sub(2))],
        };
        let lowest = _mm_set1_epi8(lowest_bits(NBITS).cast_signed());
        let buckets = _mm_xor_si128(bytes, _mm_and_si128(two, lowest));
        [buckets, _mm_and_si128(one, lowest)]
    }
}

/// The weights of [`STEP`] dimensions of 8 bits, of `weights`, `[2, 2^8]`.
///
/// # Safety
/// So many bytes are at `from.packed`, and before them what [`Source`] says.
#[inline(always)]
pub(super) unsafe fn look_up_bytes(weights: *const i16, from: Source) -> [i16; STEP] {
    let mut found = [0; STEP];
    // SAFETY: the caller's promise; every index is below the number of weights.
    unsafe {
        let which = whole_bytes::<STEP>(from.packed, from.before);
        for (found, which) in found.iter_mut().zip(which) {
            *found = *weights.add(usize::from(which));
        }
    }
    found
}
