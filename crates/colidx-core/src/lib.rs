//! colidx: an on-disk index for late-interaction (ColBERT) search, read through memory maps.
//!
//! A document is a set of token vectors. The index stores each vector as the number of its nearest
//! centroid and a few residual bits a dimension (ColBERTv2, arXiv 2112.01488); a search finds
//! candidate documents through the centroids and ranks them by exact MaxSim over the decoded
//! vectors.
//!
//! ```
//! use colidx_core::*;
//! # struct Vectors;
//! # impl VectorSource for Vectors {
//! #     fn dim(&self) -> usize { 2 }
//! #     fn encode(&mut self, documents: &[SourceDocument<'_>], out: &mut VectorBatch)
//! #         -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! #         for d in documents {
//! #             out.lens.push(1);
//! #             out.vectors.extend(if d.text.contains("fox") { [1.0, 0.0] } else { [0.0, 1.0] });
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! # fn main() -> Result<(), Error> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("animals.colidx");
//! # let mut source = Vectors;
//! let mut builder = IndexBuilder::create(&path, BuildOptions::default())?;
//! builder.add(&NewDocument { key: "a", text: "a quick brown fox", ..Default::default() })?;
//! builder.add(&NewDocument { key: "b", text: "a lazy dog", ..Default::default() })?;
//! builder.finish(&mut source, &NoProgress)?; // `source` turns text into vectors
//!
//! let index = Index::open(&path)?;
//! let query = Query::new(&[1.0, 0.0], 2)?; // token vectors, [n_tokens, dim]
//! let results = index.search(&query, &SearchOptions::default().k(1))?;
//! assert_eq!(results.hits[0].key, "a");
//! assert_eq!(index.document(results.hits[0].doc)?.text, "a quick brown fox");
//! # Ok(())
//! # }
//! ```
//!
//! The engine knows no text model: vectors come from a [`VectorSource`], such as the crate
//! `colidx-encoder`, and query vectors from the same model. The bytes on disk are specified in
//! `index-format.md`.
//!
//! # What it asks of a process
//!
//! Work runs on the current rayon pool, or on rayon's global one, which is made when it is first
//! needed; where the system starts no threads, on the calling thread. The fastest instruction set of
//! the processor is used. Where that is AMX, Linux is asked for its registers, and then refuses
//! small alternate signal stacks until the process ends; with
//! `COLIDX_KERNELS=avx512-vnni` in the environment it is not asked ([`colidx_kernels`]).
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
mod search;
mod segment;
mod snapshot;
pub mod storage;
mod writer;

pub use cancel::CancelToken;
pub use error::{Conflict, Error, FormatError, FormatErrorKind, Result};
pub use format::model::ModelInfo;
pub use format::{
    FORMAT_VERSION, MAGIC, MAX_CENTROIDS, MAX_DIM, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES,
};
pub use index::{Document, FileInfo, Index, IndexInfo, IndexReader, SectionInfo, SegmentInfo};
pub use ingest::{
    BuildOptions, BuildReport, CodebookKind, IndexBuilder, KMeans, NewDocument, NoProgress, Phase,
    Progress, SourceDocument, Unfinished, VectorBatch, VectorSource,
};
pub use search::{Hit, Query, SearchOptions, SearchResults, SearchStats, TokenMatch};
pub use snapshot::DocId;
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
