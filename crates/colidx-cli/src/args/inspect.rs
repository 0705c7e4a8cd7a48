//! `colidx model`, `colidx info`, `colidx verify` and `colidx explain`

use std::path::PathBuf;

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
#[command(after_help = "Examples:\n  colidx info --index docs.colidx\n  \
    colidx info --index docs.colidx --json | jq .vectors")]
pub struct InfoArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Also count the documents whose metadata match: "lang = 'en'".
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Also show the sections of each file, as index-format.md names them. JSON always has them.
    #[arg(long)]
    pub sections: bool,

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
#[command(
    allow_missing_positional = true,
    after_help = "Examples:\n  colidx explain --index docs.colidx \"memory map\" guide.md#3\n  \
        colidx explain --index pages.colidx --query-embeddings query.npy report.pdf#3 --json --matrix"
)]
pub struct ExplainArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// The query.
    #[arg(value_name = "QUERY", required_unless_present = "query_embeddings")]
    pub query: Option<String>,

    /// Key of the document.
    #[arg(value_name = "KEY")]
    pub key: String,

    /// Query vectors instead of text: .npy, [tokens, dim], or any form that `search` reads.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["query", "model"])]
    pub query_embeddings: Option<PathBuf>,

    /// Which of several queries to explain: a name, or a number from 0 [default: the first].
    #[arg(long, value_name = "NAME", requires = "query_embeddings")]
    pub query_key: Option<String>,

    /// Print one JSON object per query token.
    #[arg(long)]
    pub json: bool,

    /// Add to each JSON object the similarities to all vectors of the document: a row of a heat
    /// map.
    #[arg(long, requires = "json")]
    pub matrix: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,
}
