//! How an index is written, for the commands that create one.

use clap::{Args, ValueEnum};
use colidx::{KMeans, Pooling};

use crate::error::CliError;

use super::{AnalyzerArgs, MemoryArg, ThreadsArg, at_least_one};

/// Flags about a new index.
#[derive(Debug, Args)]
pub struct WritingArgs {
    /// Bits per dimension of the residuals: 1, 2, 4 or 8 [default: 4, or 8 where `import` decodes
    /// vectors].
    #[arg(long, value_name = "1|2|4|8", value_parser = parse_nbits)]
    pub nbits: Option<u32>,

    /// The words of the index [default: english].
    #[command(flatten)]
    pub words: AnalyzerArgs,

    /// Store one vector for every N of a document: the mean of those that lie near each other.
    /// Documents added later are pooled alike.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pool_factor: Option<u32>,

    /// Number of vectors at the start of each document that are not pooled.
    #[arg(
        long, value_name = "N", default_value_t = 1, requires = "pool_factor",
        value_parser = clap::value_parser!(u32).range(0..=1000)
    )]
    pub pool_protect: u32,

    /// Centroids of the codebook [default: chosen from the number of vectors].
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub centroids: Option<u32>,

    /// K-means that trains the codebook. The built-in one is several times faster at the same
    /// quality.
    #[arg(long, value_enum, default_value_t = Clustering::Builtin)]
    pub clustering: Clustering,

    /// Memory limit.
    #[command(flatten)]
    pub memory: MemoryArg,

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

impl WritingArgs {
    /// How vectors are pooled.
    pub fn pooling(&self) -> Option<Pooling> {
        let factor = self.pool_factor.filter(|&factor| factor > 1)?;
        Some(Pooling::new(factor).protected(self.pool_protect))
    }
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

pub(super) fn parse_nbits(text: &str) -> Result<u32, String> {
    match text {
        "1" => Ok(1),
        "2" => Ok(2),
        "4" => Ok(4),
        "8" => Ok(8),
        _ => Err("expected 1, 2, 4 or 8".to_owned()),
    }
}
