//! From documents to the files of a segment.
//!
//! Text is stored first, so that a bad document is found in seconds and not after hours; then a
//! sample is encoded and the codebook trained on it ([`sample`], [`train`]); then the vectors of
//! every document are gathered ([`gather`]), compressed and written ([`encode`]), and posting lists
//! are made ([`mod@assemble`]). Computed vectors of the sample are kept in a spool file and not
//! computed twice. Nothing is visible to readers until a manifest is in place ([`staging`]). A
//! journal records what is safe on disk, so that a build that was stopped can be resumed
//! ([`journal`]).

mod assemble;
mod batch_sizer;
mod compress;
mod derived;
mod documents;
mod encode;
mod gather;
mod journal;
mod memory;
mod new_document;
mod options;
mod parts;
mod pooling;
mod read_ahead;
mod reader;
mod sample;
mod source;
mod spool;
mod staging;
mod supplied;
mod train;

pub(crate) use assemble::{
    Assembled, EncodedSegment, SegmentInput, SegmentJob, SegmentOutput, assemble,
    assemble_without_journal, check_memory, extend, finish_segment,
};
pub(crate) use documents::{DocumentWriter, StoredDocuments, check_document};
pub(crate) use journal::{Journal, unfinished};
pub use new_document::NewDocument;
pub use options::BuildOptions;
pub use source::{SourceDocument, VectorBatch, VectorSource};
pub(crate) use staging::Staging;
pub(crate) use supplied::{StagedSource, SuppliedVectors, Supply};
pub(crate) use train::Trained;

pub use colidx_cluster::{CodebookKind, KMeans};
