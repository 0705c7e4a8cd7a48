//! Which documents a search may find.

use std::path::PathBuf;

use clap::Args;

/// Flags that hold a search to some of the documents.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Search only the documents whose metadata match: "year >= 2020 AND tags IN ('a', 'b')".
    ///
    /// As in SQL's WHERE: = <> < <= > >= BETWEEN IN LIKE IS NULL EXISTS AND OR NOT. Strings are in
    /// single quotes; author.name is a field of a nested object.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Search only the documents with these keys, one per line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
}
