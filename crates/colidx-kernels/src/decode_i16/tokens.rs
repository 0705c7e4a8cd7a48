//! Decodes several tokens at a time, common to all instruction sets: their lengths are computed
//! together, and intermediate values stay in the first-level cache.

use super::{Line, STEP, Tokens, shift};
use crate::codec::split;
#[cfg(target_arch = "x86_64")]
use crate::codec::whole_bytes;
use crate::{Code, Codec, packed_len, stride_i16};

/// Tokens decoded together.
const BLOCK: usize = 8;

/// Preceding bytes that take part in decoding a byte.
const BEFORE: usize = 2;

/// The location of some dimensions of a token.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub centroid: *const i8,
    /// Their bits.
    pub packed: *const u8,
    /// How many bytes of the token precede these; if not 0, two are readable.
    pub before: usize,
    /// Below the number of gains.
    pub gain: usize,
    pub steps: *const i16,
    pub scales: *const i16,
}

#[cfg(target_arch = "x86_64")]
impl Source {
    /// The weights of [`STEP`] dimensions of 8 bits, of `weights`, `[2, 2^8]`.
    ///
    /// # Safety
    /// `packed` has that many bytes, preceded by two if `before` is not 0.
    #[inline(always)]
    pub(super) unsafe fn look_up_bytes(self, weights: *const i16) -> [i16; STEP] {
        let mut found = [0; STEP];
        // SAFETY: the caller's promise; every index is below the number of weights.
        unsafe {
            let which = whole_bytes::<STEP>(self.packed, self.before);
            for (found, which) in found.iter_mut().zip(which) {
                *found = *weights.add(usize::from(which));
            }
        }
        found
    }
}

/// The steps that differ between instruction sets, with the weights in their layout.
///
/// # Safety
/// Callers of all methods run on a processor that has the instruction set.
pub(super) unsafe trait Decoder {
    /// Sums of squares, some dimensions in each lane.
    type Sums: Copy;

    fn zero() -> Self::Sums;

    /// Decodes [`STEP`] dimensions to `out` and adds their squares, in pairs shifted right by
    /// `shift`, to `sums`. All pointers of `from`, and `out`, are valid for [`STEP`] values.
    unsafe fn step(&self, from: Source, shift: u32, out: *mut i16, sums: Self::Sums) -> Self::Sums;

    /// The sum of all lanes.
    unsafe fn sum(sums: Self::Sums) -> i32;

    /// Multiplies [`STEP`] values by a factor, dropping 15 bits of the rounded product.
    unsafe fn scale(from: *const i16, factor: i16, to: *mut i16);
}

/// The entry point of an instruction set, compiled with its instructions. Its [`Decoder`] is
/// `Table`, generic over the number of bits.
macro_rules! entry_point {
    ($features:literal) => {
        /// # Safety
        /// The processor has the features; the slices have the lengths `super::decode_i16` asks
        /// for, and every code is below the number of centroids.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn decode<C: $crate::Code>(
            tokens: &$crate::decode_i16::Tokens<C>,
            out: &mut [i16],
            odd: &mut Vec<usize>,
        ) {
            use $crate::decode_i16::tokens::decode;
            // SAFETY: the caller's promise.
            unsafe {
                match tokens.codec.nbits {
                    1 => decode(&Table::<1>::new(tokens.tables), tokens, out, odd),
                    2 => decode(&Table::<2>::new(tokens.tables), tokens, out, odd),
                    4 => decode(&Table::<4>::new(tokens.tables), tokens, out, odd),
                    _ => decode(&Table::<8>::new(tokens.tables), tokens, out, odd),
                }
            }
        }
    };
}
pub(super) use entry_point;

