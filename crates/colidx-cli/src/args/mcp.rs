//! `colidx mcp`

use std::path::PathBuf;

use clap::Args;

use super::{QueryModelArgs, ThreadsArg};

/// Flags of `colidx mcp`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    colidx mcp docs.colidx          # serves on standard input and output\n  \
    claude mcp add docs -- colidx mcp docs.colidx\n  \
    codex mcp add docs -- colidx mcp docs.colidx\n\n\
    `colidx serve` has the tools that only read, at /mcp.")]
pub struct McpArgs {
    /// Index directories, or folders of them. `docs.colidx` is named `docs`.
    #[arg(value_name = "DIR", required = true)]
    pub indexes: Vec<PathBuf>,

    /// Let the model store and delete documents too.
    #[arg(long)]
    pub write: bool,

    /// The checkpoint for queries.
    #[command(flatten)]
    pub model: QueryModelArgs,

    /// Number of threads.
    #[command(flatten)]
    pub threads: ThreadsArg,
}
