//! Decodes token vectors to unit length in 16-bit fixed point: the rows of
//! [`dots_i16`](crate::Kernels::dots_i16), for screening.
//!
//! Integer decoding takes a third of the instructions of f32. The result is not that of
//! [`decode`](crate::Kernels::decode) and [`normalize`](crate::Kernels::normalize) to the bit, but
//! within [`CodecI16::row_error`] of it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tokens;

use crate::dots_i16::ONE;
use crate::kernels::dispatch;
use crate::round::{nearest, nearest_i16};
use crate::{Code, CodeOutOfRange, Codec, GAINS, Kernels, packed_len, stride_i16};

/// Dimensions that a kernel decodes in one step.
const STEP: usize = 32;

/// The largest value of a dimension before normalisation: with rounding it still fits 16 bits, and
/// the squares of two of them 32.
const LARGEST: f64 = 32_000.0;

/// Lengths that are normalised in integers. A decoded vector is near a unit vector: with 1 bit a
/// dimension most are 0.9 to 1.03 long, with 4 bits 0.96 to 1.01.
const LENGTHS: [f64; 2] = [0.75, 1.25];

/// How far the first of these may rise, where dimensions are so large that a 16-bit factor cannot
/// bring shorter vectors to length 1.
const LEAST_LENGTH: f64 = 0.88;

/// Steps, weights and scales of a [`Codec`] in 16-bit fixed point.
#[derive(Clone, Debug)]
pub struct CodecI16 {
    dim: usize,
    nbits: usize,
    /// Factors of centroids, shifted left by 8 bits; 15 bits are dropped from the product. `[dim]`,
    /// padded with zeros to whole steps.
    steps: AlignedI16,
    /// Factors of weights; 15 bits are dropped from the product. Layout as `steps`.
    scales: AlignedI16,
    /// `[GAINS, 2, 2^nbits]`.
    weights: AlignedI16,
    /// By gain: the lower bytes of both rows of weights, then the upper ones, for up to 4 bits.
    weight_bytes: Vec<[[u8; 16]; 4]>,
    /// Vectors whose sum of squares is in this range are normalised in integers.
    squares: [i32; 2],
    /// The normalising factor is this over the root of the sum of squares; 15 bits are dropped from
    /// the product.
    one: f32,
    row_error: f64,
}

/// The integers of a step: a cache line, so that no load or store crosses one.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([i16; STEP]);

/// Integers in lines, padded with zeros and one extra line, because kernels may read beyond the
/// last.
#[derive(Clone, Debug, Default)]
struct AlignedI16(Vec<Line>);

impl AlignedI16 {
    fn new(numbers: impl Iterator<Item = i16>) -> AlignedI16 {
        let mut lines = Vec::new();
        for (at, number) in numbers.enumerate() {
            if at % STEP == 0 {
                lines.push(Line([0; STEP]));
            }
            lines[at / STEP].0[at % STEP] = number;
        }
        lines.push(Line([0; STEP]));
        AlignedI16(lines)
    }

    #[inline(always)]
    fn as_ptr(&self) -> *const i16 {
        self.0.as_ptr().cast()
    }

    #[inline(always)]
    fn at(&self, at: usize) -> i16 {
        self.0[at / STEP].0[at % STEP]
    }
}

/// The input of a decoder.
#[derive(Clone, Copy)]
struct Tokens<'a, C> {
    codec: &'a Codec<'a>,
    /// Usable, and made from `codec`.
    tables: &'a CodecI16,
    codes: &'a [C],
    /// `[n_codes, packed_len]`.
    residuals: &'a [u8],
}

/// How far sums of two squares are shifted right, so that the sum over all dimensions fits 31 bits.
#[inline(always)]
const fn shift(dim: usize) -> u32 {
    // Two squares are below 2^31, so the sum of `n` pairs is below 2^31 `n`.
    dim.div_ceil(2).next_power_of_two().trailing_zeros()
}

