//! Vectors in 8 bits.

use colidx_kernels::RowsU8;
use rayon::prelude::*;

use crate::nearest::ROWS;

/// The vectors of a block in 8 bits.
pub(super) struct QuantizedRows {
    dim: usize,
    /// [`ROWS`] vectors in each but the last.
    pieces: Vec<RowsU8>,
    lengths: Vec<f32>,
}

impl QuantizedRows {
    pub(super) fn new(vectors: &[f32], dim: usize) -> QuantizedRows {
        let kernels = colidx_kernels::kernels();
        let pieces = vectors.par_chunks(ROWS * dim).map(|vectors| {
            let mut rows = RowsU8::default();
            kernels.quantize_rows(&mut rows, vectors, dim, dim);
            rows
        });
        let length = |vector: &[f32]| kernels.squared_length(vector).sqrt() as f32;
        QuantizedRows {
            dim,
            pieces: pieces.collect(),
            lengths: vectors.par_chunks(dim).map(length).collect(),
        }
    }

    /// Replaces `out` by the listed rows.
    pub(super) fn gather(&self, rows: impl Iterator<Item = u32>, out: &mut RowsU8) {
        out.reset(self.dim);
        for row in rows {
            let (piece, at) = self.place(row);
            out.push(piece, at);
        }
    }

    /// The quantisation step of a row.
    pub(super) fn step(&self, row: u32) -> f32 {
        let (piece, at) = self.place(row);
        piece.step(at)
    }

    /// The length of a vector.
    pub(super) fn length(&self, row: u32) -> f32 {
        self.lengths[row as usize]
    }

    fn place(&self, row: u32) -> (&RowsU8, usize) {
        (&self.pieces[row as usize / ROWS], row as usize % ROWS)
    }
}
