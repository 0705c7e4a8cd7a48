#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analyze;
mod bits;
mod dictionary;
mod error;
mod format;
mod impact;
mod memory;
mod query;
mod read;
mod search;
mod syntax;
mod write;

pub use analyze::{Analyzer, MAX_TERM, Term};
pub use error::{Error, Result};
pub use format::{INFO, Info, LENGTHS, LISTS, POSITIONS, TAGS, TERM_INDEX, TERMS};
pub use memory::{MemoryScratch, MemorySections};
pub use query::{MAX_QUERY_TERMS, Query, QueryTerm};
pub use read::{Live, MOST_POSITIONS, Reader};
pub use search::{Hit, Place, Search, Segment, TermScore};
pub use syntax::without_syntax;
pub use write::{Options, Scratch, ScratchFile, Sections, Writer};
