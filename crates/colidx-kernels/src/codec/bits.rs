//! Packed buckets: dimension `j` of a token vector lies in bits `[j * nbits, (j + 1) * nbits)`, least significant first.

/// Bytes of one token vector's residual, `ceil(dim * nbits / 8)`.
pub fn packed_len(dim: usize, nbits: usize) -> usize {
    (dim * nbits).div_ceil(8)
}

pub(super) fn assert_nbits(nbits: usize) {
    assert!(
        matches!(nbits, 1 | 2 | 4 | 8),
        "residuals have 1, 2, 4 or 8 bits a dimension, not {nbits}"
    );
}

/// Packs the buckets of one token vector, `[dim]`; the spare bits of the last byte are zero.
///
/// # Panics
/// If `nbits` is not 1, 2, 4 or 8, a bucket is not below `2^nbits`, or `out` is not [`packed_len`] long.
pub fn pack(buckets: &[u8], nbits: usize, out: &mut [u8]) {
    assert_nbits(nbits);
    assert_eq!(
        out.len(),
        packed_len(buckets.len(), nbits),
        "`out` is packed_len(dim, nbits)"
    );
    let limit = 1u16 << nbits;
    assert!(
        buckets.iter().all(|&bucket| u16::from(bucket) < limit),
        "buckets lie below {limit}"
    );
    match nbits {
        1 => pack_bytes::<1>(buckets, out),
        2 => pack_bytes::<2>(buckets, out),
        4 => pack_bytes::<4>(buckets, out),
        _ => out.copy_from_slice(buckets),
    }
}

#[inline(always)]
pub(super) fn pack_bytes<const NBITS: usize>(buckets: &[u8], out: &mut [u8]) {
    for (buckets, out) in buckets.chunks(8 / NBITS).zip(out) {
        *out = buckets
            .iter()
            .enumerate()
            .fold(0, |byte, (j, bucket)| byte | bucket << (j * NBITS));
    }
}

/// Unpacks the buckets of one token vector into `out`, `[dim]`.
///
/// # Panics
/// If `nbits` is not 1, 2, 4 or 8, or `packed` is not [`packed_len`] long.
pub fn unpack(packed: &[u8], nbits: usize, out: &mut [u8]) {
    assert_nbits(nbits);
    assert_eq!(
        packed.len(),
        packed_len(out.len(), nbits),
        "`packed` is packed_len(dim, nbits)"
    );
    for (j, bucket) in out.iter_mut().enumerate() {
        *bucket = bucket_at(packed, nbits, j);
    }
}

/// The bucket of dimension `j`.
#[inline(always)]
pub(crate) fn bucket_at(packed: &[u8], nbits: usize, j: usize) -> u8 {
    let bit = j * nbits;
    packed[bit / 8] >> (bit % 8) & (0xff >> (8 - nbits)) as u8
}
