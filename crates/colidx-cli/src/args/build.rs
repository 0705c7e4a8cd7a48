//! `colidx build`

use std::path::PathBuf;

use clap::Args;

use super::{CorpusArgs, EncoderArgs, IndexArg, VectorsArgs, WritingArgs};

/// Flags of `colidx build`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx build corpus.jsonl --index docs.colidx --model answerdotai/answerai-colbert-small-v1\n  \
    colidx build notes/ README.md --index notes.colidx --model models/answerai-colbert-small-v1\n  \
    colidx build ~/src/project --index project.colidx --model my-model\n  \
    zcat dump.tsv.gz | colidx build - --format tsv --index dump.colidx --model my-model\n  \
    colidx build --embeddings vectors/ --index vectors.colidx\n  \
    colidx build pages.jsonl --embeddings pages.safetensors --index pages.colidx\n  \
    colidx build corpus.jsonl --index docs.colidx --model my-model --resume")]
pub struct BuildArgs {
    /// Files and folders of text, Markdown, HTML, source code, JSON Lines or TSV, plain, .gz or
    /// .zst; `-` for standard input.
    ///
    /// Folders are read recursively: every file that is text, .json only with --format jsonl.
    /// Hidden files and what .gitignore and .ignore leave out are skipped (--hidden, --no-ignore).
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

    /// How to write the index.
    #[command(flatten)]
    pub writing: WritingArgs,
}
