//! `colidx encode`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CorpusArgs, EncoderArgs, ThreadsArg};

/// Flags of `colidx encode`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx encode corpus.jsonl --model my-model --out vectors/\n  \
    colidx encode queries.jsonl --as queries --model my-model --out vectors/\n  \
    colidx build --embeddings vectors/ --index docs.colidx\n  \
    colidx search --index docs.colidx --query-embeddings vectors/query_embeddings.npy")]
pub struct EncodeArgs {
    /// What to encode: documents as for `build`, or one query file.
    #[arg(value_name = "CORPUS", required = true)]
    pub corpus: Vec<PathBuf>,

    /// How to read the corpus.
    #[command(flatten)]
    pub reading: CorpusArgs,

    /// Checkpoint: a directory or a hub id (owner/name or owner/name@revision).
    #[arg(long, value_name = "DIR|HUB-ID")]
    pub model: String,

    /// How to encode.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Directory to write to; created if it does not exist.
    ///
    /// It must not be an index or an input folder. Existing files are replaced only with --force,
    /// and never if they are part of an index or an input.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Whether the texts are documents or queries, which are encoded differently.
    #[arg(long = "as", value_enum, default_value_t = EncodeAs::Documents)]
    pub role: EncodeAs,

    /// Element type. With f32, a build from the vectors gives the same index as a build from the
    /// text.
    #[arg(long, value_enum, default_value_t = EncodeType::F32)]
    pub dtype: EncodeType,

    /// Replace existing files.
    #[arg(long)]
    pub force: bool,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}

/// What the texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodeAs {
    /// Writes doc_embeddings.npy, doc_lens.npy, token_ids.npy and doc_keys.txt.
    Documents,
    /// Writes query_embeddings.npy, in the order of the file.
    Queries,
}

/// Element type of the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodeType {
    /// Half precision, half the size.
    F16,
    /// Single precision, as the checkpoint computes.
    F32,
}
