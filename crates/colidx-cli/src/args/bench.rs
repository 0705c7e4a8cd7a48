//! `colidx bench`

use std::path::PathBuf;

use clap::Args;

use super::{EffortArgs, IndexArg, QueryFileArgs, QueryModelArgs, thread_count, up_to_a_million};

/// Flags of `colidx bench`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
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

    /// Run one search at a time, each on all threads.
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

    /// Also write the hits as a TREC run.
    ///
    /// Links are followed; pipes, devices and /dev/stdout are written to directly. An existing
    /// file is replaced only with --force, and never if it is part of an index or an input.
    #[arg(long, value_name = "FILE")]
    pub run_out: Option<PathBuf>,

    /// Replace the file of --run-out if it exists.
    #[arg(long, requires = "run_out")]
    pub force: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,
}
