//! Ranking of scored documents: score descending, then key ascending.

use super::Hit;
use crate::error::Result;
use crate::snapshot::{Place, Snapshot};
use std::cmp::Ordering;

/// Collects scored documents and keeps those that can still be among the best `k`.
pub(super) struct Ranking {
    k: usize,
    scored: Vec<(f32, Place)>,
    /// The `k`-th best score: nothing below it can enter. Minus infinity until there are `k`.
    threshold: f32,
}

impl Ranking {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            scored: Vec::new(),
            threshold: f32::NEG_INFINITY,
        }
    }

    pub(super) fn k(&self) -> usize {
        self.k
    }

    /// The `k`-th best score so far, minus infinity until there are `k`.
    pub(super) fn kth_score(&mut self) -> f32 {
        self.shrink();
        self.threshold
    }

    pub(super) fn push(&mut self, score: f32, place: Place) {
        if score < self.threshold {
            return;
        }
        self.scored.push((score, place));
        if self.scored.len() >= self.k.saturating_mul(2).max(1024) {
            self.shrink();
        }
    }

    /// Drops what is below the `k`-th score. Equal scores stay: keys decide between them.
    fn shrink(&mut self) {
        if self.k == 0 || self.scored.len() < self.k {
            return;
        }
        let (_, kth, _) = self
            .scored
            .select_nth_unstable_by(self.k - 1, |a, b| b.0.total_cmp(&a.0));
        self.threshold = kth.0;
        self.scored
            .retain(|s| s.0.total_cmp(&self.threshold) != Ordering::Less);
    }

    /// The best `k`, with their metadata where that is wanted.
    pub(super) fn into_hits(mut self, snapshot: &Snapshot, metadata: bool) -> Result<Vec<Hit>> {
        self.shrink();
        let mut ranked = Vec::with_capacity(self.scored.len());
        for (score, place) in self.scored {
            ranked.push((score, snapshot.key(place)?, place));
        }
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        ranked.truncate(self.k);
        let hit = |(score, key, place): (f32, &str, Place)| {
            let stored = metadata.then(|| snapshot.text(place)).transpose()?;
            Ok(Hit {
                doc: snapshot.doc_id(place),
                key: key.to_owned(),
                score,
                metadata: stored.map(|stored| stored.metadata),
            })
        };
        ranked.into_iter().map(hit).collect()
    }
}
