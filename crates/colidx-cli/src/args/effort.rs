//! How much work a search does.

use clap::Args;

use super::at_least_one;
use colidx::SearchOptions;

/// Flags that trade latency for recall.
#[derive(Debug, Args)]
pub struct EffortArgs {
    /// Score every document exactly instead of generating candidates.
    #[arg(long)]
    pub exact: bool,

    /// Centroids probed per query token [default: 32].
    #[arg(
        long, alias = "probes", value_name = "N",
        conflicts_with = "exact", value_parser = at_least_one()
    )]
    pub n_probe: Option<u32>,

    /// Candidates to re-rank with partial MaxSim [default: by k and documents, from 120 + 6k].
    #[arg(long, value_name = "N", conflicts_with = "exact", value_parser = at_least_one())]
    pub candidates: Option<u32>,

    /// Documents to re-rank with full MaxSim [default: by k and documents, from 12 + 1.6k].
    #[arg(
        long, alias = "finalists", value_name = "N",
        conflicts_with = "exact", value_parser = at_least_one()
    )]
    pub rerank: Option<u32>,
}

impl EffortArgs {
    /// A search for `k` hits.
    pub fn options(&self, k: usize) -> SearchOptions {
        let defaults = SearchOptions::default();
        defaults
            .clone()
            .k(k)
            .exact(self.exact)
            .n_probe(self.n_probe.map_or(defaults.n_probe, |n| n as usize))
            .candidates(self.candidates.map(|n| n as usize))
            .rerank(self.rerank.map(|n| n as usize))
    }
}
