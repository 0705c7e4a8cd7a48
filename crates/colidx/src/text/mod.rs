//! Text in, hits out: an index together with the ColBERT checkpoint that made its vectors.
//!
//! [`TextIndex`] writes, [`TextSearcher`] searches, [`TextReader`] is the handle that a server
//! keeps. What of a document is encoded ([`DocumentText`]) and what an index records of its
//! checkpoint ([`Model::to_record`]) are decided here and nowhere else, so that every program that
//! uses this crate builds indexes that fit each other.

mod answer;
mod document;
mod error;
mod highlight;
mod index;
mod matrix;
mod model;
mod reader;
mod rerank;
mod searcher;
mod snippet;
mod source;
mod span;

pub use answer::{Answer, Place, SearchBy, TextHit, TokenExplanation, is_empty_query};
pub use document::{DocumentText, Part};
pub use error::{Result, TextError};
pub use highlight::{Highlights, TokenWeight};
pub use index::TextIndex;
pub use matrix::{DocumentToken, TokenMatrix};
pub use model::{Download, Model, Opened, Silent};
pub use reader::TextReader;
pub use searcher::{Reload, SearcherOptions, TextSearcher};
pub use snippet::{Snippet, SnippetWord};
pub use source::{BatchSizer, EncoderSource, Truncated};
pub use span::Span;
