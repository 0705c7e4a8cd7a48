//! Which query token matched which word of a document, as a table.

use colidx::text::{Place, TokenExplanation};

use super::table::{Align, table};
use super::text::{one_line, words};
use super::wrap::{Breaks, wrap};
use super::{Role, Style};
use crate::output::Painted;
use colidx::TokenMatch;

/// What the score of a document is made of.
#[derive(Default)]
pub struct Explanation {
    /// What each query token matched: adds up to the MaxSim.
    pub tokens: Vec<TokenExplanation>,
    /// What each word of the query gave: adds up to the BM25.
    pub words: Vec<TokenExplanation>,
    /// What a hit of a hybrid search is ranked by, which is not the sum of all.
    pub fused: Option<f32>,
}

/// The matches as a table, and what they add up to.
pub fn page(key: &str, title: &str, explanation: &Explanation, style: &Style) -> Painted {
    let mut page = heading(key, title, style);
    page.append(&matches_table(explanation));
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
            score(found.score),
            found.document_token.to_string(),
        ]
    }));
    let sum: f32 = matches.iter().map(|found| found.score).sum();
    rows.push(vec!["MaxSim".to_owned(), score(sum)]);
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
pub fn matches_table(explanation: &Explanation) -> Painted {
    let Explanation {
        tokens,
        words,
        fused,
    } = explanation;
    if tokens.is_empty() && words.is_empty() {
        return Painted::from(NOTHING);
    }
    let mut rows = vec![
        ["query token", "", "score", "document token", "where"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let total = |name: &str, value: f32| vec![name.to_owned(), String::new(), score(value)];
    for (name, matches) in [("MaxSim", tokens), ("BM25", words)] {
        rows.extend(match_rows(matches));
        if !matches.is_empty() {
            rows.push(total(name, matches.iter().map(|found| found.score).sum()));
        }
    }
    if let Some(fused) = fused {
        rows.push(total("hybrid", *fused));
    }
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

/// A row for each run of equal matches.
fn match_rows(matches: &[TokenExplanation]) -> impl Iterator<Item = Vec<String>> {
    let runs = matches.chunk_by(|a, b| (&a.query_token, &a.place) == (&b.query_token, &b.place));
    runs.map(|run| {
        let found = &run[0];
        let times = match run.len() {
            1 => String::new(),
            times => format!("× {times}"),
        };
        let place = match &found.place {
            Some(Place { part, span, .. }) => {
                format!("{}, {}-{}", part.name(), span.chars.start, span.chars.end)
            }
            None => "marker".to_owned(),
        };
        vec![
            found.query_token.clone(),
            times,
            score(run.iter().map(|found| found.score).sum()),
            one_line(&found.document_token),
            place,
        ]
    })
}

fn score(value: f32) -> String {
    format!("{value:.4}")
}
