//! The reference, and the last dimensions of the SIMD versions.

use super::bits::{packed_len, weight_at};
use super::{Codec, split};
use crate::Code;
use crate::fma::fma;

pub(super) fn decode<C: Code>(codec: &Codec, codes: &[C], residuals: &[u8], out: &mut [f32]) {
    let dim = codec.dim;
    let packed = residuals.chunks_exact(packed_len(dim, codec.nbits));
    for ((code, packed), out) in codes.iter().zip(packed).zip(out.chunks_exact_mut(dim)) {
        let (centroid, gain) = split(*code);
        decode_from(codec, 0, centroid, gain, packed, out);
    }
}

/// Decodes the dimensions of one token vector from `first` on.
#[inline(always)]
pub(super) fn decode_from(
    codec: &Codec,
    first: usize,
    centroid: usize,
    gain: usize,
    packed: &[u8],
    out: &mut [f32],
) {
    let weights = codec.weights_of(gain);
    let centroid = &codec.centroids[centroid * codec.dim..][..codec.dim];
    for j in first..codec.dim {
        let weight = weights[weight_at(packed, codec.nbits, j)];
        let base = codec.steps[j] * f32::from(centroid[j]);
        out[j] = fma(codec.scales[j], weight, base);
    }
}
