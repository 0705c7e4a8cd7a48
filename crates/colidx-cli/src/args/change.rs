//! `colidx add`, `colidx update`, `colidx delete` and `colidx compact`

use std::path::PathBuf;

use clap::Args;

use super::{
    AnalyzerArgs, Clustering, IndexArg, InputArgs, MemoryArg, QueryModelArgs, ThreadsArg,
    at_least_one,
};

/// The documents that `add` and `update` ingest.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// What to add.
    #[command(flatten)]
    pub input: InputArgs,

    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The checkpoint that made the index.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Fail if the index has a different pool factor. Documents are pooled as the index was built,
    /// with or without this flag.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_factor: Option<u32>,

    /// Memory limit.
    #[command(flatten)]
    pub memory: MemoryArg,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print a JSON summary.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx add`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx add news.jsonl --index docs.colidx\n  \
    colidx add notes/ --index notes.colidx --replace\n  \
    colidx add --embeddings vectors/ --index vectors.colidx\n\n\
    All documents become visible in one commit. A key that the index already has is an error\n\
    unless --replace is given.")]
pub struct AddArgs {
    /// What to add.
    #[command(flatten)]
    pub ingest: IngestArgs,

    /// Replace documents that have the same key.
    #[arg(long)]
    pub replace: bool,
}

/// Flags of `colidx update`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx update changed.jsonl --index docs.colidx\n\n\
    The same as `colidx add --replace`: a document with an existing key is replaced.")]
pub struct UpdateArgs {
    /// What to add.
    #[command(flatten)]
    pub ingest: IngestArgs,
}

/// Flags of `colidx delete`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx delete --index docs.colidx guide.md#3 guide.md#4\n  \
    colidx search --index docs.colidx --json \"old release\" | jq -r .key | \\\n    \
      colidx delete --index docs.colidx --keys -")]
pub struct DeleteArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Keys of the documents to delete.
    #[arg(value_name = "KEY", required_unless_present_any = ["keys", "filter"])]
    pub key: Vec<String>,

    /// Delete the documents whose metadata match: "year < 2000".
    #[arg(long, value_name = "EXPR", conflicts_with_all = ["key", "keys"])]
    pub filter: Option<String>,

    /// File of keys, one per line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Report keys that the index lacks instead of failing.
    #[arg(long)]
    pub skip_missing: bool,

    /// Print a JSON summary.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx compact`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx compact --index docs.colidx\n  \
    colidx compact --index docs.colidx --retrain\n  \
    colidx compact --index docs.colidx --retrain --from-text\n\n\
    Searches use the old files until the new ones are complete; the disk must hold both.")]
pub struct CompactArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The words of the index [default: as they are].
    #[command(flatten)]
    pub words: AnalyzerArgs,

    /// Train a new codebook on the stored vectors.
    #[arg(long)]
    pub retrain: bool,

    /// Re-encode the stored text for the new codebook.
    #[arg(long, requires = "retrain")]
    pub from_text: bool,

    /// Centroids of the new codebook [default: chosen from the number of vectors].
    #[arg(long, value_name = "N", requires = "retrain", value_parser = at_least_one())]
    pub centroids: Option<u32>,

    /// K-means that trains the codebook.
    #[arg(long, value_enum, requires = "retrain", default_value_t = Clustering::Builtin)]
    pub clustering: Clustering,

    /// The checkpoint that made the index.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Memory limit.
    #[command(flatten)]
    pub memory: MemoryArg,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print a JSON summary.
    #[arg(long)]
    pub json: bool,
}
