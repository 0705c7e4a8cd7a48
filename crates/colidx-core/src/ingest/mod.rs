//! Building an index: text first, then a sample and its codebook, then every document, then one commit.
//!
//! The corpus is read once, before anything is encoded, so a bad line is found in seconds and not
//! after hours; from then on the builder reads back what it stored. Vectors of the sample are kept in
//! a spool file and not made twice. Nothing is visible to readers until the manifest is in place.
//! A journal tells what is safe on disk, so that a build that was stopped can go on ([`journal`]).

mod assemble;
mod compress;
mod documents;
mod encode;
mod journal;
mod memory;
mod options;
mod pace;
mod parts;
mod reader;
mod sample;
mod source;
mod spool;
mod staging;
mod train;

pub(crate) use assemble::{
    Assembled, Finish, Input, Site, Written, assemble_anew, check_memory, extend, finish,
};
pub(crate) use documents::{DocumentWriter, StoredDocuments, check_document};
pub use journal::Unfinished;
pub use options::BuildOptions;
pub use source::{NoProgress, Phase, Progress, SourceDocument, VectorBatch, VectorSource};
pub(crate) use staging::Staging;
pub(crate) use train::Trained;

use crate::error::{Error, Result};
use crate::format;
use crate::format::manifest::Manifest;
use crate::storage::Directory;
use assemble::assemble;
use journal::{Journal, Record};
use staging::Replaced;
use std::path::Path;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::Xxh3Default;

pub use colidx_cluster::{CodebookKind, KMeans};

/// A document as a caller gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewDocument<'a> {
    /// The caller's name for the document: unique, 1 to 4,096 bytes.
    pub key: &'a str,
    /// Title, or empty.
    pub title: &'a str,
    /// Text; may be empty.
    pub text: &'a str,
    /// Further fields as a JSON object, or empty.
    pub metadata: &'a str,
}

/// What a build did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Documents in the index.
    pub documents: u64,
    /// Where a build was resumed: how many documents had been encoded before.
    pub resumed: Option<u64>,
    /// Token vectors in the index.
    pub vectors: u64,
    /// Documents that have no token vectors, and so are never found.
    pub without_vectors: u64,
    /// Documents whose title and text are both empty.
    pub without_text: u64,
    /// Whether all vectors have unit length, as a ColBERT model's do. If so, decoded vectors are brought back to it, which
    /// makes up for much of what few bits lose (`docs/design/codebook.md`).
    pub unit_length: bool,
    /// Centroids trained.
    pub centroids: usize,
    /// Vectors the codebook was trained on.
    pub sample_vectors: u64,
    /// Time spent in each phase, in order.
    pub phases: Vec<(Phase, Duration)>,
}

/// Builds one index. Documents are added first, then [`IndexBuilder::finish`] does the work.
///
/// An index that was there stays until the new one is committed. Where that does not happen, what was encoded is kept for
/// a build that resumes; while nothing was, the directory is left as it was found.
pub struct IndexBuilder {
    documents: DocumentWriter,
    digest: Digest,
    build: Build,
}

/// What a build has beside its documents.
struct Build {
    staging: Staging,
    options: BuildOptions,
    generation: u64,
    /// Number of the files being written.
    number: u32,
    journal: Journal,
    started: Instant,
}

impl IndexBuilder {
    /// Takes the directory for a new index.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] without `force`, [`Error::Unfinished`] without `force` or `resume`, [`Error::OtherBuild`]
    /// when the build to resume had other options, [`Error::DirectoryNotEmpty`] when foreign files are
    /// there, [`Error::Locked`] while another writer works, [`Error::Option`] for a value out of range.
    pub fn create(path: impl AsRef<Path>, options: BuildOptions) -> Result<Self> {
        Self::create_in(&Directory::new(path), options)
    }

    /// As [`IndexBuilder::create`], in any directory.
    ///
    /// # Errors
    ///
    /// As [`IndexBuilder::create`].
    pub fn create_in(directory: &Directory, options: BuildOptions) -> Result<Self> {
        crate::ready()?;
        options.check()?;
        let (staging, replaced, unfinished) = Staging::take(directory, &options)?;
        let directory = &staging.directory;
        let mut journal = Journal::new(directory, &replaced, unfinished, &options)?;
        journal.begin()?;
        let number = replaced.next_file();
        if number > format::MAX_FILE_NUMBER {
            return Err(Error::NoMoreNumbers {
                max: format::MAX_FILE_NUMBER,
            });
        }
        Ok(Self {
            documents: DocumentWriter::create(directory, number)?,
            digest: Digest::default(),
            build: Build {
                staging,
                options,
                generation: replaced.generation.saturating_add(1),
                number,
                journal,
                started: Instant::now(),
            },
        })
    }

