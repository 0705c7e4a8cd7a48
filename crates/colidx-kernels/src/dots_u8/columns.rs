//! The layout of 8-bit columns.

use super::quantize::quantize_column;
use super::{MAX_DIM, QUAD};
use crate::panels::Line;
use crate::{LANES, kernels};

/// Four dimensions of the sixteen columns of a panel, `[16][4]`: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Quads(pub(super) [i8; LANES * QUAD]);

/// Columns quantised to 8 bits and laid out for the kernels: panels of [`LANES`] columns,
/// `[n_panels][dim / 4][16][4]` i8, 64-byte aligned; missing columns and dimensions are zero.
#[derive(Clone, Debug)]
pub struct PanelsI8 {
    dim: usize,
    columns: usize,
    quads: Vec<Quads>,
    factors: Vec<Factors>,
}

/// The factors that scale the exact sums of one panel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    /// The value of one unit of each column.
    pub(super) step: Line,
    /// The sum of each column's values, to be multiplied with a row's offset.
    pub(super) sum: Line,
    pub(super) bias: Line,
    /// 128 times the integer sum of each column's values: the difference where rows are stored 128
    /// less.
    pub(super) lacking: [i32; LANES],
}

impl PanelsI8 {
    /// Quantises `columns`, `[n, dim]` f32 row-major, one row for each column, whose dot products
    /// start from `bias`, `[n]` or empty for none. Each column's largest magnitude becomes 127.
    ///
    /// # Panics
    /// If `dim` is 0 or above 66,000, the length is no multiple of it, or there is not one bias for
    /// each column.
    pub fn new(columns: &[f32], dim: usize, bias: &[f32]) -> PanelsI8 {
        assert!(
            dim > 0 && columns.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions",
            columns.len()
        );
        assert!(
            dim <= MAX_DIM,
            "{dim} dimensions, at most {MAX_DIM} are possible"
        );
        let n = columns.len() / dim;
        assert!(
            bias.is_empty() || bias.len() == n,
            "one bias for each column"
        );
        let none = Line([0.0; LANES]);
        let depth = dim.div_ceil(QUAD);
        let mut panels = PanelsI8 {
            dim,
            columns: n,
            quads: vec![Quads([0; LANES * QUAD]); n.div_ceil(LANES) * depth],
            factors: vec![
                Factors {
                    step: none,
                    sum: none,
                    bias: none,
                    lacking: [0; LANES],
                };
                n.div_ceil(LANES)
            ],
        };
        let kernels = kernels();
        let mut values = vec![0i8; depth * QUAD];
        for (i, column) in columns.chunks_exact(dim).enumerate() {
            let (panel, lane) = (i / LANES, i % LANES);
            let step = quantize_column(kernels, column, &mut values[..dim]);
            let quads = &mut panels.quads[panel * depth..][..depth];
            for (quads, value) in quads.iter_mut().zip(values.as_chunks::<QUAD>().0) {
                quads.0.as_chunks_mut::<QUAD>().0[lane] = *value;
            }
            let factors = &mut panels.factors[panel];
            let sum: i32 = values.iter().map(|&value| i32::from(value)).sum();
            factors.step.0[lane] = step;
            factors.sum.0[lane] = step * sum as f32;
            factors.lacking[lane] = 128 * sum;
            if let Some(&bias) = bias.get(i) {
                factors.bias.0[lane] = bias;
            }
        }
        panels
    }

    /// Dimensions of a column.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Columns rounded up to whole panels.
    pub fn padded_columns(&self) -> usize {
        self.factors.len() * LANES
    }

    /// The value of one unit of column `column`.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn step(&self, column: usize) -> f32 {
        self.factors[column / LANES].step.0[column % LANES]
    }

    /// The values of column `column`, dequantised.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f32> + '_ {
        let (panel, lane) = (column / LANES, column % LANES);
        let (step, depth) = (self.step(column), self.dim.div_ceil(QUAD));
        self.quads[panel * depth..][..depth]
            .iter()
            .flat_map(move |quads| &quads.0.as_chunks::<QUAD>().0[lane])
            .take(self.dim)
            .map(move |&value| step * f32::from(value))
    }

    /// `[n_panels][dim / 4]`.
    pub(super) fn quads(&self) -> &[Quads] {
        &self.quads
    }

    /// `[n_panels]`.
    pub(super) fn factors(&self) -> &[Factors] {
        &self.factors
    }
}
