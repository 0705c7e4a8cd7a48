//! Decoding to vectors of unit length in 16-bit integers, some tokens at a time, so that their lengths are found together
//! and everything in between stays in the first-level cache.

use super::bits::packed_len;
use super::{Codec, scalar};
use crate::int16::{ONE, int16_stride};
use crate::norm::sum_of_squares;
use crate::{Code, LANES};

/// Tokens decoded together.
pub(super) const BLOCK: usize = 8;

/// What differs between instruction sets, with the weights as they want them.
///
/// # Safety
/// Callers of all methods run on a processor that has the instruction set.
pub(super) unsafe trait Decoder {
    /// Decodes a token vector, `[dim]`; `code` is below the number of centroids, and `packed` `[packed_len]`.
    unsafe fn decode(&self, codec: &Codec, code: usize, packed: &[u8], out: &mut [f32]);
    /// What the rows of `rows`, `[BLOCK, width]`, are multiplied by to become 1 long; see [`scale`]. The width is a multiple
    /// of [`LANES`].
    unsafe fn scales(rows: &[f32], width: usize) -> [f32; BLOCK];
    /// `x * scale * ONE` to the nearest integer, [`LANES`] times.
    unsafe fn quantize(from: *const f32, scale: f32, to: *mut i16);
}

/// What a vector is multiplied by to become 1 long, from the sum of its squares; 0 for vectors that become zeros.
#[inline(always)]
pub(super) fn scale(squares: f32) -> f32 {
    if squares > 0.0 && squares < f32::INFINITY {
        1.0 / squares.sqrt()
    } else {
        0.0
    }
}

/// [`Decoder::scales`] row by row.
#[inline(always)]
pub(super) fn scales(
    rows: &[f32],
    width: usize,
    fma: impl Fn(f32, f32, f32) -> f32 + Copy,
) -> [f32; BLOCK] {
    let mut scales = [0.0; BLOCK];
    for (scale_of, row) in scales.iter_mut().zip(rows.chunks_exact(width)) {
        *scale_of = scale(sum_of_squares(row, fma));
    }
    scales
}

/// [`Decoder::quantize`] of one value.
#[inline(always)]
pub(super) fn quantize(x: f32, scale: f32) -> i16 {
    (x * scale * ONE).round_ties_even() as i16
}

