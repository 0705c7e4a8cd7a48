//! `colidx build`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use colidx::KMeans;

use crate::error::CliError;

use super::{CorpusArgs, EncoderArgs, IndexArg, ThreadsArg, parse_size};

/// Flags of `colidx build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx build corpus.jsonl --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
    colidx build notes/ README.md --index notes.colidx --model models/answerai-colbert-small-v1\n  \
    zcat dump.tsv.gz | colidx build - --format tsv --index dump.colidx --model models/answerai-colbert-small-v1\n  \
    colidx build --embeddings vectors/ --index vectors.colidx\n  \
    colidx build corpus.jsonl --index docs.colidx --model models/answerai-colbert-small-v1 --resume")]
pub struct BuildArgs {
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

    /// Build from vectors instead of text: a directory with doc_embeddings.npy and doc_lens.npy.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["corpus", "model"])]
    pub embeddings: Option<PathBuf>,

    /// Where to put the index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Checkpoint that turns text into vectors: a directory or a hub id, owner/name or owner/name@revision.
    #[arg(
        long,
        value_name = "DIR|HUB-ID",
        required_unless_present = "embeddings"
    )]
    pub model: Option<String>,

    /// How it computes.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Bits a dimension for the residuals: 1, 2, 4 or 8.
    #[arg(long, value_name = "1|2|4|8", default_value = "4", value_parser = parse_nbits)]
    pub nbits: u32,

    /// Centroids of the codebook [default: chosen from the number of vectors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub centroids: Option<u32>,

    /// K-means that trains the codebook; the built-in one takes a fraction of the time for the same quality.
    #[arg(long, value_enum, default_value_t = Clustering::Builtin)]
    pub clustering: Clustering,

    /// Memory to stay under.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    pub memory: u64,

    /// The threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Seed of everything random: the same input and seed give the same bytes.
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,

    /// Replace an index that is already there, or start again where a build was left unfinished.
    #[arg(long)]
    pub force: bool,

    /// Go on where an unfinished build stopped, with the same corpus and settings; without one, begin. Comes before --force.
    #[arg(long)]
    pub resume: bool,

    /// Seconds between two moments at which what was done is made safe.
    #[arg(long, value_name = "N", default_value_t = 10, hide = true)]
    pub checkpoint: u64,
}

/// The k-means engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clustering {
    /// The faiss library.
    Faiss,
    /// The one written for colidx, without C++.
    Builtin,
}

impl Clustering {
    /// The engine's name for it.
    ///
    /// # Errors
    /// It is not in this build.
    pub fn engine(self) -> Result<KMeans, CliError> {
        match self {
            Clustering::Builtin => Ok(KMeans::Builtin),
            Clustering::Faiss if cfg!(feature = "faiss") => Ok(KMeans::Faiss),
            Clustering::Faiss => Err(CliError::Usage(
                "this colidx was built without faiss; leave --clustering out, or build it with the feature `faiss`".to_owned(),
            )),
        }
    }
}

fn parse_nbits(text: &str) -> Result<u32, String> {
    match text {
        "1" => Ok(1),
        "2" => Ok(2),
        "4" => Ok(4),
        "8" => Ok(8),
        _ => Err("expected 1, 2, 4 or 8".to_owned()),
    }
}
