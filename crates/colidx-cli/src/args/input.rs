//! What is indexed, for the commands that add documents.

use std::path::PathBuf;

use clap::Args;

use super::{CorpusArgs, VectorsArgs};

/// Flags about documents to index: text or vectors.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Files and folders of text, Markdown, HTML, source code, JSON Lines, TSV or CSV,
    /// uncompressed, .gz or .zst; `-` for standard input.
    ///
    /// Folders are read recursively: every text file, but .json and .csv only with --format. Hidden
    /// files and files that .gitignore and .ignore leave out are skipped (--hidden, --no-ignore).
    /// Links are followed inside the folder only; a file named here may be a link to anywhere.
    /// Skipped files are counted and reported.
    #[arg(value_name = "CORPUS", required_unless_present = "embeddings")]
    pub corpus: Vec<PathBuf>,

    /// How to read the corpus.
    #[command(flatten)]
    pub reading: CorpusArgs,

    /// Vectors instead of a checkpoint.
    #[command(flatten)]
    pub vectors: VectorsArgs,
}