/// Gives a level what `super` calls, compiled with its instructions. The level's [`Decoder`] is its `Table` for a number of bits.
macro_rules! entry_points {
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
            $crate::codec::unit::with_table!(codec, |table| {
                // SAFETY: the caller's promise.
                unsafe { $crate::codec::unit::decode(table, codec, codes, residuals, out) }
            });
        }

        /// # Safety
        /// The processor has the features; the slices have the lengths `super::decode_int16` asks for, and every code is
        /// below the number of centroids.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn decode_int16<C: $crate::Code>(
            codec: &$crate::Codec,
            codes: &[C],
            residuals: &[u8],
            out: &mut [i16],
        ) {
            $crate::codec::unit::with_table!(codec, |table| {
                // SAFETY: the caller's promise.
                unsafe { $crate::codec::unit::decode_int16(table, codec, codes, residuals, out) }
            });
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use entry_points;

/// Does something with the table for as many bits as the codec has.
macro_rules! with_table {
    ($codec:ident, |$table:ident| $does:block) => {
        match $codec.nbits {
            1 => {
                let $table = &Table::<1>::new($codec.weights);
                $does
            }
            2 => {
                let $table = &Table::<2>::new($codec.weights);
                $does
            }
            4 => {
                let $table = &Table::<4>::new($codec.weights);
                $does
            }
            _ => {
                let $table = &Table::<8>::new($codec.weights);
                $does
            }
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use with_table;

/// # Safety
/// The processor has the decoder's instruction set; the slices have the lengths `super::decode` asks for, and every code is
/// below the number of centroids.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
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
        fetch(codec, codes, t);
        // SAFETY: the code is below the number of centroids, and the slices are one token's.
        unsafe { decoder.decode(codec, code.index(), packed, out) };
    }
}

/// Fetches what is decoded soon after token `t`, where that can be said.
#[inline(always)]
fn fetch<C: Code>(codec: &Codec, codes: &[C], t: usize) {
    #[cfg(target_arch = "x86_64")]
    super::ahead::fetch(codec, codes, t);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (codec, codes, t);
}

/// # Safety
/// The processor has the decoder's instruction set; the slices have the lengths `super::decode_int16` asks for, and every
/// code is below the number of centroids.
#[inline(always)]
pub(super) unsafe fn decode_int16<D: Decoder, C: Code>(
    decoder: &D,
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [i16],
) {
    // A token's loops are so short that it counts whether their ends are known when they are compiled.
    // SAFETY: the caller's promise.
    unsafe {
        match codec.dim {
            96 => decode_blocks(decoder, &Codec { dim: 96, ..*codec }, codes, residuals, out),
            128 => decode_blocks(
                decoder,
                &Codec { dim: 128, ..*codec },
                codes,
                residuals,
                out,
            ),
            _ => decode_blocks(decoder, codec, codes, residuals, out),
        }
    }
}

/// # Safety
/// As [`decode_int16`].
#[inline(always)]
unsafe fn decode_blocks<D: Decoder, C: Code>(
    decoder: &D,
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [i16],
) {
    let dim = codec.dim;
    let (bytes, stride) = (packed_len(dim, codec.nbits), int16_stride(dim));
    // Zeros after a row's dimensions add nothing to its squares.
    let width = dim.next_multiple_of(LANES);
    // On the stack where they fit: callers decode a few dozen tokens at a time, and to allocate for these counts.
    let (mut few, mut many) = ([0.0; BLOCK * 128], Vec::new());
    let rows: &mut [f32] = match few.get_mut(..BLOCK * width) {
        Some(rows) => rows,
        None => {
            many.resize(BLOCK * width, 0.0);
            &mut many
        }
    };
    let mut residuals = residuals.chunks_exact(bytes);
    let blocks = codes.chunks(BLOCK).zip(out.chunks_mut(BLOCK * stride));
    for (b, (block, out)) in blocks.enumerate() {
        let tokens = block.iter().zip(&mut residuals);
        for (t, ((code, packed), row)) in tokens.zip(rows.chunks_exact_mut(width)).enumerate() {
            fetch(codec, codes, b * BLOCK + t);
            // SAFETY: the caller's promise; the slices are one token's.
            unsafe { decoder.decode(codec, code.index(), packed, &mut row[..dim]) };
        }
        // SAFETY: the caller's promise.
        let scales = unsafe { D::scales(rows, width) };
        let finished = out.chunks_exact_mut(stride).zip(rows.chunks_exact(width));
        for ((out, row), scale) in finished.zip(scales) {
            if scale == 0.0 {
                out.fill(0);
                continue;
            }
            let mut d = 0;
            // SAFETY: the processor is the caller's promise; `LANES` values lie in `row`, and in `out` or `last`.
            unsafe {
                while d + LANES <= stride {
                    D::quantize(row.as_ptr().add(d), scale, out.as_mut_ptr().add(d));
                    d += LANES;
                }
                if d < stride {
                    let mut last = [0; LANES];
                    D::quantize(row.as_ptr().add(d), scale, last.as_mut_ptr());
                    out[d..].copy_from_slice(&last[..stride - d]);
                }
            }
        }
    }
}

/// The oracle's.
pub(super) struct Plain;

// SAFETY: nothing but portable code.
unsafe impl Decoder for Plain {
    #[inline(always)]
    unsafe fn decode(&self, codec: &Codec, code: usize, packed: &[u8], out: &mut [f32]) {
        let centroid = &codec.centroids[code * codec.dim..][..codec.dim];
        scalar::decode_from(codec, 0, centroid, packed, out);
    }

    #[inline(always)]
    unsafe fn scales(rows: &[f32], width: usize) -> [f32; BLOCK] {
        scales(rows, width, crate::fma::fma)
    }

    #[inline(always)]
    unsafe fn quantize(from: *const f32, scale: f32, to: *mut i16) {
        for d in 0..LANES {
            // SAFETY: the caller has `LANES` values at both.
            unsafe { *to.add(d) = quantize(*from.add(d), scale) };
        }
    }
}
