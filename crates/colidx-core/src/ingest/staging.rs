//! Which files of a directory belong to its index, which to a build, and which are removed when the
//! build ends.
//!
//! A directory is in one of these states, which `docs/guide/update.md` lists for users: empty; an
//! index; either with an unfinished build; files of an index without a manifest; or somebody
//! else's. A build writes its journal before its first file, so files without manifest and journal
//! are those of a damaged index and not of an unfinished build.

use super::BuildOptions;
use super::journal::{JOURNAL, Record};
use crate::error::{Error, Result};
use crate::format::manifest::{MANIFEST, MANIFEST_NEW, Manifest};
use crate::format::{self, MAGIC, file_name};
use crate::snapshot::Snapshot;
use crate::storage::{Directory, LOCK};

/// The index that a build replaces; empty when there is none.
#[derive(Debug, Default)]
pub(crate) struct Replaced {
    pub generation: u64,
    last_file: u32,
    files: Vec<String>,
}

impl Replaced {
    /// The number of the files that a build over this index writes.
    pub(crate) fn next_file(&self) -> u32 {
        self.last_file.saturating_add(1)
    }

    fn of(manifest: &Manifest) -> Self {
        Self {
            generation: manifest.generation,
            last_file: manifest.next_file.saturating_sub(1),
            files: files_of(manifest),
        }
    }

    pub(super) fn read(directory: &Directory) -> Result<Self> {
        if !directory.exists(MANIFEST)? {
            return Ok(Self::default());
        }
        match Manifest::open(directory) {
            Ok((manifest, _)) => Ok(Self::of(&manifest)),
            Err(Error::Format(_)) => Self::unknown(directory),
            Err(other) => Err(other),
        }
    }

    /// Without a manifest that says which files are its own, all stay until the new index is
    /// committed.
    fn unknown(directory: &Directory) -> Result<Self> {
        let mut files = directory.list()?;
        files.retain(|name| format::file_number(name).is_some());
        let numbers = files.iter().filter_map(|name| format::file_number(name));
        Ok(Self {
            generation: 0,
            last_file: numbers.max().unwrap_or(0),
            files,
        })
    }
}

/// A directory locked for a build or for updates. When it is dropped, uncommitted files are
/// removed, unless a journal says how to resume.
#[derive(Debug)]
pub(crate) struct Staging {
    /// The writer's handle, which holds the lock.
    pub directory: Directory,
    kept: Vec<String>,
    committed: bool,
}

impl Staging {
    /// Locks the directory for a build. Also returns the index that it replaces and the journal of
    /// the build to resume.
    pub(crate) fn take(
        directory: &Directory,
        options: &BuildOptions,
    ) -> Result<(Self, Replaced, Option<Record>)> {
        directory.create_all()?;
        if !holds_index(directory)? {
            check_only_ours(directory)?;
        }
        let path = || directory.path().to_path_buf();
        let directory = directory.lock(MANIFEST)?;
        let there = directory.exists(MANIFEST)?;
        let mut replaced = Replaced::read(&directory)?;
        let record = match Record::find(&directory, &replaced) {
            // It cannot be resumed, but it can be replaced.
            Err(Error::DamagedJournal { .. }) if options.force && !options.resume => None,
            found => found?,
        };
        if !there && record.is_none() {
            match index_file(&directory)? {
                Some(_) if options.force => replaced = Replaced::unknown(&directory)?,
                Some(found) => {
                    return Err(Error::ManifestMissing {
                        path: path(),
                        found,
                    });
                }
                None => {}
            }
        }
        let unfinished = record.filter(Record::has_encoded);
        match &unfinished {
            Some(_) if options.resume || options.force => {}
            Some(record) => return Err(record.refused(path())),
            None if there && !options.force => return Err(Error::AlreadyExists { path: path() }),
            None => {}
        }
        let staging = Self {
            directory,
            kept: replaced.files.clone(),
            committed: false,
        };
        if unfinished.is_some() && options.resume {
            return Ok((staging, replaced, unfinished));
        }
        staging.clear()?;
        Ok((staging, replaced, None))
    }

