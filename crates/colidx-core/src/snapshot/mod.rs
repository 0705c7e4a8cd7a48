//! A snapshot: one committed state of an index, read through memory maps. Search reads it, writers
//! build the next one from it, and it never changes.

pub(crate) mod deletions;
mod document_set;
mod metadata;
mod open;
mod verify;

use crate::codebook::Codebook;
use crate::codebook::codes::centroid;
use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::Frame;
use crate::format::manifest::Manifest;
use crate::segment::Segment;
use crate::segment::text::StoredText;
use crate::storage::Directory;
use deletions::Deletions;
pub use document_set::DocumentSet;
pub use metadata::{FieldInfo, TypeCounts};

/// A document of one committed state of an index.
///
/// An [`Index`](crate::Index) of another state refuses it ([`Error::ForeignDocId`]). A document's
/// key stays valid across states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId {
    place: Place,
    /// [`Snapshot::state`] of the snapshot that it belongs to.
    state: u64,
}

/// Where a document is in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    segment: u32,
    document: u32,
}

impl Place {
    pub(crate) fn new(segment: usize, document: u32) -> Self {
        Self {
            segment: segment as u32,
            document,
        }
    }

    /// Its segment, by position among the snapshot's segments.
    pub(crate) fn segment(self) -> usize {
        self.segment as usize
    }

    /// Its number in that segment.
    pub(crate) fn document(self) -> u32 {
        self.document
    }
}

/// One committed state of an index.
#[derive(Debug)]
pub(crate) struct Snapshot {
    directory: Directory,
    manifest: Manifest,
    manifest_frame: Frame,
    codebook: Codebook,
    segments: Vec<Segment>,
    deletions: Vec<Deletions>,
}

impl Snapshot {
    /// The directory it was opened from.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(crate) fn deletions(&self) -> &[Deletions] {
        &self.deletions
    }

    /// The files of the snapshot, the manifest first.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        [&self.manifest_frame, &self.codebook.frame]
            .into_iter()
            .chain(self.segments.iter().flat_map(Segment::frames))
            .chain(self.deletions.iter().map(|d| &d.frame))
    }

    /// Number of documents that are not deleted.
    pub(crate) fn num_documents(&self) -> u64 {
        let segments = self.manifest.segments.iter();
        segments.map(|s| u64::from(s.live_documents())).sum()
    }

    /// Number of their token vectors.
    pub(crate) fn num_vectors(&self) -> u64 {
        let segments = self.manifest.segments.iter();
        segments.map(|s| s.live_vectors()).sum()
    }

    /// Every document that is not deleted, in document order.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let segments = self.segments.iter().enumerate();
        segments.flat_map(|(n, s)| s.live().map(move |d| Place::new(n, d)))
    }

    /// The document with a key.
    pub(crate) fn find(&self, key: &str) -> Result<Option<Place>> {
        for (number, segment) in self.segments.iter().enumerate() {
            if let Some(document) = segment.find(key)? {
                return Ok(Some(Place::new(number, document)));
            }
        }
        Ok(None)
    }

    pub(crate) fn doc_id(&self, place: Place) -> DocId {
        DocId {
            place,
            state: self.state(),
        }
    }

    /// Where a document is, which must be one of this state.
    pub(crate) fn place(&self, doc: DocId) -> Result<Place> {
        if doc.state == self.state() {
            return Ok(doc.place);
        }
        Err(Error::ForeignDocId)
    }

    /// Tells states of all indexes apart: the checksum of the manifest, which covers the checksums
    /// of all other files.
    fn state(&self) -> u64 {
        self.manifest_frame.digest().checksum
    }

    pub(crate) fn key(&self, place: Place) -> Result<&str> {
        self.segment(place).documents.key(place.document())
    }

    /// A document's stored fields, all empty when only vectors were given.
    pub(crate) fn text(&self, place: Place) -> Result<StoredText> {
        match &self.segment(place).text {
            Some(text) => text.get(place.document()),
            None => Ok(StoredText::default()),
        }
    }

    /// A document's vectors as they decode, `[n_tokens, dim]` row-major.
    pub(crate) fn vectors(&self, place: Place) -> Result<Vec<f32>> {
        let (mut codes, mut vectors) = (Vec::new(), Vec::new());
        let segment = self.segment(place);
        segment.decode(&self.codebook, place.document(), &mut codes, &mut vectors)?;
        Ok(vectors)
    }

    pub(crate) fn token_centroids(&self, place: Place) -> Result<Vec<u32>> {
        let mut codes = Vec::new();
        let segment = self.segment(place);
        segment.codes(&self.codebook, place.document(), &mut codes)?;
        codes.iter_mut().for_each(|code| *code = centroid(*code));
        Ok(codes)
    }

    fn segment(&self, place: Place) -> &Segment {
        &self.segments[place.segment()]
    }

    /// Refuses a score that is not finite. Only damage can cause one: stored vectors are finite and
    /// no longer than what queries are checked against.
    pub(crate) fn check_score(&self, score: f32, place: Place) -> Result<()> {
        if score.is_finite() {
            return Ok(());
        }
        let frame = &self.segment(place).vectors.residuals_frame;
        Err(frame.error(FormatErrorKind::invalid(
            "section RESI",
            format!("product with document {}", place.document()),
            "a finite number",
            score,
        )))
    }
}
