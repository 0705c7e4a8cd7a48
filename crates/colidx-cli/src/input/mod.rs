//! What colidx reads and writes besides indexes: corpora, queries, relevance judgements and embedding files.
//!
//! Everything here streams: memory stays constant whatever the size of a file, except where a type says that it
//! holds its content (queries and judgements, which are small beside the corpus they belong to).

pub mod corpus;
pub mod embeddings;
pub mod error;
mod keys;
mod lines;
pub mod npy;
mod open;
mod passages;
pub mod qrels;
pub mod queries;
mod records;
mod skipped;
mod source;
mod table;
mod walk;

pub use corpus::{Corpus, CorpusOptions, CorpusReport, Document};
pub use error::{InputError, LineFault, Place};
pub use keys::read_keys;
pub(crate) use lines::{Lines, LinesError};
pub(crate) use open::open;
pub use qrels::Qrels;
pub use queries::{Query, QueryOptions, read_queries};
pub use skipped::{Reason, Skipped};
pub(crate) use source::file_name;
pub use source::{Compression, Format, STANDARD_INPUT};
pub(crate) use table::Table;

/// The longest line of a text file that is read by default: 16 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 16 << 20;
