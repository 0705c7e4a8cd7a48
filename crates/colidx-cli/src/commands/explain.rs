//! `colidx explain`

use serde::Serialize;
use serde_json::Value;

use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::json::metadata;
use crate::model;
use crate::output::Stdout;
use crate::render::{Style, explanation};
use colidx::text::TokenExplanation;

#[derive(Serialize)]
struct ExplainLine<'a> {
    query: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
    #[serde(flatten)]
    found: &'a TokenExplanation,
}

/// Shows what each query token matched in one document.
///
/// # Errors
/// The index or its checkpoint cannot be opened, or no document has the key.
pub fn run(args: &ExplainArgs) -> Result<(), CliError> {
    let searcher = model::searcher(&args.index.path, &args.model)?;
    let document = searcher
        .index()
        .find(&args.key)?
        .ok_or_else(|| CliError::UnknownKey {
            place: String::new(),
            key: args.key.clone(),
        })?;
    let query = searcher.encode(&args.query)?;
    let matches = searcher.explain(&query, document)?;
    let stored = searcher.index().document(document)?;
    let mut out = Stdout::lock();
    if args.json {
        let metadata = metadata(&stored.metadata);
        for found in &matches {
            out.json(&ExplainLine {
                query: &args.query,
                key: &args.key,
                metadata: metadata.as_ref(),
                found,
            })?;
        }
    } else {
        out.painted(&explanation::page(
            &args.key,
            &stored.title,
            &matches,
            &Style::for_stdout(),
        ))?;
    }
    out.flush()
}
