//! `colidx build`

use clap::Args;

use super::{EncoderArgs, IndexArg, InputArgs, WritingArgs};

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
    /// What to index.
    #[command(flatten)]
    pub input: InputArgs,

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
