//! The layout of seven-bit columns, and the norms for which their sums fit 16 bits.

use super::{CHUNK, QUAD};
use crate::LANES;
use crate::round::nearest;

/// The largest magnitude of all columns after scaling. Two products with unsigned
/// bytes, `2 * 255 * 63`, fit 16 bits.
const LARGEST: i8 = 63;

/// The greatest norm of the rounding errors of half a chunk, each at most a half.
const ROUNDING: f64 = 4.0;
const _: () = assert!((CHUNK * QUAD / 2) as f64 / 4.0 <= ROUNDING * ROUNDING);

/// More dimensions might overflow 32 bits: two 16-bit sums for every chunk.
const MAX_DIM: usize = (CHUNK * QUAD) << 15;

/// Four dimensions of the sixteen columns of a panel, `[16][4]`: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Quads(pub(super) [i8; LANES * QUAD]);

/// Initial sums of a panel's columns for unsigned rows, whose values are 128 too large: -128 times
/// the sum of each column's values.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Starts(pub(super) [i32; LANES]);

/// The greatest norm of half a chunk of `rows`, `[n_rows, dim]` bytes: of the first two, or of the
/// last two, of each four of 128 dimensions. [`PanelsI7`] are scaled for rows of at most this norm.
///
/// # Panics
/// If `dim` is 0 or the length is no multiple of it.
pub fn max_chunk_norm(rows: &[i8], dim: usize) -> f64 {
    assert!(
        dim > 0 && rows.len().is_multiple_of(dim),
        "{} integers are no whole number of rows of {dim} dimensions",
        rows.len()
    );
    let square = |x: &i8| u32::from(x.unsigned_abs()).pow(2);
    let chunks = rows
        .chunks_exact(dim)
        .flat_map(|row| row.chunks(CHUNK * QUAD));
    let squares = chunks.map(|chunk| {
        let (quads, rest) = chunk.as_chunks::<QUAD>();
        let mut sums = [0; 2];
        for [a, b, c, d] in quads {
            sums[0] += square(a) + square(b);
            sums[1] += square(c) + square(d);
        }
        for (i, x) in rest.iter().enumerate() {
            sums[i / 2] += square(x);
        }
        sums[0].max(sums[1])
    });
    f64::from(squares.max().unwrap_or(0)).sqrt()
}

/// Columns (query tokens) quantised to seven bits, -63..=63, by one common scale and laid out for
/// [`dots_i8`](crate::Kernels::dots_i8): panels of [`LANES`] columns, `[n_panels][dim / 4][16][4]`
/// i8, 64-byte aligned; missing columns and dimensions are zero.
///
/// The scale makes the largest magnitude of all columns 63, or less if half a chunk of a column and
/// of a row ([`max_chunk_norm`]) could have a product of more than 16 bits.
#[derive(Clone, Debug)]
pub struct PanelsI7 {
    dim: usize,
    columns: usize,
    quads: Vec<Quads>,
    step: f64,
    shift: u32,
    narrow: Vec<Starts>,
    wide: Vec<Starts>,
}

