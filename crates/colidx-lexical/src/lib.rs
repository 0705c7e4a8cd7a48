#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analyze;
mod bits;
mod dictionary;
mod error;
mod format;
mod impact;
mod query;
mod read;
mod search;
mod syntax;
mod write;

pub use analyze::{Analyzer, MAX_TERM, Term};
pub use error::{Error, Result};
pub use format::{INFO, Info, LENGTHS, LISTS, POSITIONS, TAGS, TERM_INDEX, TERMS};
pub use query::{MAX_QUERY_TERMS, Query, QueryTerm};
pub use read::{Live, MOST_POSITIONS, Reader};
pub use search::{Hit, Place, Search, Segment, TermScore};
pub use syntax::without_syntax;
pub use write::{Options, Writer};

/// Temporary files in memory.
pub type MemoryScratch = colidx_spill::MemoryScratch<Error>;
/// Sections in memory: for tests, and for few documents. [`Reader::in_memory`] reads them.
pub type MemorySections = colidx_spill::MemorySections<Error>;
