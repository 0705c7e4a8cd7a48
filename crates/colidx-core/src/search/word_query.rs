//! Queries of words, before an index says how it divides text.

use crate::error::Result;
use colidx_lexical::{Analyzer, Query};

/// A query of words, for BM25.
///
/// Each index divides it into words as it did its own text.
#[derive(Debug, Clone, PartialEq)]
pub struct WordQuery {
    text: String,
    /// Whether quotes and signs mean something.
    syntax: bool,
    settings: Option<(f32, f32)>,
}

impl WordQuery {
    /// Words and `"phrases"`, each with `+` before it if a document must have it, and with `-` if
    /// it must not. A document must have every phrase that is not excluded.
    pub fn parse(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            syntax: true,
            settings: None,
        }
    }

    /// Every word of a text; quotes and signs mean nothing.
    pub fn words(text: impl Into<String>) -> Self {
        Self {
            syntax: false,
            ..Self::parse(text)
        }
    }

    /// Sets BM25's parameters: `k1`, 0 to 1000, says how soon more occurrences of a word stop to
    /// count, and `b`, 0 to 1, how much long documents are held back. Without this they are 0.9 and
    /// 0.4. Values out of range are an error of the search.
    pub fn settings(mut self, k1: f32, b: f32) -> Self {
        self.settings = Some((k1, b));
        self
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text without its syntax, for a vector search with the same text: signs and quotes are
    /// taken off, and what is excluded is left out.
    pub fn without_syntax(&self) -> String {
        match self.syntax {
            true => colidx_lexical::without_syntax(&self.text),
            false => self.text.clone(),
        }
    }

    /// The query for an index whose text `analyzer` divided.
    pub(crate) fn analyzed(&self, analyzer: &Analyzer) -> Result<Query> {
        let query = match self.syntax {
            true => Query::parse(&self.text, analyzer)?,
            false => Query::words(&self.text, analyzer)?,
        };
        Ok(match self.settings {
            Some((k1, b)) => query.with_settings(k1, b)?,
            None => query,
        })
    }
}
