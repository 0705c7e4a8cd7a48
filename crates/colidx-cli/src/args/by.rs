//! Whether a search goes by vectors, words or both.

use super::numbers::weight;
use clap::{Args, ValueEnum};
use colidx::{Fusion, SearchBy};

const HEADING: &str = "Searching by words";

/// Flags that choose what a search goes by.
#[derive(Debug, Clone, Args)]
pub struct ByArgs {
    /// Search by words alone (BM25): "phrases", +required and -excluded words; needs no model.
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["hybrid", "exact", "query_embeddings"])]
    pub lexical: bool,

    /// Search by vectors and words together.
    #[arg(long, help_heading = HEADING)]
    pub hybrid: bool,

    /// How --hybrid combines both scores: a weighted sum, reciprocal ranks, or the best by words
    /// ranked by vectors.
    #[arg(
        long, help_heading = HEADING, value_enum, value_name = "convex|rrf|rerank",
        requires = "hybrid", default_value_t = FusionName::Convex, hide_possible_values = true
    )]
    pub fusion: FusionName,

    /// Weight in --hybrid's sum, W x MaxSim + (1 - W) x BM25, 0 to 1 [default: 0.965].
    #[arg(long, help_heading = HEADING, value_name = "W", requires = "hybrid", value_parser = weight)]
    pub weight: Option<f32>,
}

/// Names of fusions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FusionName {
    /// A weighted sum.
    Convex,
    /// Reciprocal rank fusion, k = 60.
    Rrf,
    /// Candidates by words, ranked by vectors.
    Rerank,
}

impl ByArgs {
    /// What the flags say.
    pub fn search_by(&self) -> SearchBy {
        if self.lexical {
            return SearchBy::Words;
        }
        if !self.hybrid {
            return SearchBy::Vectors;
        }
        SearchBy::Both(match (self.fusion, self.weight) {
            (FusionName::Convex, None) => Fusion::default(),
            (FusionName::Convex, Some(weight)) => Fusion::Convex { weight },
            (FusionName::Rrf, _) => Fusion::ReciprocalRank { k: 60.0 },
            (FusionName::Rerank, _) => Fusion::Rerank,
        })
    }
}
