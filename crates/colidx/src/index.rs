//! An open index: one committed state, read through memory maps.

use crate::codebook::Codebook;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::kind;
use crate::format::manifest::{MANIFEST, Manifest, ModelInfo};
use crate::search::{self, Query, SearchOptions, SearchResults, SlotPool, TokenMatch};
use crate::segment::Segment;
use crate::storage::Directory;
use rayon::prelude::*;
use std::path::Path;

/// Where a document is in an open index. It holds for that [`Index`] only, where another may have another document or, which
/// panics, none; the key holds forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId {
    segment: u32,
    document: u32,
}

impl DocId {
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

/// One section of a file and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionInfo {
    /// The four-letter name in `index-format.md`.
    pub name: String,
    /// Bytes, without padding.
    pub bytes: u64,
}

/// One file of an index and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Name in the index directory.
    pub name: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Its sections, in file order.
    pub sections: Vec<SectionInfo>,
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IndexInfo {
    /// Counts commits, from 1.
    pub generation: u64,
    /// Version of the format.
    pub format_version: u16,
    /// Documents.
    pub documents: u64,
    /// Token vectors.
    pub vectors: u64,
    /// Values in a vector.
    pub dim: usize,
    /// Residual bits a dimension.
    pub nbits: u32,
    /// Centroids of the codebook.
    pub centroids: usize,
    /// Segments.
    pub segments: usize,
    /// Seed of the build.
    pub seed: u64,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
    /// What made the vectors.
    pub model: Option<ModelInfo>,
    /// Every file, the manifest first.
    pub files: Vec<FileInfo>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of stored text among them.
    pub text_bytes: u64,
}

impl IndexInfo {
    /// Bytes a token vector costs, stored text not counted; 0 without vectors.
    pub fn bytes_per_vector(&self) -> f64 {
        bytes_per_vector(self.bytes, self.text_bytes, self.vectors)
    }
}

pub(crate) fn bytes_per_vector(bytes: u64, text_bytes: u64, vectors: u64) -> f64 {
    match vectors {
        0 => 0.0,
        n => (bytes - text_bytes) as f64 / n as f64,
    }
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
    slots: SlotPool,
}

