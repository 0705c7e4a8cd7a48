//! How hard a search tries.

use clap::Args;
use colidx::SearchOptions;

/// Flags that trade time for the hits that an exact search finds.
#[derive(Debug, Args)]
pub struct EffortArgs {
    /// Score every document instead of the likely ones.
    #[arg(long)]
    pub exact: bool,

    /// Centroids probed for each query token [default: 32].
    #[arg(long, value_name = "N", conflicts_with = "exact", value_parser = clap::value_parser!(u32).range(1..))]
    pub probes: Option<u32>,

    /// Documents looked at closer, by their vectors near the query [default: 120 + sqrt(documents)/4 + 6k].
    #[arg(long, value_name = "N", conflicts_with = "exact", value_parser = clap::value_parser!(u32).range(1..))]
    pub candidates: Option<u32>,

    /// Documents scored exactly [default: 16 + 1.6k].
    #[arg(long, value_name = "N", conflicts_with = "exact", value_parser = clap::value_parser!(u32).range(1..))]
    pub finalists: Option<u32>,
}

impl EffortArgs {
    /// A search for `k` hits.
    pub fn options(&self, k: usize) -> SearchOptions {
        let defaults = SearchOptions::default();
        defaults
            .clone()
            .k(k)
            .exact(self.exact)
            .n_probe(self.probes.map_or(defaults.n_probe, |n| n as usize))
            .candidates(self.candidates.map(|n| n as usize))
            .rerank(self.finalists.map(|n| n as usize))
    }
}
