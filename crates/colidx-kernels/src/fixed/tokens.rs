//! Decoding some tokens at a time, for all instruction sets alike: their lengths are found together, and everything in between stays
//! in the first-level cache.

use super::{STEP, Tokens, shift};
use crate::{Code, Codec, LANES, int16_stride, packed_len};

/// Tokens decoded together.
const BLOCK: usize = 8;

/// Where some dimensions of a token lie.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub centroid: *const i8,
    /// The buckets.
    pub packed: *const u8,
    pub steps: *const i16,
    pub scales: *const i16,
}

/// What differs between instruction sets, with the weights as they want them.
///
/// # Safety
/// Callers of all methods run on a processor that has the instruction set.
pub(super) unsafe trait Decoder {
    /// Sums of squares, some dimensions in each lane.
    type Sums: Copy;

    fn zero() -> Self::Sums;

    /// Decodes [`STEP`] dimensions to `out` and adds their squares, in pairs shifted by `shift`, to `sums`. So many values are at all
    /// places `from` and at `out`.
    unsafe fn step(&self, from: Source, shift: u32, out: *mut i16, sums: Self::Sums) -> Self::Sums;

    /// The sum of all lanes.
    unsafe fn sum(sums: Self::Sums) -> i32;

    /// Multiplies [`LANES`] values by a factor, dropping 15 bits of the rounded product.
    unsafe fn scale(from: *const i16, factor: i16, to: *mut i16);
}

/// Gives a level what `super` calls, compiled with its instructions. The level's [`Decoder`] is its `Table` for a number of bits.
macro_rules! entry_point {
    ($features:literal) => {
        /// # Safety
        /// The processor has the features; the slices have the lengths `super::decode_int16` asks for, and every code is below the
        /// number of centroids.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn decode<C: $crate::Code>(
            tokens: &$crate::fixed::Tokens<C>,
            out: &mut [i16],
            odd: &mut Vec<usize>,
        ) {
            use $crate::fixed::tokens::decode;
            // SAFETY: the caller's promise.
            unsafe {
                match tokens.codec.nbits {
                    1 => decode(&Table::<1>::new(tokens.fixed), tokens, out, odd),
                    2 => decode(&Table::<2>::new(tokens.fixed), tokens, out, odd),
                    4 => decode(&Table::<4>::new(tokens.fixed), tokens, out, odd),
                    _ => decode(&Table::<8>::new(tokens.fixed), tokens, out, odd),
                }
            }
        }
    };
}
pub(super) use entry_point;

/// # Safety
/// The processor has the decoder's instruction set; the slices have the lengths `super::decode_int16` asks for, and every code is below
/// the number of centroids.
#[inline(always)]
pub(super) unsafe fn decode<D: Decoder, C: Code>(
    decoder: &D,
    tokens: &Tokens<C>,
    out: &mut [i16],
    odd: &mut Vec<usize>,
) {
    // A token's loops are so short that it counts whether their ends are known when they are compiled.
    // SAFETY: the caller's promise.
    unsafe {
        match tokens.codec.dim {
            96 => decode_all(decoder, 96, tokens, out, odd),
            128 => decode_all(decoder, 128, tokens, out, odd),
            dim => decode_all(decoder, dim, tokens, out, odd),
        }
    }
}

/// # Safety
/// As [`decode`], and `dim` is the codec's.
#[inline(always)]
unsafe fn decode_all<D: Decoder, C: Code>(
    decoder: &D,
    dim: usize,
    tokens: &Tokens<C>,
    out: &mut [i16],
    odd: &mut Vec<usize>,
) {
    let Tokens { fixed, codes, .. } = *tokens;
    let codec = &Codec {
        dim,
        ..*tokens.codec
    };
    let nbits = codec.nbits;
    let (whole, padded) = (dim - dim % STEP, dim.next_multiple_of(STEP));
    let stride = int16_stride(dim);
    // On the stack where they fit: callers decode a few dozen tokens at a time, and to allocate for these counts.
    let (mut few, mut many) = ([0; BLOCK * 4 * STEP], Vec::new());
    let values = match few.get_mut(..BLOCK * padded) {
        Some(values) => values,
        None => {
            many.resize(BLOCK * padded, 0);
            &mut many[..]
        }
    };
    let mut packed = tokens.residuals.chunks_exact(packed_len(dim, nbits));
    let blocks = codes.chunks(BLOCK).zip(out.chunks_mut(BLOCK * stride));
    for (block, (codes_of_block, rows)) in blocks.enumerate() {
        let first = block * BLOCK;
        let mut squares = [0; BLOCK];
        for (t, (code, packed)) in codes_of_block.iter().zip(&mut packed).enumerate() {
            codec.fetch(codes, first + t);
            // SAFETY: the processor is the caller's promise. The code is that of a centroid, of `dim` values; the packed buckets
            // are those of `dim`; and there are `padded` steps, scales and values.
            unsafe {
                let centroid = codec.centroids.as_ptr().add(code.index() * dim);
                let (to, shift) = (values.as_mut_ptr().add(t * padded), shift(dim));
                let mut sums = D::zero();
                for d in (0..whole).step_by(STEP) {
                    let from = Source {
                        centroid: centroid.add(d),
                        packed: packed.as_ptr().add(d * nbits / 8),
                        steps: fixed.steps.as_ptr().add(d),
                        scales: fixed.scales.as_ptr().add(d),
                    };
                    sums = decoder.step(from, shift, to.add(d), sums);
                }
                if whole < dim {
                    // What lies after these is another token's, or nobody's.
                    let (mut last, mut last_packed) = ([0; STEP], [0; STEP]);
                    let centroid = centroid.add(whole);
                    centroid.copy_to_nonoverlapping(last.as_mut_ptr(), dim - whole);
                    let rest = &packed[whole * nbits / 8..];
                    last_packed[..rest.len()].copy_from_slice(rest);
                    let from = Source {
                        centroid: last.as_ptr(),
                        packed: last_packed.as_ptr(),
                        steps: fixed.steps.as_ptr().add(whole),
                        scales: fixed.scales.as_ptr().add(whole),
                    };
                    sums = decoder.step(from, shift, to.add(whole), sums);
                }
                squares[t] = D::sum(sums);
            }
        }
        let factors = fixed.factors(squares);
        let decoded = values.chunks_exact(padded).zip(squares).zip(factors);
        for (t, (row, ((values, squares), factor))) in
            rows.chunks_exact_mut(stride).zip(decoded).enumerate()
        {
            if !fixed.is_near_unit_length(squares) {
                odd.push(first + t);
                continue;
            }
            let mut d = 0;
            // SAFETY: the processor is the caller's promise; `LANES` values lie in `values`, and in `row` or `last`.
            unsafe {
                while d + LANES <= stride {
                    D::scale(values.as_ptr().add(d), factor, row.as_mut_ptr().add(d));
                    d += LANES;
                }
                if d < stride {
                    let mut last = [0; LANES];
                    D::scale(values.as_ptr().add(d), factor, last.as_mut_ptr());
                    row[d..].copy_from_slice(&last[..stride - d]);
                }
            }
        }
    }
}
