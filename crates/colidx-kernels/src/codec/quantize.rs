//! Residuals to packed buckets: the encoder's side of the codec.

use super::bits::{assert_nbits, pack_bytes, packed_len};

/// Dimensions whose buckets are found together.
const CHUNK: usize = 64;

/// Quantizes the residual of one token vector, `[dim]`: the bucket of dimension `d` is the number of `cutoffs`,
/// `[2^nbits - 1]` ascending, that are `<= residual[d] * inv_scales[d]`. The buckets are packed into `out` as by
/// [`pack`](crate::pack).
///
/// # Panics
/// If `nbits` is not 1, 2, 4 or 8, or a slice has another length; `out` is [`packed_len`] long.
pub fn quantize(
    residual: &[f32],
    cutoffs: &[f32],
    inv_scales: &[f32],
    nbits: usize,
    out: &mut [u8],
) {
    assert_nbits(nbits);
    assert_eq!(
        cutoffs.len(),
        (1 << nbits) - 1,
        "`cutoffs` is [2^nbits - 1]"
    );
    assert_eq!(inv_scales.len(), residual.len(), "`inv_scales` is [dim]");
    assert_eq!(
        out.len(),
        packed_len(residual.len(), nbits),
        "`out` is packed_len(dim, nbits)"
    );
    let chunks = residual
        .chunks(CHUNK)
        .zip(inv_scales.chunks(CHUNK))
        .zip(out.chunks_mut(CHUNK * nbits / 8));
    for ((residual, inv_scales), out) in chunks {
        let mut buckets = [0; CHUNK];
        let buckets = &mut buckets[..residual.len()];
        match nbits {
            8 => search(residual, cutoffs, inv_scales, buckets),
            _ => count(residual, cutoffs, inv_scales, buckets),
        }
        match nbits {
            1 => pack_bytes::<1>(buckets, out),
            2 => pack_bytes::<2>(buckets, out),
            4 => pack_bytes::<4>(buckets, out),
            _ => out.copy_from_slice(buckets),
        }
    }
}

/// Few cutoffs: compare every dimension with each of them, which the compiler turns into SIMD.
fn count(residual: &[f32], cutoffs: &[f32], inv_scales: &[f32], buckets: &mut [u8]) {
    let mut values = [0.0; CHUNK];
    let values = &mut values[..residual.len()];
    for ((value, r), s) in values.iter_mut().zip(residual).zip(inv_scales) {
        *value = r * s;
    }
    for cutoff in cutoffs {
        for (bucket, value) in buckets.iter_mut().zip(&*values) {
            *bucket += u8::from(cutoff <= value);
        }
    }
}

/// Many cutoffs: binary search.
fn search(residual: &[f32], cutoffs: &[f32], inv_scales: &[f32], buckets: &mut [u8]) {
    for ((bucket, r), s) in buckets.iter_mut().zip(residual).zip(inv_scales) {
        let value = r * s;
        *bucket = cutoffs.partition_point(|&cutoff| cutoff <= value) as u8;
    }
}
