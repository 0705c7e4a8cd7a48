//! `colidx model`, `colidx info`, `colidx verify` and `colidx explain`

use clap::Args;

use super::{EncoderArgs, IndexArg, QueryModelArgs};

/// Flags of `colidx model`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx model answerdotai/answerai-colbert-small-v1\n  \
    colidx model models/my-checkpoint --json | jq .dim")]
pub struct ModelArgs {
    /// Checkpoint: a directory or a hub id (owner/name or owner/name@revision).
    #[arg(value_name = "DIR|HUB-ID")]
    pub model: String,

    /// How to encode.
    #[command(flatten)]
    pub encoder: EncoderArgs,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx info`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  colidx info --index docs.colidx\n  \
    colidx info --index docs.colidx --json | jq .vectors")]
pub struct InfoArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Also count the documents whose metadata match: "lang = 'en'".
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx verify`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  colidx verify --index docs.colidx")]
pub struct VerifyArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `colidx explain`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  colidx explain --index docs.colidx \"memory map\" guide.md#3")]
pub struct ExplainArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The query.
    #[arg(value_name = "QUERY")]
    pub query: String,

    /// Key of the document.
    #[arg(value_name = "KEY")]
    pub key: String,

    /// Print one JSON object per query token.
    #[arg(long)]
    pub json: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,
}
