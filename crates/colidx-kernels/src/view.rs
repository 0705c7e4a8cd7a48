//! Rows within a wider matrix.

/// Rows of `dim` f32, `stride` floats apart: a matrix, or neighbouring columns of a wider one.
#[derive(Clone, Copy, Debug)]
pub struct RowsView<'a> {
    values: &'a [f32],
    dim: usize,
    stride: usize,
}

impl<'a> RowsView<'a> {
    /// The rows of `values`, `[n_rows, dim]` row-major.
    ///
    /// # Panics
    /// If `dim` is 0 or `values` is no whole number of rows.
    pub fn new(values: &'a [f32], dim: usize) -> RowsView<'a> {
        assert!(
            dim > 0 && values.len().is_multiple_of(dim),
            "{} floats are no whole number of rows of {dim} dimensions",
            values.len()
        );
        RowsView {
            values,
            dim,
            stride: dim,
        }
    }

    /// The first `dim` of every `stride` floats of `values`; the last row may end where its `dim`
    /// floats do.
    ///
    /// # Panics
    /// If `dim` is 0 or above `stride`, or `values` ends inside the `dim` floats of a row.
    pub fn strided(values: &'a [f32], dim: usize, stride: usize) -> RowsView<'a> {
        assert!(
            (1..=stride).contains(&dim),
            "rows {stride} apart do not hold {dim} dimensions"
        );
        let rest = values.len() % stride;
        assert!(
            rest == 0 || rest >= dim,
            "{} floats end inside a row of {dim} dimensions, rows being {stride} apart",
            values.len()
        );
        RowsView {
            values,
            dim,
            stride,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len().div_ceil(self.stride)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Floats of a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The rows, each `[dim]`.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [f32]> {
        self.values
            .chunks(self.stride)
            .map(move |row| &row[..self.dim])
    }

    /// The same rows, `n` at a time.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn chunks(self, n: usize) -> impl Iterator<Item = RowsView<'a>> {
        let Self { dim, stride, .. } = self;
        self.values
            .chunks(n * self.stride)
            .map(move |values| RowsView {
                values,
                dim,
                stride,
            })
    }

    /// The first float of the first row; the second row is `stride` floats after it.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn as_ptr(&self) -> *const f32 {
        self.values.as_ptr()
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_apart() {
        let values: Vec<f32> = (0..23).map(|i| i as f32).collect();
        let rows = RowsView::strided(&values[1..], 2, 10);
        let all: Vec<&[f32]> = rows.iter().collect();
        assert_eq!(all, [[1.0, 2.0], [11.0, 12.0], [21.0, 22.0]]);
        assert_eq!((rows.len(), rows.dim(), rows.is_empty()), (3, 2, false));
        let chunks: Vec<usize> = rows.chunks(2).map(|chunk| chunk.len()).collect();
        assert_eq!(chunks, [2, 1]);
        assert!(RowsView::new(&[], 4).is_empty());
    }

    #[test]
    #[should_panic(expected = "end inside a row")]
    fn a_torn_row_is_refused() {
        RowsView::strided(&[0.0; 11], 2, 10);
    }
}
