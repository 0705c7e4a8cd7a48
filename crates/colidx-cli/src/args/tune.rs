//! `colidx tune`

use clap::Args;

use super::{IndexArg, QueryFileArgs, QueryModelArgs, ThreadsArg, up_to_a_million};

/// Flags of `colidx tune`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx tune --index docs.colidx --queries queries.jsonl\n  \
    colidx search --index docs.colidx --recall 0.95 \"how do I open a memory map\"\n\n\
    A hundred queries like those of your users are enough. Each is also answered by exact search,\n\
    which takes seconds in a large index. Tune again when the index has twice as many documents,\n\
    and after `compact --retrain`.")]
pub struct TuneArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The queries.
    #[command(flatten)]
    pub queries: QueryFileArgs,

    /// Numbers of hits to measure.
    #[arg(
        short = 'k', value_name = "K,...", value_delimiter = ',',
        default_value = "10,100", value_parser = up_to_a_million()
    )]
    pub k: Vec<u32>,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Threads of the exact searches. The measured searches have one each.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print JSON on a terminal too.
    #[arg(long)]
    pub json: bool,
}
