//! An open index: one committed state, read through memory maps.

mod info;
mod open;
mod verify;

pub use info::{FileInfo, IndexInfo, SectionInfo, SegmentInfo};

use crate::codebook::Codebook;
use crate::deletions::Deletions;
use crate::error::{Error, FormatErrorKind, Result};
use crate::format::frame::Frame;
use crate::format::manifest::Manifest;
use crate::format::model::ModelInfo;
use crate::search::{self, Pools, Query, ReadAhead, SearchOptions, SearchResults, TokenMatch};
use crate::segment::Segment;
use crate::storage::Directory;
use rayon::prelude::*;
use std::path::Path;

/// A document of one committed state of an index. To an [`Index`] of another state it is a stranger
/// ([`Error::ForeignDocId`]); the key holds forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId {
    place: Place,
    /// The state's [`Index::state`].
    state: u64,
}

/// Where a document is in an open index.
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

    pub(crate) fn segment(self) -> usize {
        self.segment as usize
    }

    pub(crate) fn document(self) -> u32 {
        self.document
    }
}

/// A stored document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The caller's name for it.
    pub key: String,
    /// Title, or empty.
    pub title: String,
    /// Text, or empty.
    pub text: String,
    /// Further fields as a JSON object, or empty.
    pub metadata: String,
}

/// One committed state of an index. It stays as it was opened whatever writers do, and any number of
/// threads can search it at once.
#[derive(Debug)]
pub struct Index {
    directory: Directory,
    manifest: Manifest,
    manifest_frame: Frame,
    codebook: Codebook,
    segments: Vec<Segment>,
    deletions: Vec<Deletions>,
    pools: Pools,
    ahead: ReadAhead,
}

impl Index {
    /// Finds the best documents for a query.
    ///
    /// # Errors
    ///
    /// [`Error::QueryDimension`] when the query is of another dimension, [`Error::QueryTooLong`] when scores might not fit an
    /// f32, [`Error::Format`] when damage is met on the way.
    pub fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResults> {
        colidx_threads::ready();
        search::search(self, query, options)
    }

    /// Searches for many queries, one a thread of the current rayon pool; the results are in the order of the queries.
    ///
    /// # Errors
    ///
    /// As [`Index::search`], the first that fails.
    pub fn search_many(
        &self,
        queries: &[Query],
        options: &SearchOptions,
    ) -> Result<Vec<SearchResults>> {
        colidx_threads::ready();
        queries
            .par_iter()
            .map(|query| self.search(query, options))
            .collect()
    }

    /// What each query token matched in a document, in query order; empty for a document without
    /// vectors.
    ///
    /// # Errors
    ///
    /// As [`Index::search`], and [`Error::ForeignDocId`] for a document of another state.
    pub fn explain(&self, query: &Query, doc: DocId) -> Result<Vec<TokenMatch>> {
        colidx_threads::ready();
        search::explain(self, query, self.place(doc)?)
    }

    /// A stored document; title, text and metadata are empty when only vectors were given.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the stored text is damaged, [`Error::ForeignDocId`] for a document of another state.
    pub fn document(&self, doc: DocId) -> Result<Document> {
        let place = self.place(doc)?;
        let segment = &self.segments[place.segment()];
        let key = segment.documents.key(place.document())?.to_owned();
        let stored = match &segment.text {
            Some(text) => text.get(place.document())?,
            None => Default::default(),
        };
        Ok(Document {
            key,
            title: stored.title,
            text: stored.text,
            metadata: stored.metadata,
        })
    }

    /// The document with a key.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged.
    pub fn find(&self, key: &str) -> Result<Option<DocId>> {
        Ok(self.find_place(key)?.map(|place| self.doc_id(place)))
    }

    /// Where the document with a key is.
    pub(crate) fn find_place(&self, key: &str) -> Result<Option<Place>> {
        for (number, segment) in self.segments.iter().enumerate() {
            if let Some(document) = segment.find(key)? {
                return Ok(Some(Place::new(number, document)));
            }
        }
        Ok(None)
    }

    /// All documents. Those of one commit follow each other in the order they were added.
    pub fn doc_ids(&self) -> impl Iterator<Item = DocId> + '_ {
        self.places().map(|place| self.doc_id(place))
    }

    /// Where every document is, in document order.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let segments = self.segments.iter().enumerate();
        segments.flat_map(|(n, s)| s.live().map(move |d| Place::new(n, d)))
    }

    pub(crate) fn doc_id(&self, place: Place) -> DocId {
        DocId {
            place,
            state: self.state(),
        }
    }

    /// Where a document is, which must be one of this state.
    fn place(&self, doc: DocId) -> Result<Place> {
        if doc.state == self.state() {
            return Ok(doc.place);
        }
        Err(Error::ForeignDocId)
    }

    /// What tells states apart, of whatever index: the checksum of the manifest, which names every file by its own.
    fn state(&self) -> u64 {
        self.manifest_frame.digest().checksum
    }

    /// A document's key.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged, [`Error::ForeignDocId`] for a document of another state.
    pub fn key(&self, doc: DocId) -> Result<&str> {
        self.key_at(self.place(doc)?)
    }

    pub(crate) fn key_at(&self, place: Place) -> Result<&str> {
        self.segments[place.segment()]
            .documents
            .key(place.document())
    }

    /// A document's vectors as search sees them: decoded, `[n_tokens, dim]` f32 row-major.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when a code or offset is damaged, [`Error::ForeignDocId`] for a document of another state.
    pub fn token_vectors(&self, doc: DocId) -> Result<Vec<f32>> {
        self.vectors_at(self.place(doc)?)
    }

    pub(crate) fn vectors_at(&self, place: Place) -> Result<Vec<f32>> {
        let segment = &self.segments[place.segment()];
        let mut vectors = Vec::new();
        segment.decode(
            &self.codebook,
            place.document(),
            &mut Vec::new(),
            &mut vectors,
        )?;
        Ok(vectors)
    }

    /// Refuses what a product with a document's vectors cannot come to, unless these are damaged: they are finite, and no longer
    /// than what queries are checked against.
    pub(crate) fn check_score(&self, score: f32, place: Place) -> Result<()> {
        if score.is_finite() {
            return Ok(());
        }
        let frame = &self.segments[place.segment()].vectors.residuals_frame;
        Err(frame.error(FormatErrorKind::invalid(
            "section RESI",
            format!("product with document {}", place.document()),
            "a finite number",
            score,
        )))
    }

    /// The directory it was opened from.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Counts commits, from 1: another number is another state.
    pub fn generation(&self) -> u64 {
        self.manifest.generation
    }

    /// Number of documents.
    pub fn documents(&self) -> u64 {
        let segments = self.manifest.segments.iter();
        segments.map(|s| u64::from(s.live_documents())).sum()
    }

    /// Number of token vectors of these documents.
    pub fn vectors(&self) -> u64 {
        let segments = self.manifest.segments.iter();
        segments.map(|s| s.live_vectors()).sum()
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.manifest.dim
    }

    /// What made the vectors, when that is known.
    pub fn model(&self) -> Option<&ModelInfo> {
        self.manifest.model.as_ref()
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn deletions(&self) -> &[Deletions] {
        &self.deletions
    }

    pub(crate) fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    /// What searches keep for each other.
    pub(crate) fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Whether searches should read ahead.
    pub(crate) fn ahead(&self) -> &ReadAhead {
        &self.ahead
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        [&self.codebook.frame]
            .into_iter()
            .chain(self.segments.iter().flat_map(Segment::frames))
            .chain(self.deletions.iter().map(|d| &d.frame))
    }
}
