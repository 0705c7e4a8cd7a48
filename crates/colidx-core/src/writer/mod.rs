//! Changing an index: documents are added, updated and deleted, and one commit makes all of it visible.
//!
//! What is added becomes a segment of its own, encoded with the index's codebook; what is deleted is listed
//! ([`crate::snapshot::deletions`]) and stays in its segment until that is merged. A replaced document is a deleted and an added one.
//! [`policy`] says what is merged when.

mod change;
mod commit;
mod compact;
mod merge;
mod policy;
mod report;
mod retrain;
mod staged;

pub use report::CommitReport;
pub use retrain::RetrainOptions;

use crate::error::{Conflict, Error, Result};
use crate::format::manifest::MANIFEST;
use crate::format::model::ModelInfo;
use crate::index::Index;
use crate::ingest::{
    KMeans, NewDocument, SourceDocument, Staging, Trained, VectorBatch, VectorSource,
    check_document,
};
use crate::snapshot::deletions::{self, Entry};
use crate::storage::Directory;
use change::Numbers;
use commit::Prepared;
use staged::Staged;
use std::path::Path;

/// How to write. [`WriterOptions::default`] deletes and merges; documents can be added when `model` is the index's.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// What makes the vectors of documents that are added; must be what made the index, `None` when that is not known.
    pub model: Option<ModelInfo>,
    /// Most bytes of working memory for phases that can choose; the model is not counted.
    pub memory: usize,
    /// Merge segments as they become many, at the end of each commit. Otherwise call [`IndexWriter::merge`] when it suits.
    pub merge: bool,
    /// Which k-means trains the first codebook of an index that was built without vectors.
    pub engine: KMeans,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            model: None,
            memory: 2 << 30,
            merge: true,
            engine: KMeans::Builtin,
        }
    }
}

/// The one writer of an index.
///
/// Documents are added, updated and deleted first; [`IndexWriter::commit`] then does the work. Readers see nothing of it until
/// they open the index anew or [`Index::reload`] it, and then all of it. What is not committed is gone when the writer is dropped.
///
/// ```
/// # use colidx_core::*;
/// # struct Vectors;
/// # impl VectorSource for Vectors {
/// #     fn dim(&self) -> usize { 2 }
/// #     fn encode(&mut self, documents: &[SourceDocument<'_>], out: &mut VectorBatch)
/// #         -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// #         for d in documents {
/// #             out.lens.push(1);
/// #             out.vectors.extend(if d.text.contains("fox") { [1.0, 0.0] } else { [0.0, 1.0] });
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # fn main() -> Result<(), Error> {
/// # let directory = Directory::memory();
/// # let mut source = Vectors;
/// # let mut builder = IndexBuilder::create_in(&directory, BuildOptions::default())?;
/// # builder.add(&NewDocument { key: "a", text: "a quick brown fox", ..Default::default() })?;
/// # builder.add(&NewDocument { key: "b", text: "a lazy dog", ..Default::default() })?;
/// # builder.finish(&mut source, &NoProgress)?;
/// let index = Index::open_in(&directory)?;
/// let mut writer = IndexWriter::open_in(&directory, WriterOptions::default())?;
/// writer.add(&NewDocument { key: "c", text: "another fox", ..Default::default() })?;
/// writer.update(&NewDocument { key: "a", text: "a quick brown dog", ..Default::default() })?;
/// writer.delete("b")?;
/// writer.commit(&mut source, &NoProgress)?;
///
/// assert_eq!(index.num_documents(), 2); // a and b, as they were
/// let index = index.reload()?.expect("a newer commit");
/// assert_eq!(index.document(index.find("a")?.unwrap())?.text, "a quick brown dog");
/// assert!(index.find("b")?.is_none() && index.find("c")?.is_some());
/// # Ok(())
/// # }
/// ```
pub struct IndexWriter {
    // Dropped before the lock is given back.
    staged: Staged,
    files: Staging,
    /// The last commit.
    index: Index,
    /// A commit failed, after which either may be in place.
    unsure: bool,
    /// A write failed while a document was added.
    poisoned: bool,
    /// What waits for the directory to come back to its place.
    prepared: Option<Prepared>,
    numbers: Numbers,
    options: WriterOptions,
    /// The codebook, laid out for encoding when that is first asked for.
    trained: Option<Trained>,
}

impl IndexWriter {
    /// Takes the index for writing and clears what a writer that was killed left behind.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] while another writer has it, [`Error::Unfinished`] when a build over the index can be resumed, otherwise as
    /// [`Index::open`].
    pub fn open(path: impl AsRef<Path>, options: WriterOptions) -> Result<Self> {
        Self::open_in(&Directory::new(path), options)
    }

