//! Which query token matched which word of a document, as a table.

use colidx::text::{Place, TokenExplanation};

use super::table::{Align, table};
use super::text::{one_line, words};
use super::wrap::{Breaks, wrap};
use super::{Role, Style};
use crate::output::Painted;
use colidx::TokenMatch;

/// The matches as a table, and their sum, which is the score.
pub fn page(key: &str, title: &str, matches: &[TokenExplanation], style: &Style) -> Painted {
    let mut page = heading(key, title, style);
    page.append(&matches_table(matches));
    page
}

/// The same for a query of vectors, whose rows have numbers and no text.
pub fn rows_page(key: &str, title: &str, matches: &[TokenMatch], style: &Style) -> Painted {
    let mut page = heading(key, title, style);
    if matches.is_empty() {
        page.push(NOTHING);
        return page;
    }
    let mut rows = vec![
        ["query row", "score", "document row"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(matches.iter().map(|found| {
        vec![
            found.query_token.to_string(),
            format!("{:.4}", found.score),
            found.document_token.to_string(),
        ]
    }));
    let sum: f32 = matches.iter().map(|found| found.score).sum();
    rows.push(vec!["sum".to_owned(), format!("{sum:.4}")]);
    page.append(&table(&[Align::Left, Align::Right, Align::Right], &rows, 2));
    page
}

const NOTHING: &str = "  this document has no token vectors, so nothing can match it\n";

fn heading(key: &str, title: &str, style: &Style) -> Painted {
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
    page
}

/// The matches as a table, without a heading.
pub fn matches_table(matches: &[TokenExplanation]) -> Painted {
    if matches.is_empty() {
        return Painted::from(NOTHING);
    }
    let mut rows = vec![
        ["query token", "", "score", "document token", "where"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for run in matches.chunk_by(|a, b| (&a.query_token, &a.place) == (&b.query_token, &b.place)) {
        let found = &run[0];
        let times = if run.len() > 1 {
            format!("× {}", run.len())
        } else {
            String::new()
        };
        let score: f32 = run.iter().map(|found| found.score).sum();
        let place = match &found.place {
            Some(Place { part, span, .. }) => {
                format!("{}, {}-{}", part.name(), span.chars.start, span.chars.end)
            }
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
