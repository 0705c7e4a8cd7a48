//! `colidx bench`

use std::path::PathBuf;

use clap::Args;

use super::{EffortArgs, IndexArg, QueryModelArgs};

/// Flags of `colidx bench`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx bench --index scifact.colidx --queries queries.jsonl\n  \
    colidx bench --index scifact.colidx --query-embeddings queries.npy -k 100 --threads 4 --run-out run.trec")]
pub struct BenchArgs {
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

    /// Hits a query.
    #[arg(short = 'k', value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub k: u32,

    /// Searches at a time, each on one thread; with --parallel, threads that one search is spread over.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,

    /// Spread each search over the threads, one search at a time.
    #[arg(long)]
    pub parallel: bool,

    /// Rounds of all queries, after one round to warm up; the figures are over all of them.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub repeat: u32,

    /// Measure one round without one to warm up, so that reading from disk counts.
    #[arg(long, conflicts_with = "repeat")]
    pub cold: bool,

    /// How hard to try.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Also write the hits as a TREC run.
    ///
    /// Links are followed; pipes, devices and /dev/stdout are written through. A file that is already there is replaced only
    /// with --force, and never one of an index or one that is read.
    #[arg(long, value_name = "FILE")]
    pub run_out: Option<PathBuf>,

    /// Replace the file of --run-out if it is already there.
    #[arg(long, requires = "run_out")]
    pub force: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,
}
