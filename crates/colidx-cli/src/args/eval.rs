//! `colidx eval`

use std::path::PathBuf;

use clap::Args;

use super::{
    ByArgs, EffortArgs, IndexArg, QueryFileArgs, QueryModelArgs, ScopeArgs, ThreadsArg,
    up_to_a_million,
};

/// Flags of `colidx eval`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv --metrics map")]
pub struct EvalArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The queries.
    #[command(flatten)]
    pub queries: QueryFileArgs,

    /// Relevance judgements: TREC qrels, BEIR TSV or JSON.
    ///
    /// Grades may have fractions: ndcg uses them as they are, the other metrics count 1 or more as
    /// relevant.
    #[arg(long, value_name = "FILE")]
    pub qrels: PathBuf,

    /// Metrics: ndcg@K, recall@K, mrr@K, map@K, success@K, p@K; ndcg, mrr and map also without @K.
    #[arg(long, value_name = "LIST", default_value = "ndcg@10,recall@100,mrr@10")]
    pub metrics: String,

    /// Hits per query, at least the deepest cut-off of the metrics [default: that cut-off; 1000 for
    /// metrics without one].
    #[arg(short = 'k', value_name = "K", value_parser = up_to_a_million())]
    pub k: Option<u32>,

    /// Ignore hits whose key equals the query's key, as BEIR does for ArguAna.
    #[arg(long)]
    pub ignore_identical_ids: bool,

    /// Which documents.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// By vectors, words or both.
    #[command(flatten)]
    pub by: ByArgs,

    /// Search effort.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Also measure an exact search, and how many of its top hits the default search finds.
    #[arg(long, conflicts_with = "exact")]
    pub vs_exact: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print JSON on a terminal too.
    #[arg(long)]
    pub json: bool,
}
