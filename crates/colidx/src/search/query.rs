//! Query vectors, checked and laid out for the kernels.

use crate::error::{Error, Result};
use colidx_kernels::{CoarsePanels, Int16Panels, Panels};

/// The token vectors of one query. Make it once, search with it as often as you like.
#[derive(Debug, Clone)]
pub struct Query {
    vectors: Vec<f32>,
    panels: Panels,
    screening: Int16Panels,
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

    /// The vectors with each dimension multiplied by its step, so that products with rows that are counted in steps are
    /// products with the rows.
    pub(super) fn scaled(&self, steps: &[f32]) -> CoarsePanels {
        let rows = self.vectors.chunks_exact(self.dim());
        let scaled: Vec<f32> = rows
            .flat_map(|row| row.iter().zip(steps).map(|(x, step)| x * step))
            .collect();
        CoarsePanels::new(&scaled, self.dim())
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
