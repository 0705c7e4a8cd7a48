//! Ranking of scored documents, while they come.

use crate::snapshot::Place;
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

    /// The best `k`, and those that score as the last of them, in no order.
    pub(super) fn into_scored(mut self) -> Vec<(f32, Place)> {
        self.shrink();
        self.scored
    }
}