impl PanelsI7 {
    /// Quantises `columns`, `[n, dim]` f32 row-major, one row for each column, for rows whose
    /// [`max_chunk_norm`] is at most `longest`; 0 is for columns that only
    /// [`gather_dots`](crate::Kernels::gather_dots) multiplies. If a value is not finite, all
    /// columns become zero.
    ///
    /// # Panics
    /// If `dim` is 0 or more than 4 million, or the length is no multiple of it.
    pub fn new(columns: &[f32], dim: usize, longest: f64) -> PanelsI7 {
        assert!(
            (1..=MAX_DIM).contains(&dim) && columns.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions, of which there are at most {MAX_DIM}",
            columns.len()
        );
        let n = columns.len() / dim;
        let depth = dim.div_ceil(QUAD);
        let largest = columns.iter().fold(0.0f32, |max, q| max.max(q.abs()));
        let step = if columns.iter().all(|q| q.is_finite()) {
            // Even with rounding, no product of halves exceeds the product of their norms.
            let room = f64::from(i16::MAX) / longest - ROUNDING;
            (f64::from(largest) / f64::from(LARGEST)).max(longest_half(columns, dim) / room)
        } else {
            0.0
        };
        let mut quads = vec![Quads([0; LANES * QUAD]); n.div_ceil(LANES) * depth];
        if step > 0.0 {
            for (i, column) in columns.chunks_exact(dim).enumerate() {
                let (panel, lane) = (i / LANES, i % LANES);
                let panel = &mut quads[panel * depth..][..depth];
                for (d, &q) in column.iter().enumerate() {
                    let units = nearest(f64::from(q) / step) as i8;
                    panel[d / QUAD].0[lane * QUAD + d % QUAD] = units;
                }
            }
        }
        PanelsI7 {
            dim,
            columns: n,
            step,
            shift: shift(&quads, depth, longest),
            narrow: starts(&quads, depth, |[a, b, c, d]| {
                // Two 16-bit sums, the first in the low half.
                ((-128 * (c + d)) << 16) | ((-128 * (a + b)) & 0xffff)
            }),
            wide: starts(&quads, depth, |sums| -128 * sums.iter().sum::<i32>()),
            quads,
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

    /// Columns rounded up to whole panels: the row length of the output of
    /// [`dots_i8`](crate::Kernels::dots_i8).
    pub fn padded_columns(&self) -> usize {
        self.columns.next_multiple_of(LANES)
    }

    /// The values of a column, `[dim]`, for [`gather_dots`](crate::Kernels::gather_dots).
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> Vec<i16> {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        let depth = self.dim.div_ceil(QUAD);
        let panel = &self.quads[column / LANES * depth..][..depth];
        let lane = column % LANES * QUAD;
        let values = panel.iter().flat_map(|quads| &quads.0[lane..][..QUAD]);
        values.take(self.dim).map(|&q| i16::from(q)).collect()
    }

    /// The value of one unit of a column, and so of one unit of its dot products.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// How far [`dots_i8`](crate::Kernels::dots_i8) shifts dot products right, so that all fit 16
    /// bits.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// `[n_panels][dim / 4]`.
    pub(super) fn quads(&self) -> &[Quads] {
        &self.quads
    }

    /// Initial 16-bit sums of the chunks, two for each column: of the first two and of the last two
    /// of each four dimensions.
    pub(super) fn narrow(&self) -> &[Starts] {
        &self.narrow
    }

    /// Initial 32-bit sums of the chunks.
    pub(super) fn wide(&self) -> &[Starts] {
        &self.wide
    }
}

/// The greatest norm of half a chunk of the columns.
fn longest_half(columns: &[f32], dim: usize) -> f64 {
    let chunks = columns
        .chunks_exact(dim)
        .flat_map(|column| column.chunks(CHUNK * QUAD));
    let halves = chunks.flat_map(|chunk| {
        let mut halves = [0.0f64; 2];
        for (d, &q) in chunk.iter().enumerate() {
            halves[d % QUAD / 2] += f64::from(q) * f64::from(q);
        }
        halves
    });
    halves.fold(0.0, f64::max).sqrt()
}

/// How far the largest possible dot product must be shifted right to fit 16 bits.
fn shift(quads: &[Quads], depth: usize, longest: f64) -> u32 {
    let mut most = 0.0f64;
    for panel in quads.chunks_exact(depth) {
        let mut sums = [0.0; LANES];
        for chunk in panel.chunks(CHUNK) {
            let mut halves = [[0; 2]; LANES];
            for quad in chunk {
                let (pairs, _) = quad.0.as_chunks::<2>();
                for (sum, pair) in halves.as_flattened_mut().iter_mut().zip(pairs) {
                    *sum += pair
                        .iter()
                        .map(|&q| i32::from(q) * i32::from(q))
                        .sum::<i32>();
                }
            }
            for (sum, halves) in sums.iter_mut().zip(halves) {
                *sum += halves
                    .iter()
                    .map(|&half| f64::from(half).sqrt())
                    .sum::<f64>();
            }
        }
        most = sums.into_iter().fold(most, f64::max);
    }
    let bits = u64::BITS - ((most * longest) as u64).leading_zeros();
    (bits + 1).saturating_sub(i16::BITS)
}

/// Initial sums for unsigned rows, `[n_panels][n_chunks]`: `start` gets the four sums, over a
/// chunk, of the first, second, third and last dimension of each four.
fn starts(quads: &[Quads], depth: usize, start: impl Fn([i32; QUAD]) -> i32) -> Vec<Starts> {
    let panels = quads.chunks_exact(depth);
    let chunks = panels.flat_map(|panel| panel.chunks(CHUNK));
    chunks
        .map(|chunk| {
            let mut sums = [[0; QUAD]; LANES];
            for quad in chunk {
                for (sums, values) in sums.iter_mut().zip(quad.0.as_chunks::<QUAD>().0) {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum += i32::from(value);
                    }
                }
            }
            Starts(sums.map(&start))
        })
        .collect()
}
