//! Filters: which documents are wanted, by their metadata.
//!
//! One tree, [`Filter`], with several ways to write it. A filter is true or false of a document,
//! never unknown: a comparison with a field that the document lacks is false, so its `NOT` is true.
//! (SQL drops the document from both.) A field that is an array matches if any element does.

mod tree;

pub use tree::{Comparison, Field, Filter, Value};
