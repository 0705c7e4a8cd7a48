//! `colidx bench`

use clap::Args;

use super::{
    EffortArgs, IndexArg, QueryFileArgs, QueryModelArgs, RunOutArgs, thread_count, up_to_a_million,
};

/// Flags of `colidx bench`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx bench --index scifact.colidx --queries queries.jsonl\n  \
    colidx bench --index scifact.colidx --query-embeddings q.npy -k 100 --run-out run.trec")]
pub struct BenchArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The queries.
    #[command(flatten)]
    pub queries: QueryFileArgs,

    /// Hits per query.
    #[arg(short = 'k', value_name = "K", default_value_t = 10, value_parser = up_to_a_million())]
    pub k: u32,

    /// Concurrent searches, one thread each; with --parallel, threads per search.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = thread_count())]
    pub threads: u16,

    /// Run one search at a time, on all threads of --threads.
    #[arg(long)]
    pub parallel: bool,

    /// Measured rounds over all queries, after one warm-up round.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to_a_million())]
    pub repeat: u32,

    /// Measure one round without warm-up, so that disk reads count.
    #[arg(long, conflicts_with = "repeat")]
    pub cold: bool,

    /// Search effort.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Where the hits go too.
    #[command(flatten)]
    pub run_out: RunOutArgs,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,
}
