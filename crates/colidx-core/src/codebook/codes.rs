//! Codes: a centroid and a gain as one number, packed in files with a fixed number of bits each.

use colidx_kernels::GAINS;
use std::ops::Range;

/// Zero bytes after the last code or list, so that eight bytes can be read at any.
pub(crate) const TAIL: usize = 8;

/// Bits of a number below `count`, at least one.
pub(crate) fn width(count: usize) -> usize {
    let last = count.saturating_sub(1) as u64;
    (u64::BITS - last.leading_zeros()).max(1) as usize
}

/// Bits of a code, which names one of `centroids` and a gain.
pub(crate) fn code_width(centroids: usize) -> usize {
    width(centroids * GAINS)
}

/// The number of a code's centroid.
pub(crate) fn centroid(code: u32) -> u32 {
    code / GAINS as u32
}

/// Bytes of `count` codes of `width` bits, the tail included.
pub(crate) fn packed_bytes(count: u64, width: usize) -> u64 {
    count.saturating_mul(width as u64).div_ceil(8) + TAIL as u64
}

/// Whether all bits after `count` codes of `width` bits are zero, those of the tail among them.
pub(crate) fn is_padded(packed: &[u8], count: u64, width: usize) -> bool {
    let bits = count.saturating_mul(width as u64);
    let after = packed.get((bits / 8) as usize..).unwrap_or_default();
    let [last, tail @ ..] = after else {
        return true;
    };
    last >> (bits % 8) == 0 && tail.iter().all(|&byte| byte == 0)
}

/// Packs codes as they come, lowest bit first.
#[derive(Debug)]
pub(crate) struct Packer {
    width: usize,
    pending: u64,
    bits: usize,
}

impl Packer {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            pending: 0,
            bits: 0,
        }
    }

    /// Resumes after `count` codes, with what [`Packer::pending`] was.
    pub(crate) fn resume(width: usize, count: u64, pending: u8) -> Self {
        let bits = (count.wrapping_mul(width as u64) % 8) as usize;
        Self {
            width,
            pending: u64::from(pending) & ((1 << bits) - 1),
            bits,
        }
    }

    /// Bits of the last byte, which is not complete.
    pub(crate) fn pending(&self) -> u8 {
        self.pending as u8
    }

    /// Appends the whole bytes that `codes` complete to `out`.
    pub(crate) fn push(&mut self, codes: &[u32], out: &mut Vec<u8>) {
        for &code in codes {
            self.pending |= u64::from(code) << self.bits;
            self.bits += self.width;
            while self.bits >= 8 {
                out.push(self.pending as u8);
                self.pending >>= 8;
                self.bits -= 8;
            }
        }
    }

    /// Appends the last byte, where one is begun, and the tail.
    pub(crate) fn finish(self, out: &mut Vec<u8>) {
        if self.bits > 0 {
            out.push(self.pending as u8);
        }
        out.extend([0; TAIL]);
    }
}

/// Replaces `out` by the codes of `range`, which ends before the tail.
pub(crate) fn unpack(packed: &[u8], width: usize, range: Range<usize>, out: &mut Vec<u32>) {
    out.resize(range.len(), 0);
    colidx_kernels::kernels().unpack_codes(packed, width, range.start, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_in_any_pieces_is_unpacked(
            centroids in 1usize..(1 << 26),
            seeds in prop::collection::vec(any::<u32>(), 0..200),
            pieces in 1usize..9,
        ) {
            let width = width(centroids);
            let codes: Vec<u32> = seeds.iter().map(|s| s % centroids as u32).collect();
            let mut packed = Vec::new();
            let mut packer = Packer::new(width);
            for (at, piece) in codes.chunks(pieces).enumerate() {
                packer = Packer::resume(width, (at * pieces) as u64, packer.pending());
                packer.push(piece, &mut packed);
            }
            packer.finish(&mut packed);
            prop_assert_eq!(packed.len() as u64, packed_bytes(codes.len() as u64, width));
            let mut out = vec![7];
            unpack(&packed, width, 0..codes.len(), &mut out);
            prop_assert_eq!(&out, &codes);
            let from = codes.len() / 3;
            unpack(&packed, width, from..codes.len(), &mut out);
            prop_assert_eq!(&out[..], &codes[from..]);
        }
    }

    #[test]
    fn bits_after_the_last_code_are_told() {
        for (count, width) in [(0, 4), (3, 5), (8, 3), (7, 9)] {
            let mut packed = Vec::new();
            let mut packer = Packer::new(width);
            packer.push(&vec![(1 << width) - 1; count], &mut packed);
            packer.finish(&mut packed);
            assert!(is_padded(&packed, count as u64, width));
            for bit in count * width..packed.len() * 8 {
                let mut other = packed.clone();
                other[bit / 8] |= 1 << (bit % 8);
                assert!(!is_padded(&other, count as u64, width), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_code_has_a_centroid_and_a_gain() {
        assert_eq!(code_width(16_384), 18);
        assert_eq!(code_width(1 << 26), 30);
        assert_eq!(code_width(1), 4);
        assert_eq!(centroid((1 << 30) - 1), (1 << 26) - 1);
    }

    #[test]
    fn widths() {
        let cases = [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (16_384, 14),
            (16_385, 15),
            (1 << 26, 26),
        ];
        for (centroids, bits) in cases {
            assert_eq!(width(centroids), bits, "{centroids}");
        }
    }
}
