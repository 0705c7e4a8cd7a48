//! The one writer of an index: documents are added, replaced and deleted, and a commit makes all of
//! it visible.
//!
//! The first commit of a new index trains its codebook ([`creation`]). After that, added documents
//! become a segment of their own, encoded with that codebook, and deleted ones are listed
//! ([`crate::snapshot::deletions`]) and stay in their segments until these are merged
//! ([`updates`]). [`policy`] decides what is merged when.

mod commit;
mod compact;
mod creation;
mod manifest_edit;
mod merge;
mod options;
mod policy;
mod report;
mod retrain;
mod staged;
mod updates;

pub use options::WriterOptions;
pub use report::CommitReport;
pub use retrain::RetrainOptions;

use crate::error::{Error, Result, Unfinished};
use crate::format::recall_table::RecallTable;
use crate::index::Index;
use crate::ingest::{self, BuildOptions, NewDocument, SourceDocument, VectorBatch, VectorSource};
use crate::progress::Progress;
use crate::search::Query;
use crate::storage::Directory;
use colidx_lexical::Analyzer;
use creation::Creation;
use staged::Vectors;
use std::path::Path;
use updates::Updates;

/// The one writer of an index.
///
/// Documents are added, replaced and deleted first; [`IndexWriter::commit`] then does the work.
/// Readers see nothing of it until they open the index again or [`Index::reload`] it, and then all
/// of it. Dropping the writer drops what is not committed.
///
/// ```
/// # use colidx_core::*;
/// # fn main() -> Result<(), Error> {
/// # let directory = Directory::memory();
/// let mut writer = IndexWriter::create_in(&directory, BuildOptions::default().dim(2))?;
/// writer.add_vectors("a", &[1.0, 0.0], &[])?; // one token vector
/// writer.add_vectors("b", &[0.0, 1.0, 0.6, 0.8], &[])?; // two
/// writer.commit(&mut NoVectors, &NoProgress)?;
/// let index = Index::open_in(&directory)?;
///
/// writer.add_vectors(NewDocument::new("c").text("a fox"), &[0.8, 0.6], &[])?;
/// writer.update_vectors("a", &[0.0, 1.0], &[])?;
/// writer.delete("b")?;
/// writer.commit(&mut NoVectors, &NoProgress)?;
///
/// assert!(index.find("b")?.is_some()); // as it was opened
/// let index = index.reload()?.expect("a newer commit");
/// assert!(index.find("b")?.is_none());
/// let c = index.find("c")?.expect("it was added");
/// assert_eq!(index.document(c)?.text, "a fox");
/// # Ok(())
/// # }
/// ```
pub struct IndexWriter {
    state: State,
}

enum State {
    New(Box<Creation>),
    Committed(Box<Updates>),
    /// The first commit failed.
    Failed,
}

impl IndexWriter {
    /// Takes a directory for a new index, which the first commit writes and trains.
    ///
    /// An index that was there stays until then. Where the first commit fails, vectors that were
    /// encoded are kept for a writer that is created with [`BuildOptions::resume`]; while there are
    /// none, the directory is left as it was found.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] without `force`, [`Error::Unfinished`] without `force` or `resume`,
    /// [`Error::OtherBuild`] when the build to resume had other options,
    /// [`Error::DirectoryNotEmpty`] and [`Error::ManifestMissing`] when other files are there,
    /// [`Error::Locked`] while another writer works, [`Error::Option`] for a value out of range.
    pub fn create(path: impl AsRef<Path>, options: BuildOptions) -> Result<Self> {
        Self::create_in(&Directory::new(path), options)
    }

    /// As [`IndexWriter::create`], in any directory.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::create`].
    pub fn create_in(directory: &Directory, options: BuildOptions) -> Result<Self> {
        let creation = Creation::begin(directory, options)?;
        Ok(Self {
            state: State::New(Box::new(creation)),
        })
    }

    /// Takes an index for writing, and removes what a writer that was killed left behind.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another writer has it, [`Error::Unfinished`] when a build that would
    /// replace the index can be resumed, otherwise as [`Index::open`].
    pub fn open(path: impl AsRef<Path>, options: WriterOptions) -> Result<Self> {
        Self::open_in(&Directory::new(path), options)
    }

    /// As [`IndexWriter::open`], in any directory.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::open`].
    pub fn open_in(directory: &Directory, options: WriterOptions) -> Result<Self> {
        let updates = Updates::open(directory, options)?;
        Ok(Self {
            state: State::Committed(Box::new(updates)),
        })
    }

    /// Opens the index, or creates it where there is none. An index that is there keeps the
    /// dimension, bits and codebook it has, whatever the options say.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::create`], but for [`Error::AlreadyExists`], and as [`IndexWriter::open`].
    pub fn open_or_create(path: impl AsRef<Path>, options: BuildOptions) -> Result<Self> {
        let directory = Directory::new(path);
        let writer = WriterOptions::from(&options);
        let create = BuildOptions {
            force: false,
            ..options
        };
        match Self::create_in(&directory, create) {
            Err(Error::AlreadyExists { .. }) => Self::open_in(&directory, writer),
            created => created,
        }
    }

