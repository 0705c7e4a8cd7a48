//! How much work a search does.

use clap::Args;

use super::numbers::{at_least_one, share};
use colidx::SearchOptions;

/// Flags that trade latency for recall.
#[derive(Debug, Args)]
pub struct EffortArgs {
    /// Score every document exactly instead of generating candidates.
    #[arg(long)]
    pub exact: bool,

    /// Find this share of the exact top K, such as 0.95, instead of using the default effort.
    ///
    /// What `colidx tune` measured on the index decides the effort; an index without measurements
    /// is refused. 1 is --exact.
    #[arg(
        long, value_name = "SHARE", value_parser = share,
        conflicts_with_all = ["exact", "candidates", "rerank"]
    )]
    pub recall: Option<f64>,

    /// Centroids to probe per query token [default: at least 24, by k, documents and query].
    #[arg(
        long, alias = "probes", value_name = "N",
        conflicts_with = "exact", value_parser = at_least_one()
    )]
    pub n_probe: Option<u32>,

    /// Candidates to score with partial MaxSim [default: at least 120 + 6k, by k and documents].
    #[arg(long, value_name = "N", conflicts_with = "exact", value_parser = at_least_one())]
    pub candidates: Option<u32>,

    /// Documents to rerank with exact MaxSim [default: at least 12 + 1.6k, by k and documents].
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
            .recall(self.recall)
            .n_probe(self.n_probe.map(|n| n as usize))
            .candidates(self.candidates.map(|n| n as usize))
            .rerank(self.rerank.map(|n| n as usize))
    }
}
