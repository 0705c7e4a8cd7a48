//! Which documents a search may find.

use std::path::PathBuf;

use clap::Args;

/// Flags that hold a search to some of the documents.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Search only the documents with these keys, one per line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
}
