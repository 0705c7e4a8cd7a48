//! What a search of text goes by, and what it finds.

use std::time::Duration;

use colidx_core::{Document, Fusion, Hit, SearchResults, WordQuery};
use colidx_encoder::EncodedQuery;

use super::document::Part;
use super::span::Span;

/// What a search goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum SearchBy {
    /// MaxSim of the token vectors.
    #[default]
    Vectors,
    /// BM25 of the words. Quotes and signs mean something ([`WordQuery::parse`]).
    Words,
    /// Both, in one ranking. Quotes and signs mean something to the words.
    Both(Fusion),
}

/// A query and what it found.
#[non_exhaustive]
pub struct Answer {
    /// The query.
    pub text: String,
    /// Its tokens and their vectors; `None` for a search by words alone.
    pub encoded: Option<EncodedQuery>,
    /// Its words; `None` for a search by vectors alone.
    pub words: Option<WordQuery>,
    /// What was found.
    pub results: SearchResults,
    /// Time to make the vectors.
    pub encode_time: Duration,
}

/// A document that a query found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct TextHit {
    /// What it is ranked by.
    pub score: f32,
    /// MaxSim: the sum over query tokens of the best product with a document token. `None` in a
    /// search by words alone.
    pub maxsim: Option<f32>,
    /// BM25 of its words; `None` in a search by vectors alone.
    pub bm25: Option<f32>,
    /// The caller's name of the document.
    pub key: String,
    /// Empty where there is none.
    pub title: String,
    /// Empty where none is stored.
    pub text: String,
    /// Further fields as a JSON object; empty where there are none.
    pub metadata: String,
}

/// Whether nothing of a query's text was encoded: markers and padding stand for no text.
pub fn is_empty_query(query: &EncodedQuery) -> bool {
    query.tokens.iter().all(|token| token.start == token.end)
}

impl TextHit {
    pub(super) fn new(hit: &Hit, document: Document) -> TextHit {
        TextHit {
            score: hit.score,
            maxsim: hit.maxsim,
            bm25: hit.bm25,
            key: document.key,
            title: document.title,
            text: document.text,
            metadata: document.metadata,
        }
    }
}

/// One query token and the word of the document that it matched best.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct TokenExplanation {
    /// The query token as the tokenizer writes it.
    pub query_token: String,
    /// The document token's own text; empty for markers.
    pub document_token: String,
    /// Where it is, if it stands in the title or in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Their similarity.
    pub score: f32,
}

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Place {
    /// In which part of the document.
    pub part: Part,
    /// Where in that part.
    #[serde(flatten)]
    pub span: Span,
}
