//! What of a directory belongs to the index that is there, what to a build, and what goes when a build ends.
//!
//! A directory is in one of these states, which `docs/guide/update.md` lists for users: empty; an index; either of them with an
//! unfinished build; files of an index without a manifest; or somebody else's. What is missing is not what is unfinished: a
//! build writes its journal before its first file, so files without manifest and journal are an index that was damaged.

use super::BuildOptions;
use super::journal::{JOURNAL, Record};
use crate::error::{Error, Result};
use crate::format::manifest::{MANIFEST, MANIFEST_NEW, Manifest};
use crate::format::{self, file_name};
use crate::index::Index;
use crate::storage::{Directory, LOCK};

/// What is known of the index that a build replaces; nothing, when there is none.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    pub generation: u64,
    last_file: u32,
    files: Vec<String>,
}

impl Replaced {
    /// The number of the files that a build over this index writes.
    pub(super) fn next_file(&self) -> u32 {
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

    /// Without a manifest that says which files are its own, all stay until the new index is committed.
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

/// A directory taken for a build or for changes. When it is dropped, what was not committed is removed, unless a journal tells how
/// to go on.
#[derive(Debug)]
pub(crate) struct Staging {
    /// The writer's handle, which holds the lock.
    pub directory: Directory,
    kept: Vec<String>,
    committed: bool,
}

impl Staging {
    /// Takes the directory, together with what is there now and the journal of the build that is to be continued.
    pub(super) fn take(
        directory: &Directory,
        options: &BuildOptions,
    ) -> Result<(Self, Replaced, Option<Record>)> {
        directory.create_all()?;
        if !directory.exists(MANIFEST)? {
            check_only_ours(directory)?;
        }
        let path = || directory.path().to_path_buf();
        let directory = directory.lock(MANIFEST)?;
        let there = directory.exists(MANIFEST)?;
        let mut replaced = Replaced::read(&directory)?;
        let record = match Record::find(&directory, &replaced) {
            // What cannot be read cannot be continued, but it can be replaced.
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

    /// Takes a locked directory for changes to its index. A build over it that was left unfinished would be worthless after
    /// them, so it must be ended first.
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
    fn clear(&self) -> Result<()> {
        // A journal must not outlive what it speaks of.
        if self.directory.exists(JOURNAL)? {
            self.directory.remove(JOURNAL)?;
            self.directory.sync()?;
        }
        self.sweep()
    }

    /// Removes what is not kept, as much of it as can be. After a commit of another nothing is known to be nobody's.
    pub(crate) fn sweep(&self) -> Result<()> {
        self.directory.check_commit()?;
        let mut result = Ok(());
        for name in self.directory.list()? {
            if is_ours(&name) && name != LOCK && !self.kept.contains(&name) {
                result = result.and(self.directory.remove(&name));
            }
        }
        result
    }

    /// What to tell of when something failed: another who works in the directory makes files vanish or change, which looks like
    /// damage.
    pub(crate) fn reason(&self, error: Error) -> Error {
        match self.directory.check_commit() {
            Err(conflict @ Error::Conflict { .. }) => conflict,
            _ => error,
        }
    }

    /// Commits, and returns the index as it then is; `known` is what of it may be open already. The new state is opened
    /// before it is put in place, so that no state is committed that a reader refuses. When the staging is dropped or swept, the
    /// files of the commit before are removed, which readers that hold them do not notice.
    pub(crate) fn commit(&mut self, manifest: &Manifest, known: Option<&Index>) -> Result<Index> {
        let files = files_of(manifest);
        manifest.write(&self.directory)?;
        let index = Index::open_prepared(&self.directory, known).map_err(|error| match error {
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
        Ok(index)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is removed by the next build. What a build can go on with stays, and so does
        // what cannot be told.
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

/// A directory without a manifest may hold what a build left behind, but nothing else.
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
