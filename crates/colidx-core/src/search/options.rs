//! How hard a search tries.

use super::tuning;

/// How to search. [`SearchOptions::default`] gives the measured defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// Hits wanted. A search returns fewer only when there are fewer documents with vectors.
    pub k: usize,
    /// Score every document exactly. Without it that is done where it is no slower.
    pub exact: bool,
    /// Centroids probed for each query token; more find more candidates.
    pub n_probe: usize,
    /// Candidates to score by partial MaxSim; `None` chooses by the size of the index and `k`.
    /// With no more than `rerank` all of them are scored exactly instead.
    pub candidates: Option<usize>,
    /// Documents to score by exact MaxSim, at least `k`; `None` chooses by `k`.
    pub rerank: Option<usize>,
    /// Spread one search over the threads of the current rayon pool. The hits are the same. Many
    /// searches at a time are faster on one thread each.
    pub parallel: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            exact: false,
            n_probe: tuning::N_PROBE,
            candidates: None,
            rerank: None,
            parallel: false,
        }
    }
}

impl SearchOptions {
    /// Documents to score by exact MaxSim.
    pub(super) fn rerank_depth(&self) -> usize {
        self.rerank.unwrap_or(tuning::rerank(self.k)).max(self.k)
    }

    /// Candidates to score by partial MaxSim, in an index of `documents`.
    pub(super) fn num_candidates(&self, documents: u64) -> usize {
        let chosen = tuning::candidates(self.k, documents);
        self.candidates.unwrap_or(chosen).max(self.rerank_depth())
    }
}
