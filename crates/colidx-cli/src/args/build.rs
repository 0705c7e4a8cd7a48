//! `colidx build`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use colidx::KMeans;

use crate::error::CliError;

use super::{
    AnalyzerArgs, CorpusArgs, EncoderArgs, IndexArg, ThreadsArg, at_least_one, parse_size,
};

/// Flags of `colidx build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx build corpus.jsonl --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
    colidx build notes/ README.md --index notes.colidx --model models/answerai-colbert-small-v1\n  \
    zcat dump.tsv.gz | colidx build - --format tsv --index dump.colidx --model my-model\n  \
    colidx build --embeddings vectors/ --index vectors.colidx\n  \
    colidx build corpus.jsonl --index docs.colidx --model my-model --resume")]
pub struct BuildArgs {
    /// Files and folders of JSON Lines, TSV, text or Markdown, plain, .gz or .zst; `-` for
    /// standard input.
    ///
    /// Folders are read recursively. Files with these extensions are read: .jsonl, .ndjson, .tsv,
    /// .txt, .text, .rst, .md and .markdown; .json only with --format jsonl. Hidden files are
    /// skipped. Links are followed inside the folder only; a file named here may be a link to
    /// anywhere. Skipped files are counted and reported.
    #[arg(value_name = "CORPUS", required_unless_present = "embeddings")]
    pub corpus: Vec<PathBuf>,

    /// How to read the corpus.
    #[command(flatten)]
    pub reading: CorpusArgs,

    /// Build from vectors instead of text: a directory with doc_embeddings.npy and doc_lens.npy.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["corpus", "model"])]
    pub embeddings: Option<PathBuf>,

    /// The index to write.
    #[command(flatten)]
    pub index: IndexArg,

    /// Checkpoint that encodes the text: a directory or a hub id (owner/name or
    /// owner/name@revision).
    #[arg(
        long,
        value_name = "DIR|HUB-ID",
        required_unless_present = "embeddings"
    )]
    pub model: Option<String>,

    /// How to encode.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Bits per dimension of the residuals: 1, 2, 4 or 8.
    #[arg(long, value_name = "1|2|4|8", default_value = "4", value_parser = parse_nbits)]
    pub nbits: u32,

    /// The words of the index [default: english].
    #[command(flatten)]
    pub words: AnalyzerArgs,

    /// Centroids of the codebook [default: chosen from the number of vectors].
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub centroids: Option<u32>,

    /// K-means that trains the codebook. The built-in one is several times faster at the same
    /// quality.
    #[arg(long, value_enum, default_value_t = Clustering::Builtin)]
    pub clustering: Clustering,

    /// Memory limit.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    pub memory: u64,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,

    /// Random seed: the same input and seed produce the same bytes.
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,

    /// Replace an existing index, or discard an unfinished build.
    #[arg(long)]
    pub force: bool,

    /// Resume an unfinished build, with the same corpus and settings; start a new one if there is
    /// none. Takes precedence over --force.
    #[arg(long)]
    pub resume: bool,

    /// Seconds between checkpoints of the build.
    #[arg(long, value_name = "N", default_value_t = 10, hide = true)]
    pub checkpoint: u64,
}

/// The k-means engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clustering {
    /// The faiss library.
    Faiss,
    /// The built-in one, without C++.
    Builtin,
}

impl Clustering {
    /// The library's k-means engine.
    ///
    /// # Errors
    /// This binary was built without it.
    pub fn engine(self) -> Result<KMeans, CliError> {
        match self {
            Clustering::Builtin => Ok(KMeans::Builtin),
            Clustering::Faiss if cfg!(feature = "faiss") => Ok(KMeans::Faiss),
            Clustering::Faiss => Err(CliError::Usage(
                "this colidx was built without faiss; leave out --clustering, or install colidx \
                 with its default features"
                    .to_owned(),
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
