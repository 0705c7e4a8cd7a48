//! The oracle, and the last dimensions of the others.

use super::Codec;
use super::bits::{bucket_at, packed_len};
use crate::Code;
use crate::fma::fma;

pub(super) fn decode<C: Code>(codec: &Codec, codes: &[C], residuals: &[u8], out: &mut [f32]) {
    let dim = codec.dim;
    let packed = residuals.chunks_exact(packed_len(dim, codec.nbits));
    for ((code, packed), out) in codes.iter().zip(packed).zip(out.chunks_exact_mut(dim)) {
        let centroid = &codec.centroids[code.index() * dim..][..dim];
        decode_from(codec, 0, centroid, packed, out);
    }
}

/// Decodes the dimensions of one token vector from `first` on.
#[inline(always)]
pub(super) fn decode_from(
    codec: &Codec,
    first: usize,
    centroid: &[i8],
    packed: &[u8],
    out: &mut [f32],
) {
    for j in first..codec.dim {
        let weight = codec.weights[usize::from(bucket_at(packed, codec.nbits, j))];
        let base = codec.steps[j] * f32::from(centroid[j]);
        out[j] = fma(codec.scales[j], weight, base);
    }
}