    /// The unfinished build in a directory that [`BuildOptions::resume`] would resume.
    ///
    /// # Errors
    ///
    /// [`Error::DamagedJournal`], [`Error::Io`] when the system refuses.
    pub fn unfinished(path: impl AsRef<Path>) -> Result<Option<Unfinished>> {
        ingest::unfinished(&Directory::new(path))
    }

    /// The last commit, a snapshot like any other; `None` before the first commit of a new index.
    pub fn index(&self) -> Option<&Index> {
        match &self.state {
            State::Committed(updates) => Some(&updates.index),
            _ => None,
        }
    }

    /// Adds a document. Its text is stored now; the source that is given to [`IndexWriter::commit`]
    /// makes its vectors, and knows it as the n-th document that was added or updated since the
    /// last commit.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateKey`], [`Error::InvalidKey`], [`Error::DocumentTooLarge`] or
    /// [`Error::Metadata`], after which the writer is unchanged and usable; [`Error::WrongModel`]
    /// when [`WriterOptions::model`] is not the index's; [`Error::Io`] when the disk fails, after
    /// which all that follow are [`Error::Poisoned`].
    pub fn add<'a>(&mut self, document: impl Into<NewDocument<'a>>) -> Result<()> {
        self.add_document(document.into(), None)
    }

    /// Adds a document with its token vectors, `[n_tokens, dim]` f32 row-major, and their
    /// vocabulary ids: one for each vector, or none. They are kept on disk until the commit. A new
    /// index needs [`BuildOptions::dim`] for this.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::add`], and [`Error::DocumentVectors`], [`Error::TokenIds`],
    /// [`Error::NonFinite`], [`Error::TooLong`] or [`Error::NotUnitLength`] for vectors that cannot
    /// be stored, after which the writer is unchanged and usable.
    pub fn add_vectors<'a>(
        &mut self,
        document: impl Into<NewDocument<'a>>,
        vectors: &[f32],
        token_ids: &[u32],
    ) -> Result<()> {
        let vectors = Vectors {
            values: vectors,
            token_ids,
        };
        self.add_document(document.into(), Some(vectors))
    }

    fn add_document(
        &mut self,
        document: NewDocument<'_>,
        vectors: Option<Vectors<'_>>,
    ) -> Result<()> {
        match &mut self.state {
            State::New(creation) => creation.add(&document, vectors, false).map(drop),
            State::Committed(updates) => updates.add(&document, vectors),
            State::Failed => Err(Error::Poisoned),
        }
    }

    /// As [`IndexWriter::add`], in place of a document that has the key. Returns whether there was
    /// one.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::add`], but for [`Error::DuplicateKey`].
    pub fn update<'a>(&mut self, document: impl Into<NewDocument<'a>>) -> Result<bool> {
        self.update_document(document.into(), None)
    }

    /// As [`IndexWriter::add_vectors`], in place of a document that has the key. Returns whether
    /// there was one.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::add_vectors`], but for [`Error::DuplicateKey`].
    pub fn update_vectors<'a>(
        &mut self,
        document: impl Into<NewDocument<'a>>,
        vectors: &[f32],
        token_ids: &[u32],
    ) -> Result<bool> {
        let vectors = Vectors {
            values: vectors,
            token_ids,
        };
        self.update_document(document.into(), Some(vectors))
    }

    fn update_document(
        &mut self,
        document: NewDocument<'_>,
        vectors: Option<Vectors<'_>>,
    ) -> Result<bool> {
        match &mut self.state {
            State::New(creation) => creation.add(&document, vectors, true),
            State::Committed(updates) => updates.update(&document, vectors),
            State::Failed => Err(Error::Poisoned),
        }
    }

    /// Deletes the document with a key. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged, [`Error::Poisoned`] after a failure.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        match &mut self.state {
            State::New(creation) => creation.delete(key),
            State::Committed(updates) => updates.delete(key),
            State::Failed => Err(Error::Poisoned),
        }
    }

    /// Documents that the next commit adds, replacements included.
    pub fn num_staged(&self) -> usize {
        match &self.state {
            State::New(creation) => creation.staged.added(),
            State::Committed(updates) => updates.staged.added(),
            State::Failed => 0,
        }
    }

    /// Whether the next commit adds a document with this key.
    pub fn is_staged(&self, key: &str) -> bool {
        match &self.state {
            State::New(creation) => creation.staged.contains(key),
            State::Committed(updates) => updates.staged.contains(key),
            State::Failed => false,
        }
    }

    /// Drops everything since the last commit.
    pub fn rollback(&mut self) {
        match &mut self.state {
            State::New(creation) => creation.rollback(),
            State::Committed(updates) => updates.rollback(),
            State::Failed => {}
        }
    }

    /// Makes all changes since the last commit visible at once.
    ///
    /// `source` makes the vectors of documents that were added without; give [`NoVectors`] when
    /// there are none. The first commit of a new index trains the codebook and may have no
    /// documents; the dimension is then [`BuildOptions::dim`] or the source's. A later commit with
    /// nothing to do writes nothing. Segments that have become many are merged afterwards, in a
    /// commit of its own, whose failure is in [`CommitReport::unmerged`].
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] when `progress` says so, [`Error::Encode`] when the source fails,
    /// [`Error::NonFinite`] or [`Error::TooLong`] for vectors that cannot be stored,
    /// [`Error::NotUnitLength`], [`Error::NoTokenIds`], [`Error::SourceDimension`] for vectors that
    /// do not suit the index, [`Error::OtherBuild`] when the build to resume had other documents or
    /// another source, [`Error::Memory`] when the limit is too low, [`Error::Io`] when the disk
    /// fails.
    ///
    /// Whatever fails, the changes are dropped and the index is as it was; only where the disk
    /// fails at the moment of the commit itself, either may be in place. After a failed first
    /// commit the writer takes nothing more. After [`Error::Conflict`] because the directory of a
    /// committed index was moved, what was encoded is kept: once the directory is back, call this
    /// again.
    pub fn commit(
        &mut self,
        source: &mut dyn VectorSource,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::New(creation) => {
                let (updates, report) = creation.commit(source, progress)?;
                self.state = State::Committed(Box::new(updates));
                Ok(report)
            }
            State::Committed(mut updates) => {
                let report = updates.commit(source, progress);
                self.state = State::Committed(updates);
                report
            }
            State::Failed => Err(Error::Poisoned),
        }
    }

    /// Merges segments that have become many, and rewrites those with many deleted documents.
    ///
    /// # Errors
    ///
    /// [`Error::NotCommitted`] before the first commit, [`Error::Uncommitted`] while changes are
    /// staged, [`Error::Cancelled`], [`Error::Io`] when the disk fails, [`Error::Format`] when
    /// damage is met. What was merged before stays so.
    pub fn merge(&mut self, progress: &dyn Progress) -> Result<CommitReport> {
        self.updates()?.merge(progress)
    }

    /// Merges all segments into one, without deleted documents.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::merge`].
    pub fn compact(&mut self, progress: &dyn Progress) -> Result<CommitReport> {
        self.updates()?.compact(progress)
    }

    /// Rebuilds the index's words from its stored text, with this analyzer, in one segment
    /// without deleted documents; `None` removes them. Does nothing where the words are of this
    /// analyzer already.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::merge`].
    pub fn set_analyzer(
        &mut self,
        analyzer: impl Into<Option<Analyzer>>,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        self.updates()?.set_analyzer(analyzer.into(), progress)
    }

    /// Measures what searches for each of `ks` numbers of hits find of the exact top hits
    /// ([`Index::measure_recall`]), and stores it in the index, where
    /// [`SearchOptions::recall`](crate::SearchOptions::recall) chooses its effort by it. Some
    /// hundred queries like those to come are enough.
    ///
    /// It stays through all later commits but [`IndexWriter::retrain`], and is not used while the
    /// index has fewer than half or more than twice as many documents.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::merge`] and [`Index::measure_recall`].
    pub fn tune(
        &mut self,
        queries: &[Query],
        ks: &[usize],
        progress: &dyn Progress,
    ) -> Result<RecallTable> {
        self.updates()?.tune(queries, ks, progress)
    }

    /// Trains a new codebook and encodes every document with it, in one segment without deleted
    /// documents.
    ///
    /// Without a `source` this takes the stored vectors as they decode, which loses a little more;
    /// with one the vectors are made again from the stored text.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::merge`], and [`Error::NoText`] when the source needs text and documents
    /// were added without, otherwise as [`IndexWriter::commit`].
    pub fn retrain(
        &mut self,
        source: Option<&mut dyn VectorSource>,
        options: &RetrainOptions,
        progress: &dyn Progress,
    ) -> Result<CommitReport> {
        self.updates()?.retrain(source, options, progress)
    }

    fn updates(&mut self) -> Result<&mut Updates> {
        match &mut self.state {
            State::New(_) => Err(Error::NotCommitted),
            State::Committed(updates) => Ok(updates),
            State::Failed => Err(Error::Poisoned),
        }
    }
}

/// Gives no vectors: for commits that only delete, or whose documents came with their vectors.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoVectors;

impl VectorSource for NoVectors {
    fn dim(&self) -> usize {
        0
    }

    fn encode(
        &mut self,
        _: &[SourceDocument<'_>],
        _: &mut VectorBatch,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("documents were added without vectors, and no source for them was given".into())
    }
}
