//! An open index: a cheap handle on one snapshot, to search it and to read its documents.

mod info;
mod measure;
mod reader;

pub use info::{FileInfo, IndexInfo, SectionInfo, SegmentInfo};
pub use reader::IndexReader;

use crate::codebook::Codebook;
use crate::error::Result;
use crate::format::MAGIC;
use crate::format::manifest::{MANIFEST, Manifest};
use crate::format::model::ModelInfo;
use crate::format::recall_table::RecallTable;
use crate::progress::Progress;
use crate::search::{
    self, Fusion, Query, Scratch, SearchOptions, SearchResults, TokenMatch, WordMatch, WordQuery,
};
use crate::segment::Segment;
use crate::snapshot::deletions::Deletions;
use crate::snapshot::{DocId, DocumentSet, FieldInfo, Place, Snapshot};
use crate::storage::Directory;
use colidx_lexical::Analyzer;
use colidx_metadata::{Filter, Value};
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// A stored document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
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

/// One committed state of an index.
///
/// It stays as it was opened whatever writers do, and any number of threads can search it at once.
/// A clone is cheap: it shares everything with the original.
#[derive(Debug, Clone)]
pub struct Index {
    snapshot: Arc<Snapshot>,
    scratch: Arc<Scratch>,
}

impl From<Snapshot> for Index {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            snapshot: Arc::new(snapshot),
            scratch: Arc::default(),
        }
    }
}

