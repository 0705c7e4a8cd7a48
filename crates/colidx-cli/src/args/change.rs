//! `colidx add`, `colidx update`, `colidx delete` and `colidx compact`

use std::path::PathBuf;

use clap::Args;

use super::{Clustering, CorpusArgs, IndexArg, QueryModelArgs, ThreadsArg, parse_size};

/// The documents that `add` and `update` take in.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files and folders: JSON Lines, TSV, text, Markdown, each also .gz or .zst; `-` is standard input.
    ///
    /// Of a folder, files of these extensions are read, those in folders below too: .jsonl, .ndjson, .tsv, .txt, .text, .rst,
    /// .md and .markdown; .json only with --format jsonl. Hidden names are left out. A link is followed where it stays within
    /// the folder and leads to what is not read anyway. What was left out is counted. A file that is named may be a link to
    /// anywhere.
    #[arg(value_name = "CORPUS", required_unless_present = "embeddings")]
    pub corpus: Vec<PathBuf>,

    /// How the corpus is read.
    #[command(flatten)]
    pub reading: CorpusArgs,

    /// Take vectors instead of text: a directory with doc_embeddings.npy and doc_lens.npy.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["corpus", "model"])]
    pub embeddings: Option<PathBuf>,

    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The checkpoint that made the index.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Memory to stay under.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    pub memory: u64,

    /// The threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print one JSON object that says what was done.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx add`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx add news.jsonl --index docs.colidx\n  \
    colidx add notes/ --index notes.colidx --replace\n  \
    colidx add --embeddings vectors/ --index vectors.colidx\n\n\
    All of it becomes visible at once. A key that the index has is an error, unless --replace is given.")]
pub struct AddArgs {
    /// What to take in.
    #[command(flatten)]
    pub ingest: IngestArgs,

    /// Put documents in the place of those that have their keys.
    #[arg(long)]
    pub replace: bool,
}

/// Flags of `colidx update`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    colidx update changed.jsonl --index docs.colidx\n\n\
    The same as `colidx add --replace`: documents whose keys the index has are replaced, the others added.")]
pub struct UpdateArgs {
    /// What to take in.
    #[command(flatten)]
    pub ingest: IngestArgs,
}

/// Flags of `colidx delete`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx delete --index docs.colidx guide.md#3 guide.md#4\n  \
    colidx search --index docs.colidx --json \"old release\" | jq -r .key | colidx delete --index docs.colidx --keys -")]
pub struct DeleteArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Keys of the documents.
    #[arg(value_name = "KEY", required_unless_present = "keys")]
    pub key: Vec<String>,

    /// File of keys, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Count and report keys that the index does not have instead of deleting nothing.
    #[arg(long)]
    pub skip_missing: bool,

    /// Print one JSON object that says what was done.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx compact`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx compact --index docs.colidx\n  \
    colidx compact --index docs.colidx --retrain\n  \
    colidx compact --index docs.colidx --retrain --from-text\n\n\
    The index is searched as before until the new files are whole, and needs room for both.")]
pub struct CompactArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Learn a new codebook from the vectors as they are stored.
    #[arg(long)]
    pub retrain: bool,

    /// Make the vectors anew from the stored text for that.
    #[arg(long, requires = "retrain")]
    pub from_text: bool,

    /// Centroids of the new codebook [default: chosen from the number of vectors].
    #[arg(long, value_name = "N", requires = "retrain", value_parser = clap::value_parser!(u32).range(1..))]
    pub centroids: Option<u32>,

    /// K-means that trains it.
    #[arg(long, value_enum, requires = "retrain", default_value_t = Clustering::Builtin)]
    pub clustering: Clustering,

    /// The checkpoint that made the index.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Memory to stay under.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    pub memory: u64,

    /// The threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Print one JSON object that says what was done.
    #[arg(long)]
    pub json: bool,
}
