//! Query vectors, checked and laid out for the kernels.

use super::merged::Merged;
use crate::error::{Error, Result};
use colidx_kernels::{CoarsePanels, Int16Panels, Panels};

/// The token vectors of one query. Make it once, search with it as often as you like.
#[derive(Debug, Clone)]
pub struct Query {
    vectors: Vec<f32>,
    panels: Panels,
    screening: Int16Panels,
    merged: Merged,
}

impl Query {
    /// Takes `[n_tokens, dim]` f32 row-major.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyQuery`] without vectors, [`Error::Dimension`] when the values are no whole number
    /// of vectors, [`Error::NonFinite`] for NaN or infinity.
    pub fn new(vectors: &[f32], dim: usize) -> Result<Self> {
        if vectors.is_empty() {
            return Err(Error::EmptyQuery);
        }
        if dim == 0 || !vectors.len().is_multiple_of(dim) {
            return Err(Error::Dimension {
                what: "the query".into(),
                expected: dim,
                got: vectors.len(),
            });
        }
        if let Some(at) = vectors.iter().position(|v| !v.is_finite()) {
            return Err(Error::NonFinite {
                what: "the query".into(),
                row: at / dim,
                column: at % dim,
                value: vectors[at],
            });
        }
        Ok(Self {
            vectors: vectors.to_vec(),
            panels: Panels::new(vectors, dim),
            screening: Int16Panels::new(vectors, dim),
            merged: Merged::new(vectors, dim),
        })
    }

    /// Number of token vectors.
    pub fn tokens(&self) -> usize {
        self.panels.columns()
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.panels.dim()
    }

    pub(crate) fn panels(&self) -> &Panels {
        &self.panels
    }

    /// The vectors in 16 bits.
    pub(super) fn screening(&self) -> &Int16Panels {
        &self.screening
    }

    /// The means of tokens that lie close together, with each dimension multiplied by its step, so that products with rows that are counted in steps are
    /// products with the rows. `longest` is the coarse length of these.
    pub(super) fn scaled(&self, steps: &[f32], longest: f64) -> CoarsePanels {
        let rows = self.merged.vectors().chunks_exact(self.dim());
        let scaled: Vec<f32> = rows
            .flat_map(|row| row.iter().zip(steps).map(|(x, step)| x * step))
            .collect();
        CoarsePanels::new(&scaled, self.dim(), longest)
    }

    /// The sum of the vectors, as a column to multiply mean residuals with.
    pub(super) fn lean(&self, scales: &[f32]) -> CoarsePanels {
        let mut sum = vec![0f32; self.dim()];
        for row in self.vectors.chunks_exact(self.dim()) {
            for (sum, x) in sum.iter_mut().zip(row) {
                *sum += x;
            }
        }
        for (sum, scale) in sum.iter_mut().zip(scales) {
            *sum *= scale / crate::segment::means::UNITS;
        }
        CoarsePanels::new(&sum, self.dim(), 0.0)
    }

    /// Tokens that lie close together, taken as one.
    pub(super) fn merged(&self) -> &Merged {
        &self.merged
    }

    pub(crate) fn check_dim(&self, dim: usize) -> Result<()> {
        if dim == self.dim() {
            return Ok(());
        }
        Err(Error::Dimension {
            what: "the query".into(),
            expected: dim,
            got: self.dim(),
        })
    }
}