impl Index {
    /// Maps an index. Nothing is copied or rewritten; only headers and small tables are read.
    ///
    /// # Errors
    ///
    /// [`Error::NotAnIndex`] without a manifest, [`Error::Format`] when a file is damaged, foreign
    /// or of another version, [`Error::Io`] when the system refuses, [`Error::Option`] when
    /// `COLIDX_KERNELS` names no instruction set of this processor.
    ///
    /// [`Error::NotAnIndex`]: crate::Error::NotAnIndex
    /// [`Error::Format`]: crate::Error::Format
    /// [`Error::Io`]: crate::Error::Io
    /// [`Error::Option`]: crate::Error::Option
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(&Directory::new(path))
    }

    /// Whether a directory is an index, so that a program can tell one from other directories. A
    /// damaged one counts unless its manifest begins as something else.
    pub fn exists(path: impl AsRef<Path>) -> bool {
        let manifest = path.as_ref().join(MANIFEST);
        let mut start = Vec::new();
        // Nothing may wait for a pipe of that name.
        manifest.is_file()
            && File::open(manifest)
                .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start))
                .is_ok_and(|_| MAGIC.starts_with(&start))
    }

    /// As [`Index::open`], from any directory.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn open_in(directory: &Directory) -> Result<Self> {
        crate::ready()?;
        Snapshot::open(directory).map(Self::from)
    }

    /// The newest commit, or `None` when it is this one. Files that both have are mapped once.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn reload(&self) -> Result<Option<Self>> {
        self.reload_from(&self.snapshot.directory().pinned()?)
    }

    /// Finds the best documents for a query.
    ///
    /// # Errors
    ///
    /// [`Error::QueryDimension`] when the query has another dimension, [`Error::QueryTooLong`] when
    /// scores might not fit an f32, [`Error::Format`] when damage is met on the way,
    /// [`Error::SearchCancelled`] and [`Error::DeadlineExceeded`] as the options say.
    ///
    /// [`Error::SearchCancelled`]: crate::Error::SearchCancelled
    /// [`Error::DeadlineExceeded`]: crate::Error::DeadlineExceeded
    /// [`Error::QueryDimension`]: crate::Error::QueryDimension
    /// [`Error::QueryTooLong`]: crate::Error::QueryTooLong
    /// [`Error::Format`]: crate::Error::Format
    pub fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResults> {
        colidx_threads::ready();
        search::search(&self.snapshot, &self.scratch, query, options)
    }

    /// Finds the best documents for a query of words, by BM25 with Lucene's formula. Documents that
    /// were deleted do not count, so scores are those of an index that never had them. There are
    /// fewer than `k` hits where fewer documents have a word of the query.
    ///
    /// # Errors
    ///
    /// [`Error::NoWords`] for an index without words, [`Error::Words`] for a query of too many
    /// words, otherwise as [`Index::search`].
    ///
    /// [`Error::NoWords`]: crate::Error::NoWords
    /// [`Error::Words`]: crate::Error::Words
    pub fn search_words(
        &self,
        query: &WordQuery,
        options: &SearchOptions,
    ) -> Result<SearchResults> {
        search::search_words(&self.snapshot, query, options)
    }

    /// Finds the best documents by vectors and words together: candidates from both, each with its
    /// exact MaxSim and its exact BM25, ranked by what `fusion` makes of them.
    ///
    /// # Errors
    ///
    /// As [`Index::search`] and [`Index::search_words`]; [`Error::Option`] for a fusion out of
    /// range.
    ///
    /// [`Error::Option`]: crate::Error::Option
    pub fn search_hybrid(
        &self,
        query: &Query,
        words: &WordQuery,
        fusion: Fusion,
        options: &SearchOptions,
    ) -> Result<SearchResults> {
        colidx_threads::ready();
        let (snapshot, scratch) = (&self.snapshot, &self.scratch);
        search::search_hybrid(snapshot, scratch, query, words, fusion, options)
    }

    /// The words of a query that a document has, where they stand, and what each adds to its BM25.
    ///
    /// # Errors
    ///
    /// As [`Index::search_words`], and [`Error::ForeignDocId`] for a document of another state.
    ///
    /// [`Error::ForeignDocId`]: crate::Error::ForeignDocId
    pub fn explain_words(&self, query: &WordQuery, doc: DocId) -> Result<Vec<WordMatch>> {
        search::explain_words(&self.snapshot, query, self.snapshot.place(doc)?)
    }

    /// What divides text into words, where the index has words.
    ///
    /// # Errors
    ///
    /// [`Error::Words`](crate::Error::Words) for an analyzer that this program does not have.
    pub fn analyzer(&self) -> Result<Option<Analyzer>> {
        self.manifest().features.analyzer()
    }

    /// Searches for many queries, each on one thread of the current rayon pool. The results are in
    /// the order of the queries.
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
    ///
    /// [`Error::ForeignDocId`]: crate::Error::ForeignDocId
    pub fn explain(&self, query: &Query, doc: DocId) -> Result<Vec<TokenMatch>> {
        colidx_threads::ready();
        search::explain(&self.snapshot, query, self.snapshot.place(doc)?)
    }

    /// Measures what searches for each of `ks` numbers of hits find of the exact top hits, and how
    /// long they take, at several efforts. [`IndexWriter::tune`](crate::IndexWriter::tune) also
    /// stores it.
    ///
    /// Each query takes an exact search on all threads of the rayon pool; the searches that are
    /// measured have one thread.
    ///
    /// # Errors
    ///
    /// As [`Index::search`], [`Error::Option`](crate::Error::Option) without a query or without a
    /// number of hits, and [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn measure_recall(
        &self,
        queries: &[Query],
        ks: &[usize],
        progress: &dyn Progress,
    ) -> Result<RecallTable> {
        measure::measure(self, queries, ks, progress)
    }

    /// A stored document; title, text and metadata are empty when only vectors were given.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the stored text is damaged, [`Error::ForeignDocId`] for a document of
    /// another state.
    ///
    /// [`Error::Format`]: crate::Error::Format
    /// [`Error::ForeignDocId`]: crate::Error::ForeignDocId
    pub fn document(&self, doc: DocId) -> Result<Document> {
        let place = self.snapshot.place(doc)?;
        let stored = self.snapshot.text(place)?;
        Ok(Document {
            key: self.snapshot.key(place)?.to_owned(),
            title: stored.title,
            text: stored.text,
            metadata: stored.metadata,
        })
    }

    /// The document with a key.
    ///
    /// # Errors
    ///
    /// [`Error::Format`](crate::Error::Format) when the key table is damaged.
    pub fn find(&self, key: &str) -> Result<Option<DocId>> {
        Ok(self.find_place(key)?.map(|at| self.snapshot.doc_id(at)))
    }

    /// The set of these documents.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignDocId`](crate::Error::ForeignDocId) for a document of another state.
    pub fn document_set(&self, docs: impl IntoIterator<Item = DocId>) -> Result<DocumentSet> {
        let mut set = DocumentSet::empty(&self.snapshot);
        for doc in docs {
            set.insert(self.snapshot.place(doc)?);
        }
        Ok(set)
    }

    /// The documents whose metadata match a filter.
    ///
    /// # Errors
    ///
    /// [`Error::Filter`] for a field that no document has, and for a value of a type that its field
    /// never has; [`Error::NoColumns`] for an index of an earlier version.
    ///
    /// [`Error::Filter`]: crate::Error::Filter
    /// [`Error::NoColumns`]: crate::Error::NoColumns
    pub fn matching(&self, filter: &Filter) -> Result<DocumentSet> {
        self.snapshot.matching(filter)
    }

    /// The fields of the metadata, ascending by path. Documents that were deleted since their
    /// segment was written or merged still count.
    ///
    /// # Errors
    ///
    /// [`Error::NoColumns`](crate::Error::NoColumns) for an index of an earlier version.
    pub fn fields(&self) -> Result<Vec<FieldInfo>> {
        self.snapshot.fields()
    }

    /// The `most` most frequent values of a field, and how many documents have each: out of the
    /// documents `among`, such as those that match a filter, or else of all.
    ///
    /// # Errors
    ///
    /// As [`Index::fields`], and [`Error::ForeignDocId`](crate::Error::ForeignDocId) for a set of
    /// another state.
    pub fn facets(
        &self,
        path: &str,
        among: Option<&DocumentSet>,
        most: usize,
    ) -> Result<Vec<(Value, u64)>> {
        self.snapshot.facets(path, among, most)
    }

    /// All documents. Those of one commit follow each other in the order they were added.
    pub fn doc_ids(&self) -> impl Iterator<Item = DocId> + '_ {
        self.places().map(|place| self.snapshot.doc_id(place))
    }

    /// A document's key.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged, [`Error::ForeignDocId`] for a document of
    /// another state.
    ///
    /// [`Error::Format`]: crate::Error::Format
    /// [`Error::ForeignDocId`]: crate::Error::ForeignDocId
    pub fn key(&self, doc: DocId) -> Result<&str> {
        self.snapshot.key(self.snapshot.place(doc)?)
    }

    /// A document's vectors as search sees them: decoded, `[n_tokens, dim]` f32 row-major.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when a code or offset is damaged, [`Error::ForeignDocId`] for a document
    /// of another state.
    ///
    /// [`Error::Format`]: crate::Error::Format
    /// [`Error::ForeignDocId`]: crate::Error::ForeignDocId
    pub fn token_vectors(&self, doc: DocId) -> Result<Vec<f32>> {
        self.snapshot.vectors(self.snapshot.place(doc)?)
    }

    /// The centroids of the codebook, `[centroids, dim]` f32 row-major.
    pub fn centroids(&self) -> Vec<f32> {
        let codebook = self.codebook();
        let steps = codebook.steps().iter().cycle();
        let values = codebook.centroids(0..codebook.len()).iter();
        values
            .zip(steps)
            .map(|(&v, step)| f32::from(v) * step)
            .collect()
    }

    /// The number of the centroid that each vector of a document belongs to.
    ///
    /// # Errors
    ///
    /// As [`Index::token_vectors`].
    pub fn token_centroids(&self, doc: DocId) -> Result<Vec<u32>> {
        self.snapshot.token_centroids(self.snapshot.place(doc)?)
    }

    /// Reads the whole index and checks every checksum, every offset and every code.
    ///
    /// # Errors
    ///
    /// [`Error::Format`](crate::Error::Format) naming the first thing found wrong.
    pub fn verify(&self) -> Result<()> {
        colidx_threads::ready();
        self.snapshot.verify()
    }

    /// The directory it was opened from.
    pub fn path(&self) -> &Path {
        self.snapshot.directory().path()
    }

    /// Counts commits, from 1: another number is another state.
    pub fn generation(&self) -> u64 {
        self.manifest().generation
    }

    /// Number of documents.
    pub fn num_documents(&self) -> u64 {
        self.snapshot.num_documents()
    }

    /// Number of token vectors of these documents.
    pub fn num_vectors(&self) -> u64 {
        self.snapshot.num_vectors()
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.manifest().dim
    }

    /// The model that made the vectors, when it is known.
    pub fn model(&self) -> Option<&ModelInfo> {
        self.manifest().model.as_ref()
    }
}

/// For the writer, which builds the next state from this one.
impl Index {
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// As [`Index::reload`], from a directory that may have another path now.
    pub(crate) fn reload_from(&self, directory: &Directory) -> Result<Option<Self>> {
        Ok(self.snapshot.newer_in(directory)?.map(Self::from))
    }

    pub(crate) fn find_place(&self, key: &str) -> Result<Option<Place>> {
        self.snapshot.find(key)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.snapshot.places()
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.snapshot.manifest()
    }

    pub(crate) fn codebook(&self) -> &Codebook {
        self.snapshot.codebook()
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        self.snapshot.segments()
    }

    pub(crate) fn deletions(&self) -> &[Deletions] {
        self.snapshot.deletions()
    }
}
