//! The engine of colidx: an on-disk index for late-interaction (ColBERT) search.
//!
//! Most people want the crate `colidx`, which searches text; this one stores and searches vectors.
//! A document is a set of token vectors, and so is a query. The index stores each vector as the
//! number of its nearest centroid and a few bits a dimension for the residual (ColBERTv2,
//! arXiv 2112.01488), in files that are mapped into memory. A search generates candidates through
//! the centroids and ranks them by MaxSim over the decoded vectors.
//!
//! ```
//! use colidx_core::*;
//! # fn main() -> Result<(), Error> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("animals.colidx");
//! let mut writer = IndexWriter::create(&path, BuildOptions::default().dim(4))?;
//! let fox = NewDocument::new("fox").text("a quick brown fox");
//! writer.add_vectors(fox, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.8, 0.0], &[])?; // two tokens
//! writer.add_vectors("dog", &[0.0, 0.0, 0.0, 1.0], &[])?; // one token, no text
//! writer.commit(&mut NoVectors, &NoProgress)?; // trains the codebook, writes the index
//!
//! let index = Index::open(&path)?;
//! let query = Query::new(&[0.8, 0.6, 0.0, 0.0], 4)?; // token vectors, [n_tokens, dim]
//! let results = index.search(&query, &SearchOptions::default())?;
//! assert_eq!(results.hits[0].key, "fox");
//! assert_eq!(index.document(results.hits[0].doc)?.text, "a quick brown fox");
//! # Ok(())
//! # }
//! ```
//!
//! - [`IndexWriter`] creates an index, adds, replaces and deletes documents, merges and retrains.
//!   One writer at a time; readers keep what they opened. Vectors come with documents, or from a
//!   [`VectorSource`] such as a model (`colidx-encoder`), which the engine asks in batches.
//! - [`Index`] is one committed state: open, search, explain, verify. Any number of threads can
//!   share it.
//! - [`storage`] says where the files live: a directory, memory, or a storage of your own.
//! - [`Progress`] watches long work and may stop it; [`CancelToken`] only stops it.
//!
//! The bytes on disk are specified in `index-format.md`.
//!
//! # What it asks of a process
//!
//! Work runs on the current rayon pool, or on rayon's global one, which is started when first
//! needed; where the system starts no threads, on the calling thread. The fastest instruction set
//! of the processor is used. Where that is AMX, Linux is asked for its registers, and then refuses
//! small alternate signal stacks until the process ends; with `COLIDX_KERNELS=avx512-vnni` in the
//! environment it is not asked ([`colidx_kernels`]).
//!
//! # Features
//!
//! `testing` (off by default) adds `storage::fault`, a storage that records, fails and loses power
//! as a test says.
#![deny(unsafe_code)] // allowed in one module, `storage::map`

#[cfg(target_endian = "big")]
compile_error!(
    "colidx reads its little-endian files in place and does not run on big-endian machines"
);

mod cancel;
mod codebook;
mod error;
mod format;
mod index;
mod ingest;
mod progress;
mod search;
mod segment;
mod setters;
mod snapshot;
pub mod storage;
mod writer;

pub use cancel::CancelToken;
pub use colidx_lexical::{Analyzer, Error as LexicalError};
pub use colidx_metadata::filter;
pub use colidx_metadata::{Filter, FilterError, Value};
pub use error::{Conflict, Error, FormatError, FormatErrorKind, Result, Unfinished, UnknownRecall};
pub use format::model::ModelInfo;
pub use format::pooling::Pooling;
pub use format::recall_table::{RecallRow, RecallTable};
pub use format::{
    FORMAT_VERSION, MAGIC, MAX_CENTROIDS, MAX_DIM, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES,
};
pub use index::{Document, FileInfo, Index, IndexInfo, IndexReader, SectionInfo, SegmentInfo};
pub use ingest::{
    BuildOptions, CodebookKind, KMeans, NewDocument, SourceDocument, VectorBatch, VectorSource,
};
pub use progress::{NoProgress, Phase, Progress};
pub use search::{
    Fusion, Hit, Query, SearchOptions, SearchResults, SearchStats, TokenMatch, WordMatch, WordQuery,
};
pub use snapshot::{DocId, DocumentSet, FieldInfo, TypeCounts};
pub use storage::Directory;
pub use writer::{CommitReport, IndexWriter, NoVectors, RetrainOptions, WriterOptions};

/// What all that computes needs: threads to compute on, and an instruction set that is known.
fn ready() -> Result<()> {
    colidx_threads::ready();
    match colidx_kernels::selected() {
        Ok(_) => Ok(()),
        Err(unknown) => Err(Error::Option {
            option: "COLIDX_KERNELS",
            got: unknown.got,
            expected: colidx_kernels::UnknownIsa::EXPECTED,
        }),
    }
}