    /// As [`IndexWriter::open`], in any directory.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::open`].
    pub fn open_in(directory: &Directory, options: WriterOptions) -> Result<Self> {
        // Without an index there is nothing to lock.
        Index::open_in(directory)?;
        let directory = directory.lock(MANIFEST)?;
        let index = Index::open_in(&directory)?;
        Ok(Self {
            staged: Staged::default(),
            files: Staging::over(directory, index.manifest())?,
            unsure: false,
            poisoned: false,
            prepared: None,
            numbers: Numbers::from(index.manifest().next_file),
            index,
            options,
            trained: None,
        })
    }

    /// The last commit. It is a snapshot like any other and shares its files with those that come.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Adds a document; its text is stored now and encoded by [`IndexWriter::commit`]. The vector source then knows it as the
    /// n-th document that was added or updated since the last commit.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateKey`] when the index has the key, [`Error::InvalidKey`] or [`Error::DocumentTooLarge`], after which
    /// the writer is unchanged and can go on; [`Error::WrongModel`] when [`WriterOptions::model`] is not what made the index;
    /// [`Error::Io`] when the disk fails, after which everything is [`Error::Poisoned`] until the index is opened again.
    pub fn add(&mut self, document: &NewDocument<'_>) -> Result<()> {
        self.usable()?;
        self.check_model()?;
        if self.staged.contains(document.key) || self.committed(document.key)?.is_some() {
            return Err(Error::DuplicateKey {
                key: document.key.into(),
            });
        }
        self.stage(document)
    }

    fn stage(&mut self, document: &NewDocument<'_>) -> Result<()> {
        let directory = &self.files.directory;
        let staged = self.staged.add(directory, &mut self.numbers, document);
        self.poisoned |= matches!(staged, Err(Error::Io { .. }));
        staged
    }

    /// Fails when what is staged is not to be trusted, or waits to be committed first.
    fn usable(&self) -> Result<()> {
        if self.poisoned {
            return Err(Error::Poisoned);
        }
        match self.prepared {
            Some(_) => Err(Error::Conflict {
                path: self.index.path().to_path_buf(),
                found: Conflict::Moved,
            }),
            None => Ok(()),
        }
    }

    /// As [`IndexWriter::add`], in place of a document that has the key. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// As [`IndexWriter::add`], but for [`Error::DuplicateKey`].
    pub fn update(&mut self, document: &NewDocument<'_>) -> Result<bool> {
        self.usable()?;
        self.check_model()?;
        check_document(document)?;
        let committed = self.committed(document.key)?;
        // The document that is there goes only when the other has come.
        let staged = self.staged.contains(document.key);
        if staged {
            self.staged.drop_document(document.key);
        }
        self.stage(document)?;
        self.staged.deleted.extend(committed);
        Ok(staged || committed.is_some())
    }

    /// Deletes the document with a key. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] when the key table is damaged.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.usable()?;
        let staged = self.staged.drop_document(key);
        let committed = self.committed(key)?;
        self.staged.deleted.extend(committed);
        Ok(staged || committed.is_some())
    }

    /// The entry of a committed document that is not to be deleted.
    fn committed(&mut self, key: &str) -> Result<Option<Entry>> {
        self.refresh()?;
        let Some(place) = self.index.find_place(key)? else {
            return Ok(None);
        };
        let segment = self.index.manifest().segments[place.segment()];
        let entry = deletions::entry(segment.number, place.document());
        Ok((!self.staged.deleted.contains(&entry)).then_some(entry))
    }

    /// Documents that the next commit adds, those that replace others included.
    pub fn staged(&self) -> usize {
        self.staged.added()
    }

    /// Forgets everything since the last commit.
    pub fn rollback(&mut self) {
        self.staged = Staged::default();
        self.prepared = None;
        // What cannot be removed now is removed after the next commit.
        let _ = self.files.sweep();
    }

    /// Vectors of another model would be compared as if they were of the same.
    fn check_model(&self) -> Result<()> {
        let fingerprint = |model: Option<&ModelInfo>| model.map(|m| m.fingerprint.clone());
        let (expected, got) = (
            fingerprint(self.index.model()),
            fingerprint(self.options.model.as_ref()),
        );
        if expected == got {
            return Ok(());
        }
        let name = |model: Option<String>| model.unwrap_or_else(|| "an unknown model".into());
        Err(Error::WrongModel {
            expected: name(expected),
            got: name(got),
        })
    }
}

/// Gives no vectors: for commits that only delete.
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
        Err("documents were added, and nothing that makes their vectors was given".into())
    }
}
