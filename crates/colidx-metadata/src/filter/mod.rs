//! Filters: which documents are wanted, by their metadata.
//!
//! One tree, [`Filter`], with several ways to write it. A filter is true or false of a document,
//! never unknown: a comparison with a field that the document lacks is false, so its `NOT` is true.
//! (SQL drops the document from both.) A field that is an array matches if any element does.

mod builder;
mod check;
mod display;
mod error;
mod excerpt;
mod json;
mod lexer;
mod near;
mod path;
mod sql;
#[cfg(test)]
mod tests;
mod tree;

pub use check::{Schema, Types};
pub use error::{Fault, FilterError};
pub use tree::{Comparison, Field, Filter, Value};

/// Most levels of `And`, `Or` and `Not` inside each other, and of parentheses in a text. In JSON
/// they stay within the 128 levels that `serde_json` reads.
pub const MAX_DEPTH: usize = 60;

/// Most bytes of a filter's text.
pub const MAX_TEXT_BYTES: usize = 16 << 20;
