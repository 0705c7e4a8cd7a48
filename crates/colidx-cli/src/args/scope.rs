//! Which documents a search may find.

use std::path::PathBuf;

use clap::Args;

/// Flags that hold a search to some of the documents.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Search only the documents whose metadata match: "year >= 2020 AND tags IN ('a', 'b')".
    ///
    /// As in SQL's WHERE: = <> < <= > >= BETWEEN IN LIKE IS NULL EXISTS AND OR NOT. Fields of
    /// nested objects as author.name. docs/guide/filters.md has all of it.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Search only the documents with these keys, one per line; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
}