    /// Takes a locked directory for updates of its index. They would make an unfinished build over
    /// it worthless, so that must be ended first.
    pub(crate) fn over(directory: Directory, manifest: &Manifest) -> Result<Self> {
        let index = Replaced::of(manifest);
        let record = Record::find(&directory, &index)?;
        if let Some(record) = record.filter(Record::has_encoded) {
            return Err(record.refused(directory.path().to_path_buf()));
        }
        let staging = Self {
            directory,
            kept: index.files,
            committed: false,
        };
        staging.clear()?;
        Ok(staging)
    }

    /// Removes what an earlier build or writer left behind.
    pub(crate) fn clear(&self) -> Result<()> {
        // A journal must not outlive the files it records.
        if self.directory.exists(JOURNAL)? {
            self.directory.remove(JOURNAL)?;
            self.directory.sync()?;
        }
        self.sweep()
    }

    /// Removes all files that are not kept, as far as possible. Fails first if another writer has
    /// committed, as its files look like leftovers.
    pub(crate) fn sweep(&self) -> Result<()> {
        self.directory.check_commit()?;
        let mut result = Ok(());
        for name in self.directory.list()? {
            if is_ours(&name) && name != LOCK && !self.kept.contains(&name) {
                let removed = self.directory.remove(&name);
                // On Windows a file that a reader maps cannot be removed yet.
                if cfg!(not(windows)) {
                    result = result.and(removed);
                }
            }
        }
        result
    }

    /// The error to report: another writer in the directory makes files vanish or change, which
    /// looks like damage.
    pub(crate) fn reason(&self, error: Error) -> Error {
        match self.directory.check_commit() {
            Err(conflict @ Error::Conflict { .. }) => conflict,
            _ => error,
        }
    }

    /// Commits, and returns the new state of the index; parts of `known`, the state before, are
    /// reused. The new state is opened before the commit, so that none is committed that a reader
    /// refuses. The files of the commit before are removed when the staging is dropped or swept;
    /// readers keep what they mapped.
    pub(crate) fn commit(
        &mut self,
        manifest: &Manifest,
        known: Option<&Snapshot>,
    ) -> Result<Snapshot> {
        let files = files_of(manifest);
        manifest.write(&self.directory)?;
        let snapshot =
            Snapshot::open_prepared(&self.directory, known).map_err(|error| match error {
                Error::Format(_) => Error::Uncommittable {
                    source: Box::new(error),
                },
                other => other,
            })?;
        // When this fails, either manifest may be in place: the files of both stay.
        self.kept.extend_from_slice(&files);
        self.directory.commit(MANIFEST_NEW, MANIFEST)?;
        self.kept = files;
        self.committed = true;
        Ok(snapshot)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: the next build removes what cannot be removed now. A journal that can be
        // resumed, or cannot be read, keeps everything.
        let record = Record::read(&self.directory);
        if !self.committed && record.map_or(true, |r| r.is_some_and(|r| r.has_encoded())) {
            return;
        }
        let _ = self.clear();
        if let Ok(false) = self.directory.exists(MANIFEST) {
            let _ = self.directory.remove(LOCK);
            let _ = self.directory.remove_directory();
        }
    }
}

fn files_of(manifest: &Manifest) -> Vec<String> {
    let files = manifest.files.iter();
    files.map(|f| file_name(f.kind, f.number)).collect()
}

/// A file that belongs to an index or to a build of one.
fn index_file(directory: &Directory) -> Result<Option<String>> {
    let mut names = directory.list()?.into_iter();
    Ok(names.find(|name| format::file_number(name).is_some()))
}

/// Whether there is an index, whole or damaged. Others name files `manifest` too.
fn holds_index(directory: &Directory) -> Result<bool> {
    Ok(directory.exists(MANIFEST)?
        && (*directory.read(MANIFEST, MAGIC.len())? == MAGIC || index_file(directory)?.is_some()))
}

/// A directory without an index may hold what a build left behind, but nothing else.
fn check_only_ours(directory: &Directory) -> Result<()> {
    match directory.list()?.into_iter().find(|name| !is_ours(name)) {
        None => Ok(()),
        Some(found) => Err(Error::DirectoryNotEmpty {
            path: directory.path().to_path_buf(),
            found,
        }),
    }
}

fn is_ours(name: &str) -> bool {
    name == LOCK
        || name == JOURNAL
        || name.ends_with(".new")
        || name.ends_with(".spool")
        || format::file_number(name).is_some()
}
