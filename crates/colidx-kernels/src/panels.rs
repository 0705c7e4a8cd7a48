//! The layout of f32 columns.

use crate::transpose::transpose;
use crate::{RowsView, kernels};

/// Columns in one panel.
pub const LANES: usize = 16;

/// One dimension of the sixteen columns of a panel: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [f32; LANES]);

/// Columns (query tokens or centroids) laid out for the kernels: panels of [`LANES`] columns,
/// `[n_panels][dim][16]` f32, 64-byte aligned, the missing columns of the last panel zero.
///
/// Each column may carry a bias, the value its dot products start from. With `-|c|²/2` as the bias
/// of centroid `c`, the column with the largest `bias + x·c` is the centroid nearest to `x` by
/// Euclidean distance.
#[derive(Clone, Debug)]
pub struct Panels {
    dim: usize,
    columns: usize,
    lines: Vec<Line>,
    bias: Vec<Line>,
    /// `bias` with minus infinity in the missing columns, so that they never win an argmax.
    bias_masked: Vec<Line>,
}

impl Panels {
    /// Lays out `columns`, `[n, dim]` f32 row-major, one row for each column, with no bias.
    ///
    /// # Panics
    /// If `dim` is 0 or the length is no multiple of it.
    pub fn new(columns: &[f32], dim: usize) -> Panels {
        Panels::build(columns, dim, None)
    }

    /// Lays out `columns`, `[n, dim]` f32 row-major, whose dot products start from `bias`, `[n]`.
    ///
    /// # Panics
    /// If `dim` is 0, the length is no multiple of it, or there is not one bias for each column.
    pub fn with_bias(columns: &[f32], dim: usize, bias: &[f32]) -> Panels {
        Panels::build(columns, dim, Some(bias))
    }

    /// Lays out the columns of `matrix`, `[dim, n]` f32 row-major, with no bias.
    ///
    /// # Panics
    /// If `dim` is 0 or the length is no multiple of it.
    pub fn of_matrix(matrix: &[f32], dim: usize) -> Panels {
        assert!(
            dim > 0 && matrix.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions",
            matrix.len()
        );
        let mut panels = Panels::empty(dim);
        match matrix.len() / dim {
            0 => panels,
            columns => {
                panels.refill_columns_of(RowsView::new(matrix, columns));
                panels
            }
        }
    }

    /// No columns, of `dim` dimensions, to be filled later.
    ///
    /// # Panics
    /// If `dim` is 0.
    pub fn empty(dim: usize) -> Panels {
        assert!(dim > 0, "columns have dimensions");
        Panels {
            dim,
            columns: 0,
            lines: Vec::new(),
            bias: Vec::new(),
            bias_masked: Vec::new(),
        }
    }

    /// Replaces the columns by the rows of `rows`, each multiplied by `scale`, reusing memory.
    pub fn refill(&mut self, rows: RowsView<'_>, scale: f32) {
        let dim = rows.dim();
        self.reset(rows.len(), dim);
        for (rows, lines) in rows.chunks(LANES).zip(self.lines.chunks_exact_mut(dim)) {
            transpose(kernels(), rows, scale, lines);
        }
    }

    /// As [`refill`](Panels::refill), with dot products that start from `bias`, `[n_rows]`.
    ///
    /// # Panics
    /// If there is not one bias for each row.
    pub fn refill_with_bias(&mut self, rows: RowsView<'_>, bias: &[f32]) {
        assert_eq!(bias.len(), rows.len(), "one bias for each column");
        self.refill(rows, 1.0);
        for lines in [&mut self.bias, &mut self.bias_masked] {
            for (line, bias) in lines.iter_mut().zip(bias.chunks(LANES)) {
                line.0[..bias.len()].copy_from_slice(bias);
            }
        }
    }

    /// Replaces the columns by those of the matrix whose rows are `rows`, reusing memory.
    pub fn refill_columns_of(&mut self, rows: RowsView<'_>) {
        let (dim, columns) = (rows.len().max(1), rows.dim());
        self.reset(columns, dim);
        for (d, row) in rows.iter().enumerate() {
            for (panel, values) in row.chunks(LANES).enumerate() {
                self.lines[panel * dim + d].0[..values.len()].copy_from_slice(values);
            }
        }
    }