impl CodecI16 {
    /// Rounds the tables of a codec. Where they do not suit unit vectors, for instance because a
    /// dimension can exceed 0.85, all vectors are decoded in f32 instead.
    ///
    /// # Panics
    /// If the codec's slices do not fit its `dim` and `nbits`.
    pub fn new(codec: &Codec) -> CodecI16 {
        codec.assert_shapes();
        let dim = codec.dim;
        let heaviest = greatest(codec.weights);
        let numbers = codec.steps.iter().zip(codec.scales);
        let longest = numbers.map(|(&step, &scale)| {
            128.0 * f64::from(step).abs() + heaviest * f64::from(scale).abs()
        });
        let longest = longest.fold(0.0, f64::max);
        // A maximum ignores NaN, so check for it.
        let all = [codec.weights, codec.steps, codec.scales];
        let finite = all
            .iter()
            .all(|values| values.iter().all(|x| x.is_finite()));
        let unit = longest / LARGEST;
        // From this length on, a 16-bit factor is large enough.
        let shortest = (1.001 * f64::from(ONE) * unit).max(LENGTHS[0]);
        let fits = finite && longest > 0.0 && shortest < LEAST_LENGTH;
        if !fits {
            return CodecI16::unfit(codec);
        }
        let rounded = |values: &[f32], by: f64| {
            let rounded = values.iter().map(|&x| nearest(f64::from(x) * by) as i16);
            AlignedI16::new(rounded)
        };
        let weight = if heaviest > 0.0 {
            32_767.0 / heaviest
        } else {
            0.0
        };
        let mut tables = CodecI16 {
            steps: rounded(codec.steps, 128.0 / unit),
            scales: rounded(codec.scales, heaviest / unit * 32_768.0 / 32_767.0),
            weights: rounded(codec.weights, weight),
            ..CodecI16::unfit(codec)
        };
        if tables.nbits <= 4 {
            let of_gain = |gain: usize| {
                let mut bytes = [[0; 16]; 4];
                for which in 0..2 << tables.nbits {
                    let (row, bucket) = (which >> tables.nbits, which % (1 << tables.nbits));
                    let weight = tables.weights.at((gain << (tables.nbits + 1)) + which);
                    [bytes[row][bucket], bytes[2 + row][bucket]] = weight.to_le_bytes();
                }
                bytes
            };
            tables.weight_bytes = (0..GAINS).map(of_gain).collect();
        }
        let one_of_sum = f64::from(1u32 << shift(dim));
        tables.squares = [shortest, LENGTHS[1]].map(|length| {
            let square = (length / unit).powi(2) / one_of_sum;
            square.min(f64::from(i32::MAX)) as i32
        });
        tables.one = (32_768.0 * f64::from(ONE) / one_of_sum.sqrt()) as f32;
        tables.row_error = tables.error(codec, unit, shortest);
        tables
    }

    /// Tables that decode everything in f32.
    fn unfit(codec: &Codec) -> CodecI16 {
        CodecI16 {
            dim: codec.dim,
            nbits: codec.nbits,
            steps: AlignedI16::default(),
            scales: AlignedI16::default(),
            weights: AlignedI16::default(),
            weight_bytes: Vec::new(),
            squares: [1, 0],
            one: 0.0,
            row_error: rounded_row(codec.dim),
        }
    }

    fn is_unfit(&self) -> bool {
        self.squares[0] > self.squares[1]
    }

    /// The maximum Euclidean distance between a row divided by 32,766 and the vector of
    /// [`decode`](crate::Kernels::decode) and [`normalize`](crate::Kernels::normalize).
    ///
    /// In each dimension a decoded vector is off by at most the rounding of its step, scale and
    /// weights, and half a unit for each of two products; together a vector `e`. If two vectors
    /// have lengths `a` and `b` and differ by `e`, their unit vectors differ by at most
    /// `2 |e| / (a + b)` (Dunkl and Williams 1964, American Mathematical Monthly 71(1)). The
    /// normalising factor and the product with it are rounded once more.
    pub fn row_error(&self) -> f64 {
        self.row_error
    }

    fn error(&self, codec: &Codec, unit: f64, shortest: f64) -> f64 {
        const F32: f64 = f32::EPSILON as f64;
        let dim = codec.dim;
        let dimension = |d: usize| {
            let (step, scale) = (f64::from(codec.steps[d]), f64::from(codec.scales[d]));
            let of_step = 128.0 * (f64::from(self.steps.at(d)) * unit / 128.0 - step).abs();
            let of_weight = codec.weights.iter().enumerate().map(|(at, &weight)| {
                let rounded = f64::from(self.weights.at(at));
                let product = rounded * f64::from(self.scales.at(d)) / 32_768.0;
                (product * unit - f64::from(weight) * scale).abs()
            });
            of_step + of_weight.fold(0.0, f64::max) + unit + F32 * unit * LARGEST
        };
        let decoded = (0..dim).map(|d| dimension(d).powi(2)).sum::<f64>().sqrt();
        let shortest = shortest * 0.999;
        let direction = 2.0 * decoded / (2.0 * shortest - decoded);
        // The bits that shifts of sums drop, and the rounding of the factor.
        let sum = dim as f64 / 2.0 / f64::from(self.squares[0]) / 2.0;
        let factor = 0.5 / (f64::from(self.one) / f64::from(self.squares[1]).sqrt());
        // Rounding of f32, in the length and in the division by it.
        let normalize = (dim as f64 / 16.0 + 8.0) * F32;
        direction + sum + factor + normalize + rounded_row(dim)
    }

