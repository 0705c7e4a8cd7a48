//! Query vectors, checked and laid out for the kernels.

use super::query_pooling::PooledTokens;
use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::format::check_dim;
use colidx_kernels::{Panels, PanelsI7, PanelsI16};

/// The largest score allowed: half of what an f32 holds, which leaves room for rounding.
const MAX_SCORE: f64 = (1u128 << 127) as f64;

/// The token vectors of one query. Make it once and search with it as often as you like.
#[derive(Debug, Clone)]
pub struct Query {
    vectors: Vec<f32>,
    /// The sum of their lengths.
    length: f64,
    panels: Panels,
    screening: PanelsI16,
    pooled: PooledTokens,
}

impl Query {
    /// Takes `[n_tokens, dim]` f32 row-major.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyQuery`] without vectors, [`Error::PartialVector`] when the values are no whole
    /// number of vectors, [`Error::Option`] when they have more than
    /// [`MAX_DIM`](crate::MAX_DIM) values, [`Error::NonFinite`] for NaN or infinity.
    pub fn new(vectors: &[f32], dim: usize) -> Result<Self> {
        if vectors.is_empty() {
            return Err(Error::EmptyQuery);
        }
        if dim == 0 || !vectors.len().is_multiple_of(dim) {
            return Err(Error::PartialVector {
                values: vectors.len(),
                dim,
            });
        }
        // Before anything is laid out, which takes many times the memory of a wide vector.
        check_dim(dim)?;
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
            length: vectors.chunks_exact(dim).map(length).sum(),
            panels: Panels::new(vectors, dim),
            screening: PanelsI16::new(vectors, dim),
            pooled: PooledTokens::new(vectors, dim),
        })
    }

    /// MaxSim with a document that need not be in an index (ColBERT, section 3.2): the sum over
    /// query tokens, in order, of the largest dot product with one of `vectors`, `[n_tokens, dim]`
    /// f32 row-major. `None` without vectors.
    ///
    /// # Errors
    ///
    /// [`Error::PartialVector`] when the values are no whole number of vectors,
    /// [`Error::NonFinite`] for NaN or infinity, and for a product that is neither.
    pub fn maxsim(&self, vectors: &[f32]) -> Result<Option<f32>> {
        let dim = self.dim();
        if !vectors.len().is_multiple_of(dim) {
            return Err(Error::PartialVector {
                values: vectors.len(),
                dim,
            });
        }
        let refused = |what: &str, at: usize, value: f32| Error::NonFinite {
            what: what.into(),
            row: at / dim,
            column: at % dim,
            value,
        };
        if let Some(at) = vectors.iter().position(|v| !v.is_finite()) {
            return Err(refused("the document", at, vectors[at]));
        }
        if vectors.is_empty() {
            return Ok(None);
        }
        let score = colidx_kernels::kernels().maxsim(vectors, &self.panels, &mut Vec::new());
        match score.is_finite() {
            true => Ok(Some(score)),
            false => Err(refused("the product of query and document", 0, score)),
        }
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
    pub(super) fn screening(&self) -> &PanelsI16 {
        &self.screening
    }

    /// The pooled tokens as columns for centroid rows that are counted in steps: each dimension is
    /// multiplied by its step. `longest` is the coarse length of the rows.
    pub(super) fn centroid_panels(&self, steps: &[f32], longest: f64) -> PanelsI7 {
        let rows = self.pooled.means().chunks_exact(self.dim());
        let scaled: Vec<f32> = rows
            .flat_map(|row| row.iter().zip(steps).map(|(x, step)| x * step))
            .collect();
        PanelsI7::new(&scaled, self.dim(), longest)
    }

    /// The sum of the vectors, as a column: its product with a document's mean residual is the
    /// document's residual bias.
    pub(super) fn residual_bias(&self, scales: &[f32]) -> PanelsI7 {
        let mut sum = vec![0f32; self.dim()];
        for row in self.vectors.chunks_exact(self.dim()) {
            for (sum, x) in sum.iter_mut().zip(row) {
                *sum += x;
            }
        }
        for (sum, scale) in sum.iter_mut().zip(scales) {
            *sum *= scale / crate::segment::mean_residuals::UNITS;
        }
        PanelsI7::new(&sum, self.dim(), 0.0)
    }

    /// The query tokens, pooled.
    pub(super) fn pooled(&self) -> &PooledTokens {
        &self.pooled
    }

    /// Refuses an index of another dimension, and one with which scores might not fit an f32.
    ///
    /// No product of two vectors, nor a partial sum of it, exceeds the product of their lengths
    /// (Cauchy-Schwarz). So no score exceeds the sum of the lengths of the query's vectors times
    /// the greatest length of a document's vector.
    pub(crate) fn check(&self, book: &Codebook) -> Result<()> {
        if book.dim != self.dim() {
            return Err(Error::QueryDimension {
                expected: book.dim,
                got: self.dim(),
            });
        }
        // At least 1, so that a mean of query vectors fits too.
        let most = MAX_SCORE / book.longest().max(1.0);
        if self.length <= most {
            return Ok(());
        }
        Err(Error::QueryTooLong {
            token: self.longest_token(),
            got: self.length,
            most,
        })
    }

    /// The token with the longest vector, the first of those.
    fn longest_token(&self) -> usize {
        let lengths = self.vectors.chunks_exact(self.dim()).map(length);
        let longest = lengths
            .enumerate()
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        longest.map_or(0, |(token, _)| token)
    }
}

fn length(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|&x| f64::from(x).powi(2));
    squares.sum::<f64>().sqrt()
}
