//! What late-interaction search reads and writes besides indexes: corpora, queries, relevance judgements,
//! embedding files, runs, and the metrics that compare them.
//!
//! Everything here streams: memory stays constant whatever the size of a file, except where a type says that it
//! holds its content (queries, judgements and runs, which are small beside the corpus they belong to).

#![forbid(unsafe_code)]

mod columns;
mod compression;
mod corpus;
pub mod counted;
pub mod embeddings;
mod error;
mod files;
pub mod harmless;
mod judgements;
mod metrics;
pub mod npy;
mod overlap;
mod queries;
mod run;
mod skipped;

pub use compression::Compression;
pub use corpus::{
    Corpus, CorpusOptions, CorpusReport, Document, Format, TokenCounter, UnknownFormatName,
};
pub use error::{Field, InputError, LineFault, Place};
#[cfg(unix)]
pub use files::Wait;
pub use files::{
    CompletedFile, OutputError, OutputFile, Protected, STANDARD_INPUT, file_name, open, read_keys,
    wait_with,
};
pub use judgements::Judgements;
pub use metrics::{Evaluation, EvaluationError, Metric, MetricError, evaluate, parse_metrics};
pub use overlap::overlap;
pub use queries::{Queries, Query, QueryOptions, read_queries, read_queries_from};
pub use run::{Run, RunError, RunWriter};
pub use skipped::{SkipReason, Skipped};

/// The longest line of a text file that is read by default: 16 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 16 << 20;
