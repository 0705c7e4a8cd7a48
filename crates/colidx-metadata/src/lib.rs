//! Metadata of documents as typed columns, and filters over them.
//!
//! A document's metadata is a JSON object. [`filter`] says which documents are wanted; [`columns`]
//! stores the fields so that a filter is answered without reading the documents.

pub mod columns;
pub mod filter;

pub use filter::{Comparison, Field, Filter, FilterError, Value};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
