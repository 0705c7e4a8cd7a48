//! The layout of columns of seven bits, and how many dimensions can be added up in 16 bits.

use super::{CHUNK, QUAD};
use crate::LANES;

/// What the largest magnitude of all columns becomes. Two products with unsigned bytes, 2 * 255 * 63, fit 16 bits.
const LARGEST: i8 = 63;

/// The most that the magnitudes of a lane's values may add up to in one group: times -128, a row's largest byte, that fits
/// 16 bits.
const ROOM: i32 = i16::MAX as i32 / 128;

/// Four dimensions of the sixteen columns of a panel, `[16][4]`: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Quads(pub(super) [i8; LANES * QUAD]);

/// What the sums of a panel's columns start from where rows are unsigned, each value 128 more than it is: -128 times the
/// sum of each column's values.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Starts(pub(super) [i32; LANES]);

/// Dimensions that are added up without a break, in steps of four: where each group ends, which is no further than the end
/// of a chunk, and what each starts from, `[n_panels][n_groups]`.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    pub(super) ends: Vec<usize>,
    pub(super) starts: Vec<Starts>,
}

/// Columns (query tokens) quantised to seven bits, -63..=63, by one common scale and laid out for
/// [`coarse_dots`](crate::coarse_dots): panels of [`LANES`] columns, `[n_panels][dim / 4][16][4]` i8, 64-byte aligned;
/// missing columns and dimensions are zero.
///
/// The scale makes the largest magnitude of all columns 63.
#[derive(Clone, Debug)]
pub struct CoarsePanels {
    dim: usize,
    columns: usize,
    quads: Vec<Quads>,
    step: f64,
    shift: u32,
    narrow: Groups,
    wide: Groups,
}

impl CoarsePanels {
    /// Quantises `columns`, `[n, dim]` f32 row-major, one row for each column. Where a value is not finite all columns
    /// become zero.
    ///
    /// # Panics
    /// If `dim` is 0 or the length is no multiple of it.
    pub fn new(columns: &[f32], dim: usize) -> CoarsePanels {
        assert!(
            dim > 0 && columns.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions",
            columns.len()
        );
        let n = columns.len() / dim;
        let depth = dim.div_ceil(QUAD);
        let largest = columns.iter().fold(0.0f32, |max, q| max.max(q.abs()));
        let step = if columns.iter().all(|q| q.is_finite()) {
            f64::from(largest) / f64::from(LARGEST)
        } else {
            0.0
        };
        let mut quads = vec![Quads([0; LANES * QUAD]); n.div_ceil(LANES) * depth];
        if step > 0.0 {
            for (i, column) in columns.chunks_exact(dim).enumerate() {
                let (panel, lane) = (i / LANES, i % LANES);
                let panel = &mut quads[panel * depth..][..depth];
                for (d, &q) in column.iter().enumerate() {
                    let units = (f64::from(q) / step).round_ties_even() as i8;
                    panel[d / QUAD].0[lane * QUAD + d % QUAD] = units;
                }
            }
        }
        let ends = narrow_ends(&quads, depth);
        CoarsePanels {
            dim,
            columns: n,
            step,
            shift: shift(&quads, depth),
            narrow: groups(&quads, depth, ends, |[a, b, c, d]| {
                // Two 16-bit sums, the first in the low half.
                ((-128 * (c + d)) << 16) | ((-128 * (a + b)) & 0xffff)
            }),
            wide: groups(&quads, depth, wide_ends(depth), |sums| {
                sums.iter().sum::<i32>().wrapping_mul(-128)
            }),
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

    /// Columns rounded up to whole panels: the row length of the output of [`coarse_dots`](crate::coarse_dots).
    pub fn padded_columns(&self) -> usize {
        self.columns.next_multiple_of(LANES)
    }

    /// The values of a column, `[dim]`, for [`picked_dots`](crate::picked_dots).
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

    /// What one unit of a column is worth, and so one unit of its dot products.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// How far [`coarse_dots`](crate::coarse_dots) shifts dot products down, for every one to fit 16 bits.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// `[n_panels][dim / 4]`.
    pub(super) fn quads(&self) -> &[Quads] {
        &self.quads
    }

    /// Groups for 16-bit sums, two for each column: of the first two and of the last two of each four dimensions.
    pub(super) fn narrow(&self) -> &Groups {
        &self.narrow
    }

    /// Groups for 32-bit sums: the chunks.
    pub(super) fn wide(&self) -> &Groups {
        &self.wide
    }
}

/// How far the largest dot product there can be is shifted down to fit 16 bits.
fn shift(quads: &[Quads], depth: usize) -> u32 {
    let mut most = 0;
    for panel in quads.chunks_exact(depth) {
        let mut sums = [0u64; LANES];
        for quad in panel {
            for (sum, values) in sums.iter_mut().zip(quad.0.as_chunks::<QUAD>().0) {
                *sum += values
                    .iter()
                    .map(|q| u64::from(q.unsigned_abs()))
                    .sum::<u64>();
            }
        }
        most = sums.into_iter().fold(most, u64::max);
    }
    // A row's values are -128 at least.
    let bits = u64::BITS - (most * 128).leading_zeros();
    (bits + 1).saturating_sub(i16::BITS)
}

/// Ends the groups as late as 16-bit sums allow in every column. Four dimensions always fit.
fn narrow_ends(quads: &[Quads], depth: usize) -> Vec<usize> {
    let mut used = vec![0; quads.len() / depth * LANES * 2];
    let mut ends = Vec::new();
    for d in 0..depth {
        let next: Vec<i32> = quads
            .chunks_exact(depth)
            .flat_map(|panel| panel[d].0.as_chunks::<2>().0)
            .map(|&[a, b]| i32::from(a.abs()) + i32::from(b.abs()))
            .collect();
        let full = used
            .iter()
            .zip(&next)
            .any(|(used, next)| used + next > ROOM);
        if full || (d > 0 && d.is_multiple_of(CHUNK)) {
            ends.push(d);
            used.fill(0);
        }
        for (used, next) in used.iter_mut().zip(next) {
            *used += next;
        }
    }
    ends.push(depth);
    ends
}

/// Ends the groups where chunks end.
fn wide_ends(depth: usize) -> Vec<usize> {
    (0..depth)
        .step_by(CHUNK)
        .map(|from| depth.min(from + CHUNK))
        .collect()
}

/// `start` has the four sums, over a group, of the dimensions that are first, second, third and last in their four.
fn groups(
    quads: &[Quads],
    depth: usize,
    ends: Vec<usize>,
    start: impl Fn([i32; QUAD]) -> i32,
) -> Groups {
    let mut starts = Vec::with_capacity(quads.len() / depth * ends.len());
    for panel in quads.chunks_exact(depth) {
        let mut from = 0;
        for &end in &ends {
            let mut sums = [[0; QUAD]; LANES];
            for quad in &panel[from..end] {
                for (sums, values) in sums.iter_mut().zip(quad.0.as_chunks::<QUAD>().0) {
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum += i32::from(value);
                    }
                }
            }
            starts.push(Starts(sums.map(&start)));
            from = end;
        }
    }
    Groups { ends, starts }
}
