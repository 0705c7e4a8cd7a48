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

    /// The share of the exact top K to find, such as 0.95, instead of the default effort.
    ///
    /// Chosen by what `colidx tune` measured on the index, and refused where it measured nothing.
    /// 1 is --exact.
    #[arg(
        long, value_name = "SHARE", value_parser = share,
        conflicts_with_all = ["exact", "candidates", "rerank"]
    )]
    pub recall: Option<f64>,

    /// Centroids probed per query token [default: by k, documents and query, from 24].
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
            .recall(self.recall)
            .n_probe(self.n_probe.map(|n| n as usize))
            .candidates(self.candidates.map(|n| n as usize))
            .rerank(self.rerank.map(|n| n as usize))
    }
}
