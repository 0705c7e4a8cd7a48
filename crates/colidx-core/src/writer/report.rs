//! What a commit did.

use crate::error::Error;
use crate::index::Index;
use crate::ingest::{Assembled, SegmentOutput};
use crate::progress::Phase;
use std::time::Duration;

/// What a commit did. With nothing to do, nothing was written and the generation is the same.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CommitReport {
    /// The index's generation afterwards.
    pub generation: u64,
    /// Where a build was resumed: how many documents had been encoded before.
    pub resumed: Option<u64>,
    /// Documents that were added, replacements included.
    pub added: u64,
    /// Documents that were deleted or replaced.
    pub deleted: u64,
    /// Token vectors that were added.
    pub vectors: u64,
    /// Documents among those added that have no token vectors, and so are never found.
    pub without_vectors: u64,
    /// Documents among those added whose title and text are both empty, where others have text.
    pub without_text: u64,
    /// Whether all vectors of the index have unit length, as a ColBERT model's do. Decoded vectors
    /// are then normalised, which makes up for much of what few bits lose.
    pub unit_length: bool,
    /// Centroids of the codebook.
    pub centroids: usize,
    /// Vectors the codebook was trained on in this commit; 0 when none was trained.
    pub sample_vectors: u64,
    /// Mean squared distance of the added vectors from their centroids, `None` without any; far
    /// above `sample_error` the codebook does not fit them
    /// ([`IndexWriter::retrain`](super::IndexWriter::retrain)).
    pub error: Option<f64>,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
    /// Segments that were merged in this commit.
    pub merged: u64,
    /// Deleted documents that these merges reclaimed.
    pub reclaimed: u64,
    /// Why merging failed, if it did: the commit stands, and the next one merges.
    pub unmerged: Option<Error>,
    /// Bytes of all files that were written.
    pub bytes_written: u64,
    /// Time spent in each phase, in order.
    pub phases: Vec<(Phase, Duration)>,
}

impl CommitReport {
    /// Notes that the segments at `places` were merged.
    pub(super) fn note_merge(&mut self, index: &Index, places: &[usize]) {
        let segments = &index.manifest().segments;
        let deleted = places.iter().map(|&p| segments[p].deleted_documents);
        self.merged += places.len() as u64;
        self.reclaimed += deleted.map(u64::from).sum::<u64>();
    }

    /// Notes that a codebook was trained, and a segment written with it.
    pub(super) fn note_training(&mut self, assembled: &Assembled) {
        self.centroids = assembled.centroids;
        self.sample_vectors = assembled.sample_vectors;
        self.unit_length = assembled.written.unit_length;
    }

    pub(super) fn note(&mut self, written: &SegmentOutput) {
        self.added += u64::from(written.segment.documents);
        self.vectors += written.segment.vectors;
        self.without_vectors += written.without_vectors;
        self.without_text += written.without_text;
        self.error = (self.vectors > 0).then_some(written.segment.error);
    }
}
