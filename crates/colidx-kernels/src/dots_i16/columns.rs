//! The layout of 16-bit columns, and the error bounds of their scores.

use super::{ONE, PAIR};
use crate::LANES;
use crate::round::nearest;

/// Two dimensions of the sixteen columns of a panel, `[16][2]`: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Pairs(pub(super) [i16; LANES * PAIR]);

/// Columns (query tokens) quantised to 16 bits by one common scale and laid out for the kernels:
/// panels of [`LANES`] columns, `[n_panels][dim / 2][16][2]` i16, 64-byte aligned; missing columns
/// and dimensions are zero.
///
/// The scale makes the longest column 32,766 long, so that its dot product with a row of unit
/// length fits an i32.
#[derive(Clone, Debug)]
pub struct PanelsI16 {
    dim: usize,
    columns: usize,
    pairs: Vec<Pairs>,
    step: f64,
    /// By column: its length, and that of its quantisation error; `None` if a value was not finite.
    lengths: Option<Vec<[f64; 2]>>,
}

impl PanelsI16 {
    /// Quantises `columns`, `[n, dim]` f32 row-major, one row for each column. If a value is not
    /// finite, all columns become zero and the error bounds infinite.
    ///
    /// # Panics
    /// If `dim` is 0 or the length is no multiple of it.
    pub fn new(columns: &[f32], dim: usize) -> PanelsI16 {
        assert!(
            dim > 0 && columns.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions",
            columns.len()
        );
        let n = columns.len() / dim;
        let depth = dim.div_ceil(PAIR);
        let lengths: Vec<f64> = columns
            .chunks_exact(dim)
            .map(|column| length(column.iter().map(|&q| f64::from(q))))
            .collect();
        let finite = columns.iter().all(|q| q.is_finite());
        let longest = lengths.iter().copied().fold(0.0, f64::max);
        let step = if finite {
            longest / f64::from(ONE)
        } else {
            0.0
        };
        let mut pairs = vec![Pairs([0; LANES * PAIR]); n.div_ceil(LANES) * depth];
        let mut both = Vec::with_capacity(n);
        for (i, column) in columns.chunks_exact(dim).enumerate() {
            let (panel, lane) = (i / LANES, i % LANES);
            let panel = &mut pairs[panel * depth..][..depth];
            let lost = column.iter().enumerate().map(|(d, &q)| {
                let q = f64::from(q);
                // No value exceeds the longest column; with a step of zero all values are zero or
                // ignored.
                let units = if step > 0.0 {
                    nearest(q / step) as i16
                } else {
                    0
                };
                panel[d / PAIR].0[lane * PAIR + d % PAIR] = units;
                q - f64::from(units) * step
            });
            both.push([lengths[i], length(lost)]);
        }
        PanelsI16 {
            dim,
            columns: n,
            pairs,
            step,
            lengths: finite.then_some(both),
        }
    }

    /// Dimensions of a column.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Columns rounded up to whole panels: the length of the output of
    /// [`dots_i16`](crate::Kernels::dots_i16).
    pub fn padded_columns(&self) -> usize {
        self.columns.next_multiple_of(LANES)
    }

    /// The value of one unit of a column, and of one unit of its dot products with integer rows.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The value of one unit of a dot product with a row of
    /// [`decode_i16`](crate::Kernels::decode_i16), a vector times 32,766.
    pub fn unit(&self) -> f64 {
        self.step / f64::from(ONE)
    }

    /// Error bounds of scores, for rows that are within `row_error`
    /// ([`CodecI16::row_error`](crate::CodecI16::row_error)) of vectors no longer than 1 + 1e-5.
    ///
    /// For a column `q`, a row `x` and their quantised values `q'` and `x'`, Cauchy-Schwarz gives
    ///
    /// ```text
    /// |q'·x' - q·x| = |(q' - q)·x + q'·(x' - x)| <= |q' - q| |x| + |q'| |x' - x|
    /// ```
    ///
    /// where `|q' - q|` is known and `|x' - x|` given. The chain of `dim` f32 multiply-adds is off
    /// by at most `γ(dim) |q| |x|`, with `γ(n) = n u / (1 - n u)` and `u = 2^-24`, and by half the
    /// smallest float in each step. A maximum is off by no more than its inputs. The sum of `n`
    /// maxima, each at most `|q| |x|`, adds `γ(n)` of them; the rounding of f64 is far below that.
    pub fn errors(&self, row_error: f64) -> ScoreErrors {
        match &self.lengths {
            Some(lengths) => errors(self.dim, lengths, row_error),
            None => ScoreErrors::UNKNOWN,
        }
    }

    /// `[n_panels][dim / 2]`.
    pub(super) fn pairs(&self) -> &[Pairs] {
        &self.pairs
    }
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// Error bounds of screening scores: see [`PanelsI16::errors`].
#[derive(Clone, Copy, Debug)]
pub struct ScoreErrors {
    /// The maximum difference between the sum over the columns of `best * unit`, in f64, and
    /// [`maxsim`](crate::Kernels::maxsim) over the same columns, where `best` is from
    /// [`dots_i16`](crate::Kernels::dots_i16) of one or more rows, initialised with [`i32::MIN`].
    pub maxsim: f64,
    /// The maximum difference between `dot * unit` of any row and column, in f64, and the dot
    /// product of [`max_dots`](crate::Kernels::max_dots).
    pub dot: f64,
}

impl ScoreErrors {
    const UNKNOWN: ScoreErrors = ScoreErrors {
        maxsim: f64::INFINITY,
        dot: f64::INFINITY,
    };
}

fn errors(dim: usize, lengths: &[[f64; 2]], row_error: f64) -> ScoreErrors {
    const LONGEST_ROW: f64 = 1.0 + 1e-5;
    /// For the rounding of f64 here.
    const ROUNDED: f64 = 1.0 + 1e-6;
    let gamma = |n: usize| {
        let nu = n as f64 * f64::from(f32::EPSILON) / 2.0;
        if nu < 0.5 {
            nu / (1.0 - nu)
        } else {
            f64::INFINITY
        }
    };
    let total: f64 = lengths.iter().map(|[length, _]| length).sum();
    if total == 0.0 {
        return ScoreErrors {
            maxsim: 0.0,
            dot: 0.0,
        };
    }
    if total > f64::from(f32::MAX) / 4.0 {
        return ScoreErrors::UNKNOWN;
    }
    let chain = gamma(dim);
    let underflow = dim as f64 * 2f64.powi(-149);
    let column = |[length, rest]: &[f64; 2]| {
        // The quantisation error is a difference that f64 rounded.
        let rest = rest + 1e-12 * length;
        rest * LONGEST_ROW + (length + rest) * row_error + length * LONGEST_ROW * chain + underflow
    };
    let columns = || lengths.iter().map(column);
    let largest = total * LONGEST_ROW * (1.0 + chain) + lengths.len() as f64 * underflow;
    ScoreErrors {
        maxsim: (columns().sum::<f64>() + largest * gamma(lengths.len() + 1)) * ROUNDED,
        dot: columns().fold(0.0, f64::max) * ROUNDED,
    }
}
