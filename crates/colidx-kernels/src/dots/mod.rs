//! Dot products of f32 rows with columns, and their maxima, MaxSim and nearest columns.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tile;

use crate::kernels::dispatch;
use crate::{Kernels, Panels, RowsView};

/// The best column for a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// The column, the lowest of equal ones.
    pub index: u32,
    /// Its bias plus its dot product with the row.
    pub score: f32,
}

impl Kernels {
    /// `out[r][c] = bias[c] + rows[r] · column c`, `out` being `[n_rows, padded_columns]` and zero
    /// in missing columns.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows or `out` has another length.
    pub fn dots(self, rows: &[f32], panels: &Panels, out: &mut [f32]) {
        let n = row_count(rows, panels);
        assert_eq!(
            out.len(),
            n * panels.padded_columns(),
            "`out` is [n_rows, padded_columns]"
        );
        let rows = RowsView::new(rows, panels.dim());
        dispatch!(self, dots(rows, panels, out, panels.padded_columns()));
    }

    /// As [`dots`](Kernels::dots), with the rows of `out` `stride` floats apart: one group of
    /// columns of a wider matrix. Values between the padded columns of a row and the next row are
    /// left unchanged.
    ///
    /// # Panics
    /// If rows and columns have different dimensions, `stride` is below `padded_columns`, or `out`
    /// ends before the padded columns of the last row.
    pub fn dots_strided(self, rows: RowsView<'_>, panels: &Panels, out: &mut [f32], stride: usize) {
        assert_eq!(
            rows.dim(),
            panels.dim(),
            "rows and columns have the same dimensions"
        );
        let n = rows.len();
        let width = panels.padded_columns();
        assert!(
            stride >= width,
            "rows {stride} apart do not hold {width} columns"
        );
        assert!(
            n == 0 || out.len() >= (n - 1) * stride + width,
            "`out` holds {n} rows of {width}, {stride} apart"
        );
        if n > 0 && width > 0 {
            let out = &mut out[..(n - 1) * stride + width];
            dispatch!(self, dots(rows, panels, out, stride));
        }
    }

    /// `best[c] = max(best[c], bias[c] + rows[r] · column c)` over all rows, `best` being
    /// `[padded_columns]`.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows or `best` has another length.
    pub fn max_dots(self, rows: &[f32], panels: &Panels, best: &mut [f32]) {
        row_count(rows, panels);
        assert_eq!(
            best.len(),
            panels.padded_columns(),
            "`best` is [padded_columns]"
        );
        dispatch!(self, max_dots(rows, panels, best));
    }

    /// MaxSim (ColBERT, arXiv 2004.12832, section 3.2): the sum over the columns, in order, of the
    /// largest dot product with any row; minus infinity without rows. `best` is scratch space, left
    /// with the maximum of each column.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows.
    pub fn maxsim(self, rows: &[f32], panels: &Panels, best: &mut Vec<f32>) -> f32 {
        best.clear();
        best.resize(panels.padded_columns(), f32::NEG_INFINITY);
        self.max_dots(rows, panels, best);
        if rows.is_empty() {
            return f32::NEG_INFINITY;
        }
        best[..panels.columns()].iter().fold(0.0, |sum, b| sum + b)
    }

    /// The column with the largest `bias + dot product` for each row; `out` is `[n_rows]`.
    ///
    /// # Panics
    /// If `rows` is no whole number of rows, `out` has another length, or there are rows and no
    /// columns.
    pub fn nearest(self, rows: &[f32], panels: &Panels, out: &mut [Nearest]) {
        let n = row_count(rows, panels);
        assert_eq!(out.len(), n, "`out` is [n_rows]");
        assert!(
            n == 0 || panels.columns() > 0,
            "no column is nearest of none"
        );
        dispatch!(self, nearest(rows, panels, out));
    }
}

fn row_count(rows: &[f32], panels: &Panels) -> usize {
    assert!(
        rows.len().is_multiple_of(panels.dim()),
        "{} floats are no whole number of rows of {} dimensions",
        rows.len(),
        panels.dim()
    );
    rows.len() / panels.dim()
}

#[cfg(test)]
mod tests;
