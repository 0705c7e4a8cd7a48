//! What late-interaction search reads and writes besides indexes: corpora, queries, relevance judgements,
//! embedding files, runs, and the metrics that compare them.
//!
//! Everything here streams: memory stays constant whatever the size of a file, except where a type says that it
//! holds its content (queries, judgements and runs, which are small beside the corpus they belong to).

#![forbid(unsafe_code)]

pub mod corpus;
pub mod counted;
pub mod embeddings;
pub mod error;
pub mod harmless;
mod keys;
mod lines;
pub mod metrics;
pub mod npy;
mod open;
mod output_file;
pub mod overlap;
mod passages;
pub mod qrels;
pub mod queries;
mod records;
pub mod run;
mod skipped;
mod source;
mod table;
mod walk;

pub use corpus::{Corpus, CorpusOptions, CorpusReport, Document};
pub use error::{InputError, LineFault, Place};
pub use keys::read_keys;
pub use metrics::{Evaluation, Metric, MetricError, evaluate, parse_metrics};
pub use open::{open, wait_with};
pub use output_file::{Guard, OutputError, OutputFile, Whole};
pub use overlap::overlap;
pub use qrels::Qrels;
pub use queries::{Query, QueryOptions, read_queries};
pub use run::{Run, RunError, RunWriter};
pub use skipped::{Reason, Skipped};
pub use source::{Compression, Format, STANDARD_INPUT, file_name};
pub(crate) use table::Table;

/// The longest line of a text file that is read by default: 16 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 16 << 20;