    /// Whether a vector with this sum of squares is normalised in integers.
    #[inline(always)]
    fn is_near_unit_length(&self, squares: i32) -> bool {
        squares >= self.squares[0] && squares <= self.squares[1]
    }

    /// The normalising factors of vectors near unit length, from their sums of squares.
    #[inline(always)]
    fn factors<const N: usize>(&self, squares: [i32; N]) -> [i16; N] {
        // A loop, because the closure of `map` may be compiled without wide instructions.
        let mut factors = [0; N];
        for (factor, squares) in factors.iter_mut().zip(squares) {
            *factor = nearest_i16(self.one / (squares as f32).sqrt());
        }
        factors
    }
}

/// The maximum error of rounding alone: half a unit per dimension, and the rounding of f32.
fn rounded_row(dim: usize) -> f64 {
    (dim as f64).sqrt() * 0.502 / f64::from(ONE)
}

fn greatest(values: &[f32]) -> f64 {
    values
        .iter()
        .fold(0.0, |most, &x| f64::from(x).abs().max(most))
}

impl Kernels {
    /// Decodes token vectors for [`dots_i16`](Kernels::dots_i16): as [`decode`](Kernels::decode)
    /// and [`normalize`](Kernels::normalize), times 32,766, within [`CodecI16::row_error`], with
    /// the same bits on every instruction set. `tables` must be of the same codec. `out` is
    /// `[n_codes, stride_i16(dim)]`, zero after each vector's dimensions. A vector whose sum of
    /// squares is not positive and finite becomes zero.
    ///
    /// # Errors
    /// [`CodeOutOfRange`] if a code is not below the number of centroids; `out` is then unchanged.
    ///
    /// # Panics
    /// As [`decode`](Kernels::decode), or if `tables` is of a codec with another `dim` or `nbits`.
    pub fn decode_i16<C: Code>(
        self,
        codec: &Codec,
        tables: &CodecI16,
        codes: &[C],
        residuals: &[u8],
        out: &mut [i16],
    ) -> Result<(), CodeOutOfRange> {
        let stride = stride_i16(codec.dim);
        assert_eq!(
            out.len(),
            codes.len() * stride,
            "`out` is [n_codes, stride_i16(dim)]"
        );
        assert_eq!(
            (tables.dim, tables.nbits),
            (codec.dim, codec.nbits),
            "`tables` is of the codec"
        );
        codec.check(codes, residuals)?;
        let mut odd = Vec::new();
        if tables.is_unfit() {
            odd.extend(0..codes.len());
        } else {
            let tokens = &Tokens {
                codec,
                tables,
                codes,
                residuals,
            };
            dispatch!(self, decode(tokens, out, &mut odd));
        }
        let (bytes, mut rows) = (packed_len(codec.dim, codec.nbits), Vec::new());
        for run in odd.chunk_by(|a, b| a + 1 == *b) {
            let (first, end) = (run[0], run[0] + run.len());
            rows.resize(run.len() * codec.dim, 0.0);
            let residuals = &residuals[first * bytes..end * bytes];
            self.decode(codec, &codes[first..end], residuals, &mut rows)?;
            self.normalize(&mut rows, codec.dim);
            let out = out[first * stride..end * stride].chunks_exact_mut(stride);
            out.zip(rows.chunks_exact(codec.dim))
                .for_each(|(row, vector)| round(vector, row));
        }
        Ok(())
    }
}

/// Rounds a vector of unit length to a row; a vector without a length gives zeros.
fn round(vector: &[f32], row: &mut [i16]) {
    row.fill(0);
    if vector.iter().all(|x| x.is_finite()) {
        for (to, x) in row.iter_mut().zip(vector) {
            // A vector so short that its square has few bits in f32 can come out longer than 1.
            *to = nearest_i16((x * ONE).clamp(-32_768.0, 32_767.0));
        }
    }
}

#[cfg(test)]
mod tests;
