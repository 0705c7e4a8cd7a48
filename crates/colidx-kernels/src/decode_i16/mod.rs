//! Decoding to unit length in 16-bit fixed point: the rows that [`dots_i16`](crate::Kernels::dots_i16) multiplies, for screening.
//!
//! In integers throughout, a token vector takes a third of the instructions that it takes in f32. It is then not that of
//! [`decode`](crate::Kernels::decode) and [`normalize`](crate::Kernels::normalize) to the bit, but never further from it than
//! [`CodecI16::row_error`].

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

/// The largest number that a dimension of a decoded vector becomes before it is brought to unit length: with what is rounded
/// on the way it still fits 16 bits, and the squares of two of them 32.
const LARGEST: f64 = 32_000.0;

/// Lengths of decoded vectors that are brought to unit length in integers. A vector is decoded near what was encoded, whose length is
/// 1: with 1 bit a dimension most are 0.9 to 1.03 long, with 4 bits 0.96 to 1.01.
const LENGTHS: [f64; 2] = [0.75, 1.25];

/// What the first of these may become where dimensions can be so long that a factor of 16 bits does not bring shorter vectors to 1.
const LEAST_LENGTH: f64 = 0.88;

/// Steps, weights and scales of a [`Codec`] in 16-bit fixed point.
#[derive(Clone, Debug)]
pub struct CodecI16 {
    dim: usize,
    nbits: usize,
    /// What a centroid's dimension is multiplied by: it has 8 bits more than the centroid, of which 15 are dropped from the
    /// product. `[dim]`, and zeros up to whole steps.
    steps: Numbers,
    /// What a weight is multiplied by, 15 bits being dropped from the product. As `steps`.
    scales: Numbers,
    /// `[GAINS, 2, 2^nbits]`.
    weights: Numbers,
    /// By gain, the lower bytes of both rows of weights and then the upper ones, where there are no more than these.
    weight_bytes: Vec<[[u8; 16]; 4]>,
    /// The sums of squares of vectors that are brought to unit length in integers, from the first to the second.
    squares: [i32; 2],
    /// This over the root of a sum of squares is the factor that brings to unit length, 15 bits being dropped from the product.
    one: f32,
    row_error: f64,
}

/// A step's integers: a cache line, so that none of its loads and stores takes two.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([i16; STEP]);

/// Integers in lines, filled up with zeros and with a line of them more: a kernel may read beyond the last.
#[derive(Clone, Debug, Default)]
struct Numbers(Vec<Line>);

impl Numbers {
    fn new(numbers: impl Iterator<Item = i16>) -> Numbers {
        let mut lines = Vec::new();
        for (at, number) in numbers.enumerate() {
            if at % STEP == 0 {
                lines.push(Line([0; STEP]));
            }
            lines[at / STEP].0[at % STEP] = number;
        }
        lines.push(Line([0; STEP]));
        Numbers(lines)
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

/// What is decoded, and with what.
#[derive(Clone, Copy)]
struct Tokens<'a, C> {
    codec: &'a Codec<'a>,
    /// Fit, and of the codec.
    fixed: &'a CodecI16,
    codes: &'a [C],
    /// `[n_codes, packed_len]`.
    residuals: &'a [u8],
}

/// How far a sum of two squares is shifted down, so that the sum over all dimensions fits 31 bits.
#[inline(always)]
const fn shift(dim: usize) -> u32 {
    // Two squares are less than 2^31, so of `n` pairs the sum is less than 2^31 `n`.
    dim.div_ceil(2).next_power_of_two().trailing_zeros()
}

impl CodecI16 {
    /// Rounds the numbers of a codec. Where they are not what unit vectors need, as where a dimension can be longer than 0.85, all
    /// vectors are decoded in f32.
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
        // A maximum passes over what is not a number.
        let all = [codec.weights, codec.steps, codec.scales];
        let finite = all
            .iter()
            .all(|values| values.iter().all(|x| x.is_finite()));
        let unit = longest / LARGEST;
        // From here on a factor of 16 bits brings vectors to unit length.
        let shortest = (1.001 * f64::from(ONE) * unit).max(LENGTHS[0]);
        let fits = finite && longest > 0.0 && shortest < LEAST_LENGTH;
        if !fits {
            return CodecI16::unfit(codec);
        }
        let rounded = |values: &[f32], by: f64| {
            let rounded = values.iter().map(|&x| nearest(f64::from(x) * by) as i16);
            Numbers::new(rounded)
        };
        let weight = if heaviest > 0.0 {
            32_767.0 / heaviest
        } else {
            0.0
        };
        let mut fixed = CodecI16 {
            steps: rounded(codec.steps, 128.0 / unit),
            scales: rounded(codec.scales, heaviest / unit * 32_768.0 / 32_767.0),
            weights: rounded(codec.weights, weight),
            ..CodecI16::unfit(codec)
        };
        if fixed.nbits <= 4 {
            let of_gain = |gain: usize| {
                let mut bytes = [[0; 16]; 4];
                for which in 0..2 << fixed.nbits {
                    let (row, bucket) = (which >> fixed.nbits, which % (1 << fixed.nbits));
                    let weight = fixed.weights.at((gain << (fixed.nbits + 1)) + which);
                    [bytes[row][bucket], bytes[2 + row][bucket]] = weight.to_le_bytes();
                }
                bytes
            };
            fixed.weight_bytes = (0..GAINS).map(of_gain).collect();
        }
        let one_of_sum = f64::from(1u32 << shift(dim));
        fixed.squares = [shortest, LENGTHS[1]].map(|length| {
            let square = (length / unit).powi(2) / one_of_sum;
            square.min(f64::from(i32::MAX)) as i32
        });
        fixed.one = (32_768.0 * f64::from(ONE) / one_of_sum.sqrt()) as f32;
        fixed.row_error = fixed.error(codec, unit, shortest);
        fixed
    }

