//! What late-interaction search reads and writes besides indexes: corpora, queries, relevance
//! judgements, runs, the metrics that compare them, and files of token vectors.
//!
//! Corpora stream: memory stays constant whatever the size of a file. Queries, judgements and runs
//! are held in memory, as they are small compared to their corpus. Every error says where it
//! is, what was expected, what was found and what to do.
//!
//! ```
//! use colidx_data::{Corpus, CorpusOptions, Judgements, Run, evaluate, parse_metrics};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = |name: &str| folder.path().join(name);
//! std::fs::write(path("corpus.tsv"), "id\ttitle\ttext\nd1\tInsects\tBees dance.\n")?;
//! for document in Corpus::open(&[path("corpus.tsv")], CorpusOptions::new())? {
//!     let document = document?;
//!     println!("{}: {} {}", document.key, document.title, document.text);
//!     # assert_eq!((&*document.title, &*document.text), ("Insects", "Bees dance."));
//! }
//!
//! std::fs::write(path("qrels.tsv"), "query-id\tcorpus-id\tscore\nq1\td1\t1\n")?;
//! let judgements = Judgements::open(&path("qrels.tsv"))?;
//! let mut run = Run::new();
//! run.insert("q1", vec![("d7".to_owned(), 9.5), ("d1".to_owned(), 8.25)]);
//! let evaluation = evaluate(&judgements, &run, &parse_metrics("mrr@10")?)?;
//! assert_eq!(evaluation.means[0].1, 0.5);
//! # Ok(())
//! # }
//! ```
//!
//! | to do | see |
//! |---|---|
//! | read documents from files, folders and standard input | [`Corpus`], [`Format`] |
//! | read queries, judgements and keys | [`read_queries`], [`Judgements`], [`read_keys`] |
//! | measure rankings | [`evaluate`], [`overlap`](overlap()), [`Run`] |
//! | write a run for other tools | [`RunWriter`] |
//! | read and write token vectors | [`embeddings`], [`npy`], [`mod@array`] |
//! | write files without loss | [`OutputFile`], [`Protected`] |
//! | show text that anyone may have written | [`harmless`] |

#![forbid(unsafe_code)]

pub mod array;
mod column_key;
mod columns;
mod compression;
mod corpus;
pub mod counted;
pub mod embeddings;
mod error;
mod files;
pub mod harmless;
mod json;
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
    UnusedOption, Whole,
};
pub use error::{Field, InputError, LineFault, Place};
pub use files::{
    CompletedFile, OutputError, OutputFile, Protected, STANDARD_INPUT, file_name, open, read_keys,
};
#[cfg(unix)]
pub use files::{Wait, wait_with};
pub use judgements::Judgements;
pub use metrics::{Evaluation, EvaluationError, Metric, MetricError, evaluate, parse_metrics};
pub use overlap::overlap;
pub use queries::{Queries, Query, QueryOptions, read_queries, read_queries_from};
pub use run::{Run, RunError, RunWriter};
pub use skipped::{SkipReason, Skipped};

/// The longest line of a text file that is read by default: 16 MiB.
pub const DEFAULT_LINE_LIMIT: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_and_writes_can_move_to_another_thread() {
        fn send<T: Send>() {}
        fn shared<T: Send + Sync>() {}
        send::<Corpus>();
        send::<OutputFile>();
        send::<CompletedFile>();
        send::<RunWriter<OutputFile>>();
        send::<embeddings::Embeddings>();
        send::<embeddings::EmbeddingsWriter>();
        send::<embeddings::Keys>();
        send::<embeddings::QueryEmbeddings>();
        send::<embeddings::QueryEmbeddingsWriter>();
        shared::<CorpusOptions>();
        shared::<Document>();
        shared::<Format>();
        shared::<Judgements>();
        shared::<Protected>();
        shared::<Queries>();
        shared::<QueryOptions>();
        shared::<Run>();
        shared::<InputError>();
        shared::<OutputError>();
    }
}
