//! `colidx rerank`

use std::path::PathBuf;

use clap::Args;

use super::{QueryFileArgs, QueryModelArgs, RunOutArgs, ThreadsArg, up_to_a_million};

/// Flags of `colidx rerank`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx rerank --index docs.colidx --run first.trec --queries queries.jsonl > best.trec\n  \
    colidx rerank --model answerdotai/answerai-colbert-small-v1 \"memory map\" notes/ draft.txt\n  \
    jq -c . found.jsonl | colidx rerank --model models/colbert \"memory map\" -\n\n\
    With --run, only the documents that the run names for a query are scored, by exact MaxSim.\n\
    Texts need no index: they are encoded and scored, long ones by passages. --format, --id-field\n\
    and --text-field then say how to read the texts.")]
pub struct RerankArgs {
    /// The query that the texts are scored for.
    #[arg(
        value_name = "QUERY",
        conflicts_with_all = ["run", "run_out"],
        required_unless_present = "run"
    )]
    pub query: Option<String>,

    /// Texts to score: files and folders as `colidx build` reads them; `-` for standard input.
    #[arg(
        value_name = "TEXTS",
        requires = "query",
        required_unless_present = "run"
    )]
    pub texts: Vec<PathBuf>,

    /// TREC run with the documents to score; `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "index")]
    pub run: Option<PathBuf>,

    /// Index with the documents of the run.
    #[arg(long, value_name = "DIR", requires = "run")]
    pub index: Option<PathBuf>,

    /// The queries of the run.
    #[command(flatten)]
    pub queries: QueryFileArgs,

    /// Hits per query [default: all].
    #[arg(short = 'k', value_name = "K", value_parser = up_to_a_million())]
    pub k: Option<u32>,

    /// Print one JSON object per hit.
    #[arg(long, conflicts_with = "run_out")]
    pub json: bool,

    /// Where the run goes.
    #[command(flatten)]
    pub run_out: RunOutArgs,

    /// The checkpoint.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}
