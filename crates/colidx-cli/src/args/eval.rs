//! `colidx eval`

use std::path::PathBuf;

use clap::Args;

use super::{EffortArgs, IndexArg, QueryModelArgs, ThreadsArg};

/// Flags of `colidx eval`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv\n  \
    colidx eval --index scifact.colidx --queries queries.jsonl --qrels qrels.tsv --metrics ndcg@10,map --vs-exact")]
pub struct EvalArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// File of queries: JSON Lines with `_id` and `text`, or TSV with id and text.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "query_embeddings"
    )]
    pub queries: Option<PathBuf>,

    /// Query vectors instead of text: .npy, [queries, tokens, dim], f32 or f16. Keys are those of --queries, or row numbers.
    #[arg(long, value_name = "FILE.npy")]
    pub query_embeddings: Option<PathBuf>,

    /// Relevance judgements: TREC qrels or BEIR TSV.
    #[arg(long, value_name = "FILE")]
    pub qrels: PathBuf,

    /// What to measure: ndcg@K, recall@K, mrr@K, map, map@K, success@K.
    #[arg(long, value_name = "LIST", default_value = "ndcg@10,recall@100,mrr@10")]
    pub metrics: String,

    /// Hits a query [default: the deepest cut-off among the metrics, 1000 for those without one].
    #[arg(short = 'k', value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub k: Option<u32>,

    /// How hard to try.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Measure --exact on the same index too, and how much of its top hits the default search finds.
    #[arg(long, conflicts_with = "exact")]
    pub vs_exact: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// The threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}