    /// The unfinished build in a directory that [`BuildOptions::resume`] would go on with.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] for a damaged journal, [`Error::Io`] when the system refuses.
    pub fn unfinished(path: impl AsRef<Path>) -> Result<Option<Unfinished>> {
        let directory = Directory::new(path);
        let record = Record::find(&directory, &Replaced::read(&directory)?)?;
        let record = record.filter(Record::has_encoded);
        Ok(record.map(|record| record.unfinished()))
    }

    /// Adds a document; its text is stored now and encoded in [`IndexBuilder::finish`].
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateKey`], [`Error::InvalidKey`] or [`Error::DocumentTooLarge`], after which the
    /// builder is unchanged and can go on; [`Error::Io`] when the disk fails, after which everything is
    /// [`Error::Poisoned`].
    pub fn add(&mut self, document: &NewDocument<'_>) -> Result<()> {
        self.documents.add(document)?;
        self.digest.add(document);
        Ok(())
    }

    /// Documents added so far.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether no document was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Encodes, trains, compresses and commits.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] when `progress` says so, [`Error::Encode`] when the source fails,
    /// [`Error::NonFinite`] for vectors that cannot be stored, [`Error::Io`] when the disk fails,
    /// [`Error::OtherBuild`] when the build to resume had other documents or another source.
    pub fn finish(
        self,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<BuildReport> {
        let Self {
            documents,
            digest,
            mut build,
        } = self;
        let dim = source.dim();
        check_dim(dim)?;
        let journal = &mut build.journal;
        journal.documents(documents.len() as u32)?;
        journal.input("hash of the keys", digest.keys())?;
        journal.input("hash of the texts", digest.texts())?;
        journal.input("dimension of the vectors", dim)?;
        journal.input("source of the vectors", source.fingerprint())?;
        build.run(documents, source, progress).map_err(|error| {
            // What cannot be saved stays as it was saved before; the error to tell of is the first.
            let _ = build.journal.save();
            build.staging.reason(error)
        })
    }
}

impl Build {
    fn run(
        &mut self,
        documents: DocumentWriter,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<BuildReport> {
        let mut phases = vec![(Phase::Read, self.started.elapsed())];
        let mut site = Site {
            directory: &self.staging.directory,
            number: self.number,
            options: &self.options,
            progress,
            phases: &mut phases,
        };
        let input = Input {
            documents: documents.finish()?,
            ordinals: None,
            source,
            stored: false,
        };
        let assembled = assemble(&mut site, input, &mut self.journal)?;
        let written = assembled.written;

        let started = Instant::now();
        progress.phase(Phase::Commit, None);
        let manifest = Manifest {
            generation: self.generation,
            seed: self.options.seed,
            dim: source.dim(),
            nbits: self.options.nbits,
            centroids: assembled.centroids,
            next_file: self.number.saturating_add(1),
            codebook: self.number,
            unit_length: written.unit_length,
            segments: vec![written.segment],
            files: [vec![assembled.codebook], written.files].concat(),
            model: self.options.model.take(),
        };
        self.staging.commit(&manifest, None)?;
        phases.push((Phase::Commit, started.elapsed()));

        Ok(BuildReport {
            documents: written.segment.documents.into(),
            resumed: self.journal.resumed.map(u64::from),
            vectors: written.segment.vectors,
            without_vectors: written.without_vectors,
            without_text: written.without_text,
            unit_length: written.unit_length,
            centroids: assembled.centroids,
            sample_vectors: assembled.sample_vectors,
            phases,
        })
    }
}

/// Hashes of all documents, to tell whether a build goes on with the same.
#[derive(Default)]
struct Digest {
    keys: Xxh3Default,
    texts: Xxh3Default,
}

impl Digest {
    fn add(&mut self, document: &NewDocument<'_>) {
        let field = |hash: &mut Xxh3Default, field: &str| {
            hash.update(&(field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        };
        field(&mut self.keys, document.key);
        for text in [document.title, document.text, document.metadata] {
            field(&mut self.texts, text);
        }
    }

    fn keys(&self) -> String {
        format!("{:032x}", self.keys.digest128())
    }

    fn texts(&self) -> String {
        format!("{:032x}", self.texts.digest128())
    }
}

fn check_dim(dim: usize) -> Result<()> {
    if (1..=format::MAX_DIM).contains(&dim) {
        return Ok(());
    }
    Err(Error::Option {
        option: "the vectors' dimension",
        got: dim.to_string(),
        expected: "at least 1 and at most 4,096",
    })
}
