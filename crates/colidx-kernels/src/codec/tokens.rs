//! The loop over tokens, common to all instruction sets.

use super::bits::packed_len;
use super::{Codec, split};
use crate::Code;

/// A token vector to decode.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    /// Below the number of centroids.
    pub centroid: usize,
    /// Below the number of gains.
    pub gain: usize,
    /// `[packed_len]`.
    pub packed: &'a [u8],
}

/// The entry point of an instruction set, compiled with its instructions. Its module has a
/// `decode_one`, generic over the number of bits.
macro_rules! entry_point {
    ($features:literal) => {
        /// # Safety
        /// The processor has the features; the slices have the lengths that `super::decode` asks
        /// for, and the centroid of every code exists.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn decode<C: $crate::Code>(
            codec: &$crate::Codec,
            codes: &[C],
            residuals: &[u8],
            out: &mut [f32],
        ) {
            for (token, out) in $crate::codec::tokens::tokens(codec, codes, residuals, out) {
                // SAFETY: the processor is the caller's promise, and the token's slices are
                // complete.
                unsafe {
                    match codec.nbits {
                        1 => decode_one::<1>(codec, token, out),
                        2 => decode_one::<2>(codec, token, out),
                        4 => decode_one::<4>(codec, token, out),
                        _ => decode_one::<8>(codec, token, out),
                    }
                }
            }
        }
    };
}
pub(super) use entry_point;

/// The tokens, each with its part of the output, `[dim]`.
#[inline(always)]
pub(super) fn tokens<'a, C: Code>(
    codec: &'a Codec,
    codes: &'a [C],
    residuals: &'a [u8],
    out: &'a mut [f32],
) -> impl Iterator<Item = (Token<'a>, &'a mut [f32])> {
    let packed = residuals.chunks_exact(packed_len(codec.dim, codec.nbits));
    let tokens = codes
        .iter()
        .zip(packed)
        .zip(out.chunks_exact_mut(codec.dim));
    tokens.enumerate().map(|(t, ((&code, packed), out))| {
        codec.fetch(codes, t);
        let (centroid, gain) = split(code);
        let token = Token {
            centroid,
            gain,
            packed,
        };
        (token, out)
    })
}
