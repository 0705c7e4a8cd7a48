//! Embedding tables.

use candle_core::Tensor;

use crate::EncoderError;
use crate::ops::Backend;

/// A table with a vector for each token or position, `[rows, width]`.
pub(super) struct Embedding {
    rows: usize,
    table: Tensor,
}

impl Embedding {
    /// A table of `values`, `[rows, width]` row-major.
    pub(super) fn new(
        values: &[f32],
        width: usize,
        backend: &Backend,
    ) -> Result<Embedding, EncoderError> {
        let table = backend.matrix(values, width);
        Ok(Embedding {
            rows: values.len() / width,
            table: table.map_err(EncoderError::compute)?,
        })
    }

    /// The vectors of `ids`, `[ids, width]`.
    ///
    /// # Errors
    /// If an id is outside the table.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Tensor, EncoderError> {
        let rows = self.rows;
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= rows) {
            return Err(EncoderError::TokenWithoutEmbedding { id, rows });
        }
        let ids = Tensor::from_slice(ids, ids.len(), self.table.device());
        ids.and_then(|ids| self.table.index_select(&ids, 0))
            .map_err(EncoderError::compute)
    }
}
