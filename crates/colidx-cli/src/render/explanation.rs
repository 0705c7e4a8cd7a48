//! Which query token matched which word of a document, as a table.

use colidx::text::{Place, PlacePart, TokenExplanation};

use super::table::{Align, table};
use super::text::{one_line, words};
use super::wrap::{Breaks, wrap};
use super::{Role, Style};
use crate::output::Painted;

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
    page.append(&matches_table(matches));
    page
}

/// The matches as a table, without a heading.
pub fn matches_table(matches: &[TokenExplanation]) -> Painted {
    if matches.is_empty() {
        return Painted::from("  this document has no token vectors, so nothing can match it\n");
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
                let part = match part {
                    PlacePart::Title => "title",
                    PlacePart::Text => "text",
                };
                format!("{part}, {}-{}", span.chars.start, span.chars.end)
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
