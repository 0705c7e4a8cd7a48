//! `colidx search`

use std::path::PathBuf;

use clap::Args;

use super::{EffortArgs, IndexArg, QueryModelArgs, ThreadsArg};

/// Flags of `colidx search`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx search --index docs.colidx \"how do I open a memory map\"\n  \
    colidx search --index docs.colidx                                  # interactive\n  \
    colidx search --index docs.colidx -k 100 --queries queries.jsonl --run-out run.trec\n  \
    colidx search --index docs.colidx --json \"memory map\" | jq .key")]
pub struct SearchArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// What to look for. Without it, and without a file of queries, search is interactive.
    #[arg(value_name = "QUERY", conflicts_with_all = ["queries", "query_embeddings"])]
    pub query: Option<String>,

    /// File of queries: JSON Lines with `_id` and `text`, or TSV with id and text; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub queries: Option<PathBuf>,

    /// Query vectors instead of text: .npy, [queries, tokens, dim], f32 or f16. Keys are those of --queries, or row numbers.
    #[arg(long, value_name = "FILE.npy")]
    pub query_embeddings: Option<PathBuf>,

    /// Hits a query [default: 10; for a file of queries 100].
    #[arg(short = 'k', value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub k: Option<u32>,

    /// How hard to try.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Print one JSON object a hit.
    #[arg(long, conflicts_with = "run_out")]
    pub json: bool,

    /// Report the work that the search did and the time it took.
    #[arg(long)]
    pub stats: bool,

    /// Show for each hit which query token matched which word.
    #[arg(long, conflicts_with_all = ["queries", "query_embeddings"])]
    pub explain: bool,

    /// Write the TREC run of a file of queries here instead of to standard output.
    ///
    /// Links are followed; pipes, devices and /dev/stdout are written through. A file that is already there is replaced only
    /// with --force, and never one of an index or one that is read.
    ///
    /// Keys that are empty or have white space, control or direction characters cannot stand in a run; --json takes them.
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub run_out: Option<PathBuf>,

    /// Replace the file of --run-out if it is already there.
    #[arg(long, requires = "run_out")]
    pub force: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// The threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}
