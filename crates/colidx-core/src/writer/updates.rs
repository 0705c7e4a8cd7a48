//! Changing an index that was committed.

use super::WriterOptions;
use super::commit::Prepared;
use super::manifest_edit::FileIds;
use super::staged::{Staged, Vectors};
use crate::error::{Conflict, Error, Result};
use crate::format::manifest::MANIFEST;
use crate::format::model::ModelInfo;
use crate::index::Index;
use crate::ingest::{NewDocument, Staging, Supply, Trained};
use crate::snapshot::deletions::{self, Entry};
use crate::storage::Directory;

/// Changes to a committed index.
pub(super) struct Updates {
    // Dropped before the lock is given back.
    pub staged: Staged,
    pub files: Staging,
    /// The last commit.
    pub index: Index,
    /// A commit failed, after which either manifest may be in place.
    pub commit_unknown: bool,
    /// A write failed while a document was added.
    pub poisoned: bool,
    /// A commit that waits for the directory to be moved back.
    pub prepared: Option<Prepared>,
    pub file_ids: FileIds,
    pub options: WriterOptions,
    /// The codebook, laid out for encoding when first needed.
    pub trained: Option<Trained>,
}

impl Updates {
    pub(super) fn new(files: Staging, index: Index, options: WriterOptions) -> Self {
        Self {
            staged: Staged::default(),
            files,
            commit_unknown: false,
            poisoned: false,
            prepared: None,
            file_ids: FileIds::from(index.manifest().next_file),
            index,
            options,
            trained: None,
        }
    }

    /// Takes the index for writing and clears what a writer that was killed left behind.
    pub(super) fn open(directory: &Directory, options: WriterOptions) -> Result<Self> {
        // Without an index there is nothing to lock.
        Index::open_in(directory)?;
        let directory = directory.lock(MANIFEST)?;
        let index = Index::open_in(&directory)?;
        check_pooling(&index, options.pool_factor)?;
        let files = Staging::over(directory, index.manifest())?;
        Ok(Self::new(files, index, options))
    }

    pub(super) fn add(
        &mut self,
        document: &NewDocument<'_>,
        vectors: Option<Vectors<'_>>,
    ) -> Result<()> {
        self.usable()?;
        self.check_model()?;
        let key = document.key;
        if self.staged.contains(key) || self.committed(key)?.is_some() {
            return Err(Error::DuplicateKey { key: key.into() });
        }
        let supply = vectors.map(|vectors| self.supply(vectors));
        self.staged.check(document, supply.as_ref())?;
        self.stage(document, supply)
    }

    /// Adds a document in place of one that has the key. Returns whether there was one.
    pub(super) fn update(
        &mut self,
        document: &NewDocument<'_>,
        vectors: Option<Vectors<'_>>,
    ) -> Result<bool> {
        self.usable()?;
        self.check_model()?;
        let supply = vectors.map(|vectors| self.supply(vectors));
        self.staged.check(document, supply.as_ref())?;
        let committed = self.committed(document.key)?;
        // The old document is deleted only once the new one is staged.
        let staged = self.staged.contains(document.key);
        if staged {
            self.staged.drop_document(document.key);
        }
        self.stage(document, supply)?;
        self.staged.deleted.extend(committed);
        Ok(staged || committed.is_some())
    }

    fn stage(&mut self, document: &NewDocument<'_>, supply: Option<Supply<'_>>) -> Result<()> {
        let directory = &self.files.directory;
        let staged = self
            .staged
            .add(directory, &mut self.file_ids, document, supply);
        self.poisoned |= matches!(staged, Err(Error::Io { .. }));
        staged
    }

    fn supply<'a>(&self, vectors: Vectors<'a>) -> Supply<'a> {
        let manifest = self.index.manifest();
        Supply {
            dim: manifest.dim,
            vectors: vectors.values,
            token_ids: vectors.token_ids,
            unit_length: manifest.centroids > 0 && manifest.unit_length,
        }
    }

    /// Fails when what is staged is not to be trusted, or waits to be committed first.
    pub(super) fn usable(&self) -> Result<()> {
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

    /// Deletes the document with a key. Returns whether there was one.
    pub(super) fn delete(&mut self, key: &str) -> Result<bool> {
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

    /// Forgets everything since the last commit.
    pub(super) fn rollback(&mut self) {
        self.staged = Staged::default();
        self.prepared = None;
        // What cannot be removed now is removed after the next commit.
        let _ = self.files.sweep();
    }

    /// Vectors of another model would be compared as if they were of the same.
    pub(super) fn check_model(&self) -> Result<()> {
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

/// An index must not mix vectors pooled by different factors.
fn check_pooling(index: &Index, factor: Option<u32>) -> Result<()> {
    let pooling = index.manifest().features.pooling;
    let factor_of_index = pooling.map_or(1, |pooling| pooling.factor);
    match factor {
        Some(factor) if factor != factor_of_index => Err(Error::Option {
            option: "the pool factor",
            got: format!("{factor} for an index whose vectors are pooled by {factor_of_index}"),
            expected: "that of the index; leave it out, or rebuild the index",
        }),
        _ => Ok(()),
    }
}