    /// Decodes everything in f32.
    fn unfit(codec: &Codec) -> CodecI16 {
        CodecI16 {
            dim: codec.dim,
            nbits: codec.nbits,
            steps: Numbers::default(),
            scales: Numbers::default(),
            weights: Numbers::default(),
            weight_bytes: Vec::new(),
            squares: [1, 0],
            one: 0.0,
            row_error: rounded_row(codec.dim),
        }
    }

    fn is_unfit(&self) -> bool {
        self.squares[0] > self.squares[1]
    }

    /// The most by which a row over 32,766 differs, in Euclidean length, from the vector of [`decode`](crate::Kernels::decode) and
    /// [`normalize`](crate::Kernels::normalize).
    ///
    /// In each dimension a decoded vector is off by no more than what was rounded of its step, scale and weights, and half a unit for
    /// each of two products; these make a vector `e`. Where two vectors have the lengths `a` and `b` and differ by `e`, the vectors of
    /// unit length differ by `2 |e| / (a + b)` at most (Dunkl and Williams, American Mathematical Monthly 71(1), 1964). The factor that
    /// brings to unit length and the product with it are rounded once more.
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
        // What the shifts of sums of squares drop, and what the factor is rounded by.
        let sum = dim as f64 / 2.0 / f64::from(self.squares[0]) / 2.0;
        let factor = 0.5 / (f64::from(self.one) / f64::from(self.squares[1]).sqrt());
        // What f32 rounds in the length that it divides by, and in dividing.
        let normalize = (dim as f64 / 16.0 + 8.0) * F32;
        direction + sum + factor + normalize + rounded_row(dim)
    }

    /// Whether a vector with this sum of squares is brought to unit length in integers.
    #[inline(always)]
    fn is_near_unit_length(&self, squares: i32) -> bool {
        squares >= self.squares[0] && squares <= self.squares[1]
    }

    /// What vectors near unit length are multiplied by, from their sums of squares.
    #[inline(always)]
    fn factors<const N: usize>(&self, squares: [i32; N]) -> [i16; N] {
        // A loop and not `map`, whose body may be compiled without wide instructions.
        let mut factors = [0; N];
        for (factor, squares) in factors.iter_mut().zip(squares) {
            *factor = nearest_i16(self.one / (squares as f32).sqrt());
        }
        factors
    }
}

/// The most by which a row differs that is only rounded: half a unit a dimension, and what f32 rounds.
fn rounded_row(dim: usize) -> f64 {
    (dim as f64).sqrt() * 0.502 / f64::from(ONE)
}

fn greatest(values: &[f32]) -> f64 {
    values
        .iter()
        .fold(0.0, |most, &x| f64::from(x).abs().max(most))
}

impl Kernels {
    /// Decodes token vectors for 16-bit products: each as by [`decode`](crate::Kernels::decode) and [`normalize`](crate::Kernels::normalize), times 32,766,
    /// to within [`CodecI16::row_error`], with the same bits at every instruction set. `fixed` is that of the codec. `out` is
    /// `[n_codes, stride_i16(dim)]`, zero after each vector's dimensions. A vector the sum of whose squares is not a positive, finite
    /// number becomes zeros.
    ///
    /// # Errors
    /// [`CodeOutOfRange`] if a code is not below the number of centroids; `out` is then untouched.
    ///
    /// # Panics
    /// As [`decode`](crate::Kernels::decode), or if `fixed` is of a codec with another `dim` or `nbits`.
    pub fn decode_i16<C: Code>(
        self,
        codec: &Codec,
        fixed: &CodecI16,
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
            (fixed.dim, fixed.nbits),
            (codec.dim, codec.nbits),
            "`fixed` is of the codec"
        );
        codec.check(codes, residuals)?;
        let mut odd = Vec::new();
        if fixed.is_unfit() {
            odd.extend(0..codes.len());
        } else {
            let tokens = &Tokens {
                codec,
                fixed,
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

/// A vector of unit length, or one that has no length, as a row.
fn round(vector: &[f32], row: &mut [i16]) {
    row.fill(0);
    if vector.iter().all(|x| x.is_finite()) {
        for (to, x) in row.iter_mut().zip(vector) {
            // One so short that f32 has few bits for its square can come out longer than 1.
            *to = nearest_i16((x * ONE).clamp(-32_768.0, 32_767.0));
        }
    }
}

#[cfg(test)]
mod tests;
