//! `colidx eval`

use std::path::PathBuf;

use clap::Args;

use super::{EffortArgs, IndexArg, QueryModelArgs, ThreadsArg, up_to_a_million};

/// Flags of `colidx eval`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv --metrics map")]
pub struct EvalArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Query file: JSON Lines with `_id` and `text`, or TSV with id and text; `-` for standard
    /// input.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "query_embeddings"
    )]
    pub queries: Option<PathBuf>,

    /// Query vectors instead of text: .npy, [queries, tokens, dim], f32 or f16.
    ///
    /// Keys come from --queries; without it they are row numbers from 0.
    #[arg(long, value_name = "FILE.npy")]
    pub query_embeddings: Option<PathBuf>,

    /// Relevance judgements: TREC qrels or BEIR TSV.
    #[arg(long, value_name = "FILE")]
    pub qrels: PathBuf,

    /// Metrics: ndcg@K, recall@K, mrr@K, map@K, success@K, p@K; ndcg, mrr and map also without @K.
    #[arg(long, value_name = "LIST", default_value = "ndcg@10,recall@100,mrr@10")]
    pub metrics: String,

    /// Hits per query [default: the deepest cut-off of the metrics, 1000 for those without one].
    #[arg(short = 'k', value_name = "K", value_parser = up_to_a_million())]
    pub k: Option<u32>,

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
}
