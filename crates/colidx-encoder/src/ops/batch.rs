//! Sequences packed into a batch.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::{Backend, Parallelism};

/// One sequence of a packed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Its rows in the batch.
    pub(crate) rows: Range<usize>,
    /// All tokens attend to its first `attended` tokens, and to no others.
    pub(crate) attended: usize,
}

/// Token ids of several sequences without padding, and what operations on them need.
pub(crate) struct Batch {
    /// `[tokens]`.
    pub(crate) ids: Vec<u32>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) parallelism: Parallelism,
    padded: Option<Padded>,
}

/// Maps packed rows to sequences padded to equal length and back, for candle's operations.
pub(crate) struct Padded {
    /// The row at each padded position, `[sequences * longest]` u32; padding repeats row 0.
    pub(super) gather: Tensor,
    /// The padded position of each row, `[tokens]` u32.
    pub(super) scatter: Tensor,
    /// 1 for keys that are attended to, 0 for others, `[sequences, 1, 1, longest]` f32.
    pub(super) attended: Tensor,
}

impl Batch {
    /// Packs sequences, given as ids and the number of tokens that are attended to.
    pub(crate) fn new<'a>(
        sequences: impl Iterator<Item = (&'a [u32], usize)>,
        parallelism: Parallelism,
        backend: &Backend,
    ) -> Result<Batch> {
        let mut batch = Batch {
            ids: Vec::new(),
            sequences: Vec::new(),
            parallelism,
            padded: None,
        };
        for (ids, attended) in sequences {
            let start = batch.ids.len();
            batch.ids.extend_from_slice(ids);
            batch.sequences.push(Sequence {
                rows: start..batch.ids.len(),
                attended,
            });
        }
        if let Backend::Candle(device) = backend {
            let (count, longest) = (batch.sequences.len(), batch.longest());
            let mut gather = vec![0u32; count * longest];
            let mut scatter = vec![0u32; batch.ids.len()];
            let mut attended = vec![0f32; count * longest];
            for (i, sequence) in batch.sequences.iter().enumerate() {
                let positions = i * longest..(i + 1) * longest;
                for (row, position) in sequence.rows.clone().zip(positions.clone()) {
                    gather[position] = row as u32;
                    scatter[row] = position as u32;
                }
                attended[positions][..sequence.attended].fill(1.0);
            }
            batch.padded = Some(Padded {
                gather: Tensor::from_vec(gather, count * longest, device)?,
                scatter: Tensor::from_vec(scatter, batch.ids.len(), device)?,
                attended: Tensor::from_vec(attended, (count, 1, 1, longest), device)?,
            });
        }
        Ok(batch)
    }

    /// The length of the longest sequence.
    pub(crate) fn longest(&self) -> usize {
        let lengths = self.sequences.iter().map(|sequence| sequence.rows.len());
        lengths.max().unwrap_or(0)
    }

    /// The position of each token in its sequence, `[tokens]`.
    pub(crate) fn positions(&self) -> Vec<u32> {
        let positions = self.sequences.iter().map(|s| 0..s.rows.len() as u32);
        positions.flatten().collect()
    }

    /// `x`, `[tokens, width]`, with zeros for tokens that are not attended to.
    pub(crate) fn zero_unattended(&self, x: &Tensor) -> Result<Tensor> {
        let whole = |sequence: &Sequence| sequence.attended == sequence.rows.len();
        if self.sequences.iter().all(whole) {
            return Ok(x.clone());
        }
        let attended: Vec<f32> = (self.sequences.iter())
            .flat_map(|s| (0..s.rows.len()).map(move |position| f32::from(position < s.attended)))
            .collect();
        let column = (attended.len(), 1);
        x.broadcast_mul(&Tensor::from_vec(attended, column, x.device())?)
    }

    /// The padded form; only present for candle's operations.
    pub(super) fn padded(&self) -> Option<&Padded> {
        self.padded.as_ref()
    }
}