    /// Resizes to `columns` columns without bias, with zeros in the missing ones of the last panel.
    fn reset(&mut self, columns: usize, dim: usize) {
        let panels = columns.div_ceil(LANES);
        let (full, zero) = (columns / LANES, Line([0.0; LANES]));
        (self.dim, self.columns) = (dim, columns);
        self.lines.resize(panels * dim, zero);
        self.lines[full * dim..].fill(zero);
        self.bias.clear();
        self.bias.resize(panels, zero);
        self.bias_masked.clear();
        self.bias_masked.resize(panels, zero);
        for lane in columns - full * LANES..LANES {
            if let Some(last) = self.bias_masked.get_mut(full) {
                last.0[lane] = f32::NEG_INFINITY;
            }
        }
    }

    fn build(values: &[f32], dim: usize, bias: Option<&[f32]>) -> Panels {
        assert!(
            dim > 0 && values.len().is_multiple_of(dim),
            "{} floats are no whole number of columns of {dim} dimensions",
            values.len()
        );
        let mut panels = Panels::empty(dim);
        let rows = RowsView::new(values, dim);
        match bias {
            Some(bias) => panels.refill_with_bias(rows, bias),
            None => panels.refill(rows, 1.0),
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

    /// Number of columns rounded up to whole panels: the row length of the outputs of
    /// [`dots`](crate::Kernels::dots) and [`max_dots`](crate::Kernels::max_dots).
    pub fn padded_columns(&self) -> usize {
        self.panels() * LANES
    }

    pub(crate) fn panels(&self) -> usize {
        self.bias.len()
    }

    /// `[n_panels][dim]` lines.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// `[n_panels]` lines.
    pub(crate) fn bias(&self) -> &[Line] {
        &self.bias
    }

    /// `[n_panels]` lines, minus infinity in the missing columns.
    pub(crate) fn bias_masked(&self) -> &[Line] {
        &self.bias_masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_lie_transposed_and_padded() {
        let dim = 19;
        let columns: Vec<f32> = (0..17 * dim).map(|i| i as f32).collect();
        let bias: Vec<f32> = (0..17).map(|i| -(i as f32)).collect();
        let panels = Panels::with_bias(&columns, dim, &bias);
        assert_eq!((panels.columns(), panels.padded_columns()), (17, 32));
        assert_eq!(panels.lines()[2].0[5], columns[5 * dim + 2]);
        assert_eq!(panels.lines()[dim + 1].0[0], columns[16 * dim + 1]);
        assert_eq!(panels.lines()[dim + 1].0[1..], [0.0; 15]);
        assert_eq!(panels.bias()[1].0[..2], [-16.0, 0.0]);
        assert_eq!(panels.bias_masked()[1].0[..2], [-16.0, f32::NEG_INFINITY]);
        assert_eq!(panels.lines().as_ptr() as usize % 64, 0);
    }

    #[test]
    fn a_matrix_gives_its_columns() {
        let (dim, n) = (5, 19);
        let columns: Vec<f32> = (0..n * dim).map(|i| i as f32).collect();
        let matrix: Vec<f32> = (0..dim * n).map(|i| columns[i % n * dim + i / n]).collect();
        let (by_column, by_row) = (Panels::new(&columns, dim), Panels::of_matrix(&matrix, dim));
        assert_eq!(by_row.columns(), n);
        for (a, b) in [
            (by_column.lines(), by_row.lines()),
            (by_column.bias(), by_row.bias()),
            (by_column.bias_masked(), by_row.bias_masked()),
        ] {
            assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0));
        }
        assert_eq!(Panels::of_matrix(&[], 3).padded_columns(), 0);
    }

    #[test]
    fn no_columns_make_no_panels() {
        let panels = Panels::new(&[], 8);
        assert_eq!((panels.columns(), panels.padded_columns()), (0, 0));
    }
}