impl Index {
    /// Maps an index. Nothing is copied or rewritten; only headers and small tables are read.
    ///
    /// # Errors
    ///
    /// [`Error::NotAnIndex`] without a manifest, [`Error::Format`] when a file is damaged, foreign or
    /// of another version, [`Error::Io`] when the system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(&Directory::new(path))
    }

    /// As [`Index::open`], from any directory.
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn open_in(directory: &Directory) -> Result<Self> {
        if !directory.exists(MANIFEST)? {
            return Err(not_an_index(directory));
        }
        // A writer may put a new manifest in place and remove the old one's files between reading
        // the manifest and mapping them; the new manifest's files are then there.
        for _ in 0..8 {
            match Self::open_commit(directory) {
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                result => return result,
            }
        }
        Self::open_commit(directory)
    }

    fn open_commit(directory: &Directory) -> Result<Self> {
        let (manifest, frame) = Manifest::open(directory)?;
        let codebook = Codebook::open(directory, &manifest, &frame)?;
        let segments = manifest
            .segments
            .iter()
            .map(|&entry| Segment::open(directory, &manifest, &frame, entry))
            .collect::<Result<_>>()?;
        Ok(Self {
            directory: directory.clone(),
            manifest,
            manifest_frame: frame,
            codebook,
            segments,
            slots: SlotPool::default(),
        })
    }

    /// Finds the best documents for a query.
    ///
    /// # Errors
    ///
    /// [`Error::Dimension`] when the query is of another dimension, [`Error::Format`] when damage is
    /// met on the way.
    pub fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchResults> {
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
    /// As [`Index::search`].
    pub fn explain(&self, query: &Query, doc: DocId) -> Result<Vec<TokenMatch>> {
        search::explain(self, query, doc)
    }

    /// A stored document; title, text and metadata are empty when only vectors were given.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the stored text is damaged.
    pub fn document(&self, doc: DocId) -> Result<Document> {
        let segment = &self.segments[doc.segment()];
        let key = segment.documents.key(doc.document())?.to_owned();
        let stored = match &segment.text {
            Some(text) => text.get(doc.document())?,
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
        for (number, segment) in self.segments.iter().enumerate() {
            if let Some(document) = segment.documents.find(key)? {
                return Ok(Some(DocId::new(number, document)));
            }
        }
        Ok(None)
    }

    /// All documents, in the order they were added.
    pub fn doc_ids(&self) -> impl Iterator<Item = DocId> + '_ {
        let segments = self.segments.iter().enumerate();
        segments.flat_map(|(n, s)| (0..s.documents.len()).map(move |d| DocId::new(n, d)))
    }

    /// A document's key.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged.
    pub fn key(&self, doc: DocId) -> Result<&str> {
        self.segments[doc.segment()].documents.key(doc.document())
    }

    /// A document's vectors as search sees them: decoded, `[n_tokens, dim]` f32 row-major.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when a code or offset is damaged.
    pub fn token_vectors(&self, doc: DocId) -> Result<Vec<f32>> {
        let segment = &self.segments[doc.segment()];
        let range = segment.documents.vectors(doc.document())?;
        let (mut codes, mut vectors) = (Vec::new(), Vec::new());
        segment.vectors.codes.read(range.clone(), &mut codes);
        let residuals = segment.vectors.residuals(range);
        segment
            .vectors
            .decode(&self.codebook, &codes, residuals, &mut vectors)?;
        Ok(vectors)
    }

    /// The directory it was opened from.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Number of documents.
    pub fn documents(&self) -> u64 {
        self.manifest
            .segments
            .iter()
            .map(|s| u64::from(s.documents))
            .sum()
    }

    /// Number of token vectors.
    pub fn vectors(&self) -> u64 {
        self.manifest.segments.iter().map(|s| s.vectors).sum()
    }

    /// Values in a vector.
    pub fn dim(&self) -> usize {
        self.manifest.dim
    }

    /// What made the vectors, when that is known.
    pub fn model(&self) -> Option<&ModelInfo> {
        self.manifest.model.as_ref()
    }

    /// What the index holds and how large each part is.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the codebook's figures are missing.
    pub fn info(&self) -> Result<IndexInfo> {
        let files: Vec<FileInfo> = [&self.manifest_frame]
            .into_iter()
            .chain(self.frames())
            .map(file_info)
            .collect();
        let text = |f: &&crate::format::manifest::FileEntry| f.kind == kind::TEXT;
        Ok(IndexInfo {
            generation: self.manifest.generation,
            format_version: crate::format::FORMAT_VERSION,
            documents: self.documents(),
            vectors: self.vectors(),
            dim: self.dim(),
            nbits: self.manifest.nbits,
            centroids: self.manifest.centroids,
            segments: self.segments.len(),
            seed: self.manifest.seed,
            sample_error: self.codebook.sample_error(),
            model: self.manifest.model.clone(),
            bytes: files.iter().map(|f| f.bytes).sum(),
            text_bytes: self
                .manifest
                .files
                .iter()
                .filter(text)
                .map(|f| f.seal.length)
                .sum(),
            files,
        })
    }

    /// Reads the whole index and checks every checksum, every offset and every code.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] naming the first thing found wrong.
    pub fn verify(&self) -> Result<()> {
        self.manifest_frame.check_all()?;
        self.codebook.verify()?;
        for segment in &self.segments {
            segment.verify(&self.codebook)?;
        }
        Ok(())
    }

    pub(crate) fn codebook(&self) -> &Codebook {
        &self.codebook
    }

    /// Room for the scores of candidates.
    pub(crate) fn slots(&self) -> &SlotPool {
        &self.slots
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        [&self.codebook.frame]
            .into_iter()
            .chain(self.segments.iter().flat_map(Segment::frames))
    }
}

fn file_info(frame: &Frame) -> FileInfo {
    let name = frame.path().file_name().unwrap_or_default();
    FileInfo {
        name: name.to_string_lossy().into_owned(),
        bytes: frame.len(),
        sections: frame
            .sections()
            .map(|(tag, bytes)| SectionInfo {
                name: tag.to_string(),
                bytes,
            })
            .collect(),
    }
}

fn not_an_index(directory: &Directory) -> Error {
    let names = directory.list().unwrap_or_default();
    let unfinished = names
        .iter()
        .any(|n| crate::format::file_number(n).is_some());
    Error::NotAnIndex {
        path: directory.path().to_path_buf(),
        hint: if unfinished {
            "A build was not finished here; go on with it with `colidx build ... --resume`"
        } else {
            "Make one with `colidx build CORPUS --index DIR`"
        },
    }
}
