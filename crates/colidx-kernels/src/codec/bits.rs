//! The bits of a token vector's residual, and the weights that they select.
//!
//! Dimension `j` has bits `[j * nbits, (j + 1) * nbits)`, least significant first. They select one
//! of twice as many weights as they could alone, because the two bytes before take part. Let `B[k]`
//! be a byte, `B[-1] = B[-2] = 0`, and `M` the lowest bit of each dimension in a byte. The
//! *buckets* of byte `k` are `B[k] ^ (B[k - 2] & M)`, and the bits of `B[k - 1] & M` say which of
//! two *rows* of weights each bucket is in. The writer chooses the lowest bits so that the
//! following dimensions come out near as well. This is trellis-coded quantization (Marcellin and
//! Fischer, IEEE Transactions on Communications 38(1), 1990) with Ungerboeck's four-state code,
//! with as many chains as a byte has dimensions. A reader needs only the two bytes before the one
//! that it decodes.

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

/// The lowest bit of each dimension in a byte.
#[inline(always)]
pub(super) const fn lowest_bits(nbits: usize) -> u8 {
    match nbits {
        1 => 0xff,
        2 => 0x55,
        4 => 0x11,
        _ => 0x01,
    }
}

/// The weight of dimension `j`, as an index into `[2, 2^nbits]`.
#[inline(always)]
pub(crate) fn weight_at(packed: &[u8], nbits: usize, j: usize) -> usize {
    let (byte, shift) = (j * nbits / 8, j * nbits % 8);
    let before = |n| byte.checked_sub(n).map_or(0, |at| packed[at]) & lowest_bits(nbits);
    let bucket = (packed[byte] ^ before(2)) >> shift & (0xff >> (8 - nbits)) as u8;
    let row = before(1) >> shift & 1;
    usize::from(row) << nbits | usize::from(bucket)
}

/// Unpacks a token vector: the weight of each dimension, `[dim]`, as an index into `[2, 2^nbits]`.
///
/// # Panics
/// If `nbits` is not 1, 2, 4 or 8, or `packed` is not [`packed_len`] long.
pub fn unpack(packed: &[u8], nbits: usize, out: &mut [u16]) {
    assert_nbits(nbits);
    assert_eq!(
        packed.len(),
        packed_len(out.len(), nbits),
        "`packed` is packed_len(dim, nbits)"
    );
    for (j, weight) in out.iter_mut().enumerate() {
        *weight = weight_at(packed, nbits, j) as u16;
    }
}

/// The weights of eight dimensions, as indices in one byte each, from the `NBITS` bytes (1, 2 or 4)
/// at `packed`, which `before` bytes of the same token vector precede.
///
/// # Safety
/// These bytes are readable.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
pub(crate) unsafe fn eight<const NBITS: usize>(packed: *const u8, before: usize) -> u64 {
    let lowest = u64::from(lowest_bits(NBITS)) * 0x0101_0101;
    // SAFETY: the caller's promise; all reads are at or after `packed - before`.
    let (bytes, one, two) = unsafe {
        let bytes = match NBITS {
            1 => u64::from(*packed),
            2 => u64::from(packed.cast::<u16>().read_unaligned()),
            _ => u64::from(packed.cast::<u32>().read_unaligned()),
        };
        let byte = |n: usize| match before >= n {
            true => u64::from(*packed.sub(n)),
            false => 0,
        };
        let one = bytes << 8 | byte(1);
        (bytes, one, one << 8 | byte(2))
    };
    let (buckets, rows) = (bytes ^ (two & lowest), one & lowest);
    // Shift each dimension to a byte of its own; other bits end up above it.
    match NBITS {
        1 => {
            let spread = |x: u64| {
                let x = (x & 0xff) | (x & 0xff) << 28;
                let x = x | x << 14;
                (x | x << 7) & 0x0101_0101_0101_0101
            };
            spread(buckets) | spread(rows) << 1
        }
        2 => {
            let spread = |x: u64| {
                let x = (x & 0xff) | (x & 0xff00) << 24;
                let x = x | x << 12;
                x | x << 6
            };
            spread(buckets) & 0x0303_0303_0303_0303 | (spread(rows) & 0x0101_0101_0101_0101) << 2
        }
        _ => {
            let spread = |x: u64| {
                let x = x & 0xffff_ffff;
                let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
                let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
                x | x << 4
            };
            spread(buckets) & 0x0f0f_0f0f_0f0f_0f0f | (spread(rows) & 0x0101_0101_0101_0101) << 4
        }
    }
}

/// The weights of `N` dimensions of 8 bits, as indices, from the bytes at `packed`, which `before`
/// bytes of the same token vector precede, none or at least two.
///
/// # Safety
/// These bytes are readable.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
pub(crate) unsafe fn whole_bytes<const N: usize>(packed: *const u8, before: usize) -> [u16; N] {
    // SAFETY: the caller's promise, for the bytes from `back` before on and as many of them as
    // there are.
    let load = |back: usize| unsafe {
        let mut bytes = [0u8; N];
        match before {
            0 => bytes[back..]
                .as_mut_ptr()
                .copy_from_nonoverlapping(packed, N - back),
            _ => bytes = packed.sub(back).cast::<[u8; N]>().read_unaligned(),
        }
        bytes
    };
    let (bytes, one, two) = (load(0), load(1), load(2));
    let mut which = [0; N];
    for (i, which) in which.iter_mut().enumerate() {
        *which = u16::from(one[i] & 1) << 8 | u16::from(bytes[i] ^ (two[i] & 1));
    }
    which
}
