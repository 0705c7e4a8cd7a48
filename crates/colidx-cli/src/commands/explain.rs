//! `colidx explain`

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::json::metadata;
use crate::model;
use crate::output::{Painted, Stdout};
use crate::render::Style;
use crate::render::explanation::{self, Explanation};
use colidx::text::TokenExplanation;
use colidx::{DocId, Index, Query, Similarities, TokenMatch};
use colidx_data::embeddings::QueryEmbeddings;

#[derive(Serialize)]
struct ExplainLine<'a> {
    query: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
    #[serde(flatten)]
    found: Found<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarities: Option<Vec<f32>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found<'a> {
    Tokens(&'a TokenExplanation),
    /// Vectors have no text, but numbers from 0.
    Rows {
        query_row: usize,
        document_row: usize,
        score: f32,
    },
}

/// Shows what each query token matched in one document.
///
/// # Errors
/// The index, its checkpoint or the query vectors cannot be opened, or no document has the key.
pub fn run(args: &ExplainArgs) -> Result<(), CliError> {
    match (&args.query_embeddings, &args.query) {
        (Some(path), _) => vectors(args, path),
        (None, query) => text(args, query.as_deref().unwrap_or_default()),
    }
}

fn text(args: &ExplainArgs, text: &str) -> Result<(), CliError> {
    let searcher = model::searcher(&args.index.path, &args.model)?;
    let index = searcher.index();
    let document = find(index, &args.key)?;
    let query = searcher.encode(text)?;
    let tokens = searcher.explain(&query, document)?;
    if args.json {
        let found = tokens.iter().map(Found::Tokens);
        return lines(args, index, document, text, &query.vectors, found);
    }
    let title = index.document(document)?.title;
    let style = Style::for_stdout();
    let explanation = Explanation {
        tokens,
        ..Explanation::default()
    };
    show(&explanation::page(&args.key, &title, &explanation, &style))
}

fn vectors(args: &ExplainArgs, path: &Path) -> Result<(), CliError> {
    let index = Index::open(&args.index.path)?;
    let document = find(&index, &args.key)?;
    let mut embeddings = QueryEmbeddings::open(path)?;
    let named = match embeddings.keys()? {
        Some(keys) => keys.collect::<Result<Vec<_>, _>>()?,
        None => Vec::new(),
    };
    let number = match &args.query_key {
        None => 0,
        Some(key) => {
            let number = match named.is_empty() {
                true => key.parse().ok(),
                false => (0..)
                    .zip(&named)
                    .find(|(_, name)| *name == key)
                    .map(|(at, _)| at),
            };
            let known = number.filter(|&number| number < embeddings.queries());
            known.ok_or_else(|| CliError::QueryVectors {
                embeddings: path.to_owned(),
                key: key.clone(),
            })?
        }
    };
    let name = named.get(number as usize).cloned();
    let name = name.unwrap_or_else(|| number.to_string());
    let mut values = Vec::new();
    embeddings.read(number, &mut values)?;
    let matches = index.explain(&Query::new(&values, embeddings.dim())?, document)?;
    if args.json {
        let found = matches.iter().map(|found: &TokenMatch| Found::Rows {
            query_row: found.query_token,
            document_row: found.document_token,
            score: found.score,
        });
        return lines(args, &index, document, &name, &values, found);
    }
    let title = index.document(document)?.title;
    let style = Style::for_stdout();
    show(&explanation::rows_page(&args.key, &title, &matches, &style))
}

fn show(page: &Painted) -> Result<(), CliError> {
    let mut out = Stdout::lock();
    out.painted(page)?;
    out.flush()
}

fn find(index: &Index, key: &str) -> Result<DocId, CliError> {
    index.find(key)?.ok_or_else(|| CliError::UnknownKey {
        place: String::new(),
        key: key.to_owned(),
    })
}

/// A line for each vector of the query, with all similarities if they are asked for.
fn lines<'a>(
    args: &ExplainArgs,
    index: &Index,
    document: DocId,
    query: &str,
    vectors: &[f32],
    found: impl Iterator<Item = Found<'a>>,
) -> Result<(), CliError> {
    let metadata = metadata(&index.document(document)?.metadata);
    let all = match args.matrix {
        true => {
            let stored = index.token_vectors(document)?;
            Some(Similarities::new(vectors, &stored, index.dim()))
        }
        false => None,
    };
    let mut out = Stdout::lock();
    for (row, found) in found.enumerate() {
        let similarities = all.as_ref().map(|all| {
            let of_row = |token| all.of_document_token(token)[row];
            (0..all.document_tokens()).map(of_row).collect()
        });
        out.json(&ExplainLine {
            query,
            key: &args.key,
            metadata: metadata.as_ref(),
            found,
            similarities,
        })?;
    }
    out.flush()
}
