//! `colidx encode`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CorpusArgs, EncoderArgs, ThreadsArg};

/// Flags of `colidx encode`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx encode corpus.jsonl --model models/answerai-colbert-small-v1 --out vectors/\n  \
    colidx encode queries.jsonl --as queries --model models/answerai-colbert-small-v1 --out vectors/\n  \
    colidx build --embeddings vectors/ --index docs.colidx\n  \
    colidx search --index docs.colidx --query-embeddings vectors/query_embeddings.npy")]
pub struct EncodeArgs {
    /// What to encode: documents as for `build`, or one file of queries.
    #[arg(value_name = "CORPUS", required = true)]
    pub corpus: Vec<PathBuf>,

    /// How the corpus is read.
    #[command(flatten)]
    pub reading: CorpusArgs,

    /// Checkpoint: a directory or a hub id, owner/name or owner/name@revision.
    #[arg(long, value_name = "DIR|HUB-ID")]
    pub model: String,

    /// How it computes.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Directory to write to; it is made if it is not there.
    ///
    /// It may be neither an index nor a folder that is read. Files that are already there are replaced only with --force, and
    /// never those of an index or those that are read.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Documents and queries are encoded differently.
    #[arg(long = "as", value_enum, default_value_t = EncodeAs::Documents)]
    pub role: EncodeAs,

    /// Type of the numbers. With f32 an index built from the vectors is the one built from the text.
    #[arg(long, value_enum, default_value_t = EncodeType::F32)]
    pub dtype: EncodeType,

    /// Replace files that are already there.
    #[arg(long)]
    pub force: bool,

    /// The threads.
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

/// The type of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodeType {
    /// Half precision: half the space.
    F16,
    /// Single precision, as the checkpoint gives them.
    F32,
}
