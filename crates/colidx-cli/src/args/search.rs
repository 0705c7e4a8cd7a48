//! `colidx search`

use clap::Args;

use super::{
    ByArgs, EffortArgs, IndexArg, QueryFileArgs, QueryModelArgs, RunOutArgs, ScopeArgs, ThreadsArg,
    up_to_a_million,
};

/// Flags of `colidx search`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx search --index docs.colidx \"how do I open a memory map\"\n  \
    colidx search --index docs.colidx                                  # interactive\n  \
    colidx search --index docs.colidx -k 100 --queries queries.jsonl --run-out run.trec\n  \
    colidx search --index docs.colidx --json \"memory map\" | jq .key\n  \
    colidx search --index docs.colidx --hybrid --filter \"year >= 2020\" \"memory map\"\n  \
    colidx search --index docs.colidx --lexical '+mmap \"memory map\" -windows'")]
pub struct SearchArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The query. Without it and without a query file, search is interactive.
    #[arg(value_name = "QUERY", conflicts_with_all = ["queries", "query_embeddings", "run_out"])]
    pub query: Option<String>,

    /// The queries.
    #[command(flatten)]
    pub queries: QueryFileArgs,

    /// Hits per query [default: 10; 100 for a query file].
    #[arg(short = 'k', value_name = "K", value_parser = up_to_a_million())]
    pub k: Option<u32>,

    /// Which documents.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// By vectors, words or both.
    #[command(flatten)]
    pub by: ByArgs,

    /// Search effort.
    #[command(flatten)]
    pub effort: EffortArgs,

    /// Print one JSON object per hit.
    #[arg(long, conflicts_with = "run_out")]
    pub json: bool,

    /// Report the work of the search and its time.
    #[arg(long)]
    pub stats: bool,

    /// Show which query token matched which word, for each hit.
    #[arg(long, conflicts_with_all = ["queries", "query_embeddings"])]
    pub explain: bool,

    /// Add the best passage of each hit to its JSON object: text, place, and the words that
    /// matched.
    #[arg(long, requires = "json", conflicts_with_all = ["queries", "query_embeddings"])]
    pub snippets: bool,

    /// Where the run goes.
    #[command(flatten)]
    pub run_out: RunOutArgs,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}
