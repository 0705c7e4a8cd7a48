//! Tables of vectors.

use candle_core::Tensor;

use crate::EncoderError;
use crate::ops::Placement;

/// A table with a vector for each token or place, `[rows, width]`.
pub(super) struct Embedding(Tensor);

impl Embedding {
    /// A table of `values`, `[rows, width]` row-major.
    pub(super) fn new(
        values: &[f32],
        width: usize,
        placement: &Placement,
    ) -> Result<Embedding, EncoderError> {
        Ok(Embedding(placement.matrix(values, width)?))
    }

    /// The vectors of `ids`, `[ids, width]`.
    ///
    /// # Errors
    /// If an id is beyond the table.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Tensor, EncoderError> {
        let (rows, _) = self.0.dims2()?;
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= rows) {
            return Err(EncoderError::TokenWithoutEmbedding { id, rows });
        }
        let ids = Tensor::from_slice(ids, ids.len(), self.0.device())?;
        Ok(self.0.index_select(&ids, 0)?)
    }
}
