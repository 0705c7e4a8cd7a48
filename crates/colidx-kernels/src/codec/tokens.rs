//! Decoding token after token, for all instruction sets alike.

use super::Codec;
use super::bits::packed_len;
use crate::Code;

/// What differs between instruction sets, with the weights as they want them.
///
/// # Safety
/// Callers run on a processor that has the instruction set.
pub(super) unsafe trait Decoder {
    /// Decodes a token vector, `[dim]`; `code` is below the number of centroids, and `packed` `[packed_len]`.
    unsafe fn decode(&self, codec: &Codec, code: usize, packed: &[u8], out: &mut [f32]);
}

/// Gives a level its `super::decode`, compiled with its instructions. The level's [`Decoder`] is its `Table` for a number of bits.
macro_rules! entry_point {
    ($features:literal) => {
        /// # Safety
        /// The processor has the features; the slices have the lengths `super::decode` asks for, and every code is below the
        /// number of centroids.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn decode<C: $crate::Code>(
            codec: &$crate::Codec,
            codes: &[C],
            residuals: &[u8],
            out: &mut [f32],
        ) {
            use $crate::codec::tokens::decode;
            // SAFETY: the caller's promise.
            unsafe {
                match codec.nbits {
                    1 => decode(
                        &Table::<1>::new(codec.weights),
                        codec,
                        codes,
                        residuals,
                        out,
                    ),
                    2 => decode(
                        &Table::<2>::new(codec.weights),
                        codec,
                        codes,
                        residuals,
                        out,
                    ),
                    4 => decode(
                        &Table::<4>::new(codec.weights),
                        codec,
                        codes,
                        residuals,
                        out,
                    ),
                    _ => decode(
                        &Table::<8>::new(codec.weights),
                        codec,
                        codes,
                        residuals,
                        out,
                    ),
                }
            }
        }
    };
}
pub(super) use entry_point;

/// # Safety
/// The processor has the decoder's instruction set; the slices have the lengths `super::decode` asks for, and every code is
/// below the number of centroids.
#[inline(always)]
pub(super) unsafe fn decode<D: Decoder, C: Code>(
    decoder: &D,
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [f32],
) {
    let packed = residuals.chunks_exact(packed_len(codec.dim, codec.nbits));
    let tokens = codes
        .iter()
        .zip(packed)
        .zip(out.chunks_exact_mut(codec.dim));
    for (t, ((code, packed), out)) in tokens.enumerate() {
        codec.fetch(codes, t);
        // SAFETY: the code is below the number of centroids, and the slices are one token's.
        unsafe { decoder.decode(codec, code.index(), packed, out) };
    }
}
