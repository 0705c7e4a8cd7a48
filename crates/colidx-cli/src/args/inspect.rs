//! `colidx info`, `colidx verify` and `colidx explain`

use clap::Args;

use super::{IndexArg, QueryModelArg};

/// Flags of `colidx info`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  colidx info --index docs.colidx\n  colidx info --index docs.colidx --json | jq .vectors"
)]
pub struct InfoArgs {
    /// The index.
    #[command(flatten)]
    pub index: IndexArg,

    /// Print one JSON object.
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

    /// Print one JSON object.
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

    /// Print one JSON object a query token.
    #[arg(long)]
    pub json: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArg,
}