/// # Safety
/// The processor has the decoder's instruction set; the slices have the lengths `super::decode_i16`
/// asks for, and every code is below the number of centroids.
#[inline(always)]
pub(super) unsafe fn decode<D: Decoder, C: Code>(
    decoder: &D,
    tokens: &Tokens<C>,
    out: &mut [i16],
    odd: &mut Vec<usize>,
) {
    // The loops over a token are short, so constant bounds pay.
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
    let Tokens { tables, codes, .. } = *tokens;
    let codec = &Codec {
        dim,
        ..*tokens.codec
    };
    let (padded, stride) = (dim.next_multiple_of(STEP), stride_i16(dim));
    // On the stack where possible: callers decode a few dozen tokens at a time, and an allocation
    // would show.
    let (mut few, mut many) = ([Line([0; STEP]); BLOCK * 4], Vec::new());
    let lines = BLOCK * padded / STEP;
    let values = if lines <= few.len() {
        few.as_mut_ptr()
    } else {
        many.resize(lines, Line([0; STEP]));
        many.as_mut_ptr()
    };
    let values = values.cast::<i16>();
    let mut first = 0;
    while first < codes.len() {
        let count = BLOCK.min(codes.len() - first);
        let mut squares = [0; BLOCK];
        for (t, squares) in squares[..count].iter_mut().enumerate() {
            codec.fetch(codes, first + t);
            // SAFETY: the caller's promise, and there is room for `padded` values of every token of
            // a block.
            *squares =
                unsafe { values_of(decoder, dim, tokens, first + t, values.add(t * padded)) };
        }
        let factors = tables.factors(squares);
        for t in 0..count {
            if tables.is_near_unit_length(squares[t]) {
                // SAFETY: the values were just decoded, and each token has a row in `out`.
                unsafe {
                    let row = out.as_mut_ptr().add((first + t) * stride);
                    scale_row::<D>(values.add(t * padded), factors[t], row, stride);
                }
            } else {
                odd.push(first + t);
            }
        }
        first += count;
    }
}

/// Decodes a token to `to`, which has room for whole steps, and returns its sum of squares.
///
/// # Safety
/// As [`decode_all`], for an existing token.
#[inline(always)]
unsafe fn values_of<D: Decoder, C: Code>(
    decoder: &D,
    dim: usize,
    tokens: &Tokens<C>,
    token: usize,
    to: *mut i16,
) -> i32 {
    let (tables, nbits) = (tokens.tables, tokens.codec.nbits);
    let bytes = packed_len(dim, nbits);
    let (whole, shift) = (dim - dim % STEP, shift(dim));
    let mut sums = D::zero();
    // SAFETY: the processor is the caller's promise. The code is that of a centroid, of `dim`
    // values; `bytes` of packed buckets are each token's; and steps, scales and values go to the
    // end of the last step.
    unsafe {
        let (centroid, gain) = split(*tokens.codes.get_unchecked(token));
        let centroid = tokens.codec.centroids.as_ptr().add(centroid * dim);
        let packed = tokens.residuals.as_ptr().add(token * bytes);
        for d in (0..whole).step_by(STEP) {
            let from = Source {
                centroid: centroid.add(d),
                packed: packed.add(d * nbits / 8),
                before: d * nbits / 8,
                gain,
                steps: tables.steps.as_ptr().add(d),
                scales: tables.scales.as_ptr().add(d),
            };
            sums = decoder.step(from, shift, to.add(d), sums);
        }
        if whole < dim {
            // The bytes after these are another token's, or out of bounds.
            let (mut last, mut last_packed) = ([0i8; STEP], [0u8; BEFORE + STEP]);
            let (at, rest) = (whole * nbits / 8, packed_len(dim - whole, nbits));
            last.as_mut_ptr()
                .copy_from_nonoverlapping(centroid.add(whole), dim - whole);
            let before = at.min(BEFORE);
            last_packed
                .as_mut_ptr()
                .add(BEFORE - before)
                .copy_from_nonoverlapping(packed.add(at - before), before + rest);
            let from = Source {
                centroid: last.as_ptr(),
                packed: last_packed.as_ptr().add(BEFORE),
                before: at,
                gain,
                steps: tables.steps.as_ptr().add(whole),
                scales: tables.scales.as_ptr().add(whole),
            };
            sums = decoder.step(from, shift, to.add(whole), sums);
        }
        D::sum(sums)
    }
}

/// Multiplies a token's values by a factor and writes a row.
///
/// # Safety
/// The processor has the decoder's instruction set; there are values up to the end of the last
/// step, and `stride` integers at `row`.
#[inline(always)]
unsafe fn scale_row<D: Decoder>(values: *const i16, factor: i16, row: *mut i16, stride: usize) {
    let whole = stride - stride % STEP;
    // SAFETY: the caller's promise.
    unsafe {
        for d in (0..whole).step_by(STEP) {
            D::scale(values.add(d), factor, row.add(d));
        }
        if whole < stride {
            let mut last = [0; STEP];
            D::scale(values.add(whole), factor, last.as_mut_ptr());
            row.add(whole)
                .copy_from_nonoverlapping(last.as_ptr(), stride - whole);
        }
    }
}
