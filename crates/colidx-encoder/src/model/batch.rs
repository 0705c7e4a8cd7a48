//! Sequences packed one after the other.

use crate::ops::{Sequence, Threads};
use crate::text::Tokens;

/// Token ids of several sequences without padding between them.
pub(crate) struct Batch {
    /// `[tokens]`.
    pub(crate) ids: Vec<u32>,
    /// Place of each token in its sequence, `[tokens]`.
    pub(crate) positions: Vec<u32>,
    pub(crate) sequences: Vec<Sequence>,
    /// What each operation on this batch may use.
    pub(crate) threads: Threads,
}

impl Batch {
    /// Packs `texts` in their order.
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a Tokens>, threads: Threads) -> Batch {
        let mut batch = Batch {
            ids: Vec::new(),
            positions: Vec::new(),
            sequences: Vec::new(),
            threads,
        };
        for tokens in texts {
            let start = batch.ids.len();
            batch.ids.extend_from_slice(&tokens.ids);
            batch.positions.extend(0..tokens.ids.len() as u32);
            batch.sequences.push(Sequence {
                rows: start..batch.ids.len(),
                attended: tokens.attended,
            });
        }
        batch
    }
}
