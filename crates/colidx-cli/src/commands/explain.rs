//! `colidx explain`

use serde::Serialize;

use crate::args::ExplainArgs;
use crate::error::CliError;
use crate::model;
use crate::output::{Painted, Stdout};
use crate::render::table::{Align, table};
use crate::render::text::{one_line, words};
use crate::render::wrap::{Breaks, wrap};
use crate::render::{Role, Style};
use colidx::text::{Place, TokenExplanation};

#[derive(Serialize)]
struct ExplainLine<'a> {
    query: &'a str,
    key: &'a str,
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
    let mut out = Stdout::lock();
    if args.json {
        for found in &matches {
            out.json(&ExplainLine {
                query: &args.query,
                key: &args.key,
                found,
            })?;
        }
    } else {
        let title = searcher.index().document(document)?.title;
        out.painted(&page(&args.key, &title, &matches, &Style::for_stdout()))?;
    }
    out.flush()
}

/// The matches as a table, and their sum, which is the score.
pub fn page(key: &str, title: &str, matches: &[TokenExplanation], style: &Style) -> Painted {
    let heading = format!("{}  {}", one_line(title), one_line(key));
    let mut page = Painted::new();
    for line in wrap(
        &heading,
        &words(&heading, &[]),
        0.0,
        style.width,
        Breaks::Flow,
    ) {
        page.append(&line.paint(style, Role::Title));
        page.push("\n");
    }
    page.append(&table_of(matches));
    page
}

/// The matches as a table, without a heading.
pub fn table_of(matches: &[TokenExplanation]) -> Painted {
    if matches.is_empty() {
        return Painted::from("  this document has no token vectors, so nothing can match it\n");
    }
    let mut rows = vec![
        ["query token", "", "score", "document token", "where"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for run in matches.chunk_by(|a, b| (&a.query_token, a.place) == (&b.query_token, b.place)) {
        let found = &run[0];
        let times = if run.len() > 1 {
            format!("× {}", run.len())
        } else {
            String::new()
        };
        let score: f32 = run.iter().map(|found| found.score).sum();
        let place = match found.place {
            Some(Place::Title(at)) => format!("title, byte {at}"),
            Some(Place::Text(at)) => format!("text, byte {at}"),
            None => "marker".to_owned(),
        };
        rows.push(vec![
            found.query_token.clone(),
            times,
            format!("{score:.4}"),
            one_line(&found.document_token),
            place,
        ]);
    }
    let sum: f32 = matches.iter().map(|found| found.score).sum();
    rows.push(vec!["sum".to_owned(), String::new(), format!("{sum:.4}")]);
    table(
        &[
            Align::Left,
            Align::Left,
            Align::Right,
            Align::Left,
            Align::Left,
        ],
        &rows,
        2,
    )
}
