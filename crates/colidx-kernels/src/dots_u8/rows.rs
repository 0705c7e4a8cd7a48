//! Rows of 8-bit integers.

use super::quantize::quantize_row;
use super::{MAX_DIM, QUAD};
use crate::Kernels;

/// Rows quantised to 8 bits: value `q` of a row stands for `offset + scale q`.
///
/// Reusable without new allocations.
#[derive(Clone, Debug, Default)]
pub struct RowsU8 {
    dim: usize,
    /// `[n_rows, dim rounded up to 4]`, the added dimensions zero.
    values: Vec<u8>,
    ranges: Vec<Range>,
}

/// The range of a row's values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Range {
    /// The value of 0: the row's minimum.
    pub(super) offset: f32,
    /// The value of one unit: a 255th of the row's range.
    pub(super) scale: f32,
}

impl Kernels {
    /// Replaces what `out` holds by `rows`, of which the first `dim` of every `stride` values are
    /// used.
    ///
    /// A row with a value that is not finite gets a scale that is not finite, and so do its
    /// products.
    ///
    /// # Panics
    /// If `dim` is 0, above the stride or above 66,000.
    pub fn quantize_rows(self, out: &mut RowsU8, rows: &[f32], dim: usize, stride: usize) {
        assert!(
            (1..=stride.min(MAX_DIM)).contains(&dim),
            "{dim} dimensions in rows of {stride}, at most {MAX_DIM} are possible"
        );
        out.dim = dim;
        let n = rows.len().div_ceil(stride);
        let out_stride = out.stride();
        out.values.resize(n * out_stride, 0);
        out.ranges.resize(n, Range::default());
        for ((row, values), range) in rows
            .chunks(stride)
            .zip(out.values.chunks_exact_mut(out_stride))
            .zip(&mut out.ranges)
        {
            values[dim..].fill(0);
            let (row, values) = (&row[..dim], &mut values[..dim]);
            *range = quantize_row(self, row, values);
        }
    }
}

impl RowsU8 {
    /// Removes all rows, and keeps their memory for rows of `dim` dimensions.
    pub fn reset(&mut self, dim: usize) {
        self.dim = dim;
        self.values.clear();
        self.ranges.clear();
    }

    /// Appends row `row` of `other`.
    ///
    /// # Panics
    /// If there is no such row, or it has other dimensions.
    pub fn push(&mut self, other: &RowsU8, row: usize) {
        assert_eq!(other.dim, self.dim, "all rows have the same dimensions");
        let stride = self.stride();
        let values = &other.values[row * stride..][..stride];
        self.values.extend_from_slice(values);
        self.ranges.push(other.ranges[row]);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Dimensions of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The values of row `row`, dequantised.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f32> + '_ {
        let Range { offset, scale } = self.ranges[row];
        self.values[row * self.stride()..][..self.dim]
            .iter()
            .map(move |&value| offset + scale * f32::from(value))
    }

    /// The quantisation step of row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn step(&self, row: usize) -> f32 {
        self.ranges[row].scale
    }

    /// Bytes from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.dim.next_multiple_of(QUAD)
    }

    pub(super) fn values(&self) -> &[u8] {
        &self.values
    }

    pub(super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }
}
