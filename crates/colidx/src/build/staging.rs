//! What of a directory belongs to the index that is there, what to a build, and what goes when a build ends.

use super::BuildOptions;
use super::journal::{JOURNAL, Record};
use crate::error::{Error, Result};
use crate::format::manifest::{MANIFEST, Manifest};
use crate::format::{self, file_name};
use crate::storage::{Directory, LOCK, WriterLock};

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
            // A damaged manifest cannot say which files are its own: all stay until the new index is committed.
            Err(Error::Format(_)) => {
                let mut files = directory.list()?;
                files.retain(|name| format::file_number(name).is_some());
                Ok(Self {
                    generation: 0,
                    last_file: files
                        .iter()
                        .filter_map(|name| format::file_number(name))
                        .max()
                        .unwrap_or(0),
                    files,
                })
            }
            Err(other) => Err(other),
        }
    }
}

/// A directory taken for a build. When it is dropped, what was not committed is removed, unless a journal tells how to go on.
#[derive(Debug)]
pub(crate) struct Staging {
    pub directory: Directory,
    kept: Vec<String>,
    committed: bool,
    _lock: WriterLock,
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
        let lock = directory.lock()?;
        let there = directory.exists(MANIFEST)?;
        let replaced = Replaced::read(directory)?;
        let unfinished = match Record::find(directory, &replaced) {
            // What cannot be read cannot be continued, but it can be replaced.
            Err(Error::Format(_)) if options.force && !options.resume => None,
            found => found?,
        };
        let path = || directory.path().to_path_buf();
        match &unfinished {
            Some(_) if options.resume || options.force => {}
            Some(record) => return Err(record.refused(path())),
            None if there && !options.force => return Err(Error::AlreadyExists { path: path() }),
            None => {}
        }
        let staging = Self {
            directory: directory.clone(),
            kept: replaced.files.clone(),
            committed: false,
            _lock: lock,
        };
        if unfinished.is_some() && options.resume {
            return Ok((staging, replaced, unfinished));
        }
        staging.clear()?;
        Ok((staging, replaced, None))
    }

    /// Takes the lock for changes to an index. A build over it that was left unfinished would be worthless after them, so it
    /// must be ended first.
    pub(crate) fn over(
        directory: &Directory,
        lock: WriterLock,
        manifest: &Manifest,
    ) -> Result<Self> {
        let index = Replaced::of(manifest);
        if let Some(record) = Record::find(directory, &index)? {
            return Err(record.refused(directory.path().to_path_buf()));
        }
        let staging = Self {
            directory: directory.clone(),
            kept: index.files,
            committed: false,
            _lock: lock,
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

    /// Removes what is not kept, as much of it as can be.
    pub(crate) fn sweep(&self) -> Result<()> {
        let mut result = Ok(());
        for name in self.directory.list()? {
            if is_ours(&name) && name != LOCK && !self.kept.contains(&name) {
                result = result.and(self.directory.remove(&name));
            }
        }
        result
    }

    /// Commits. When the staging is dropped or swept, the files of the commit before are removed, which readers that hold them do
    /// not notice.
    pub(crate) fn commit(&mut self, manifest: &Manifest) -> Result<()> {
        let files = files_of(manifest);
        // When this fails, either manifest may be in place: the files of both stay.
        self.kept.extend_from_slice(&files);
        manifest.commit(&self.directory)?;
        self.kept = files;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: what cannot be removed now is removed by the next build.
        if self.committed || matches!(self.directory.exists(JOURNAL), Ok(false)) {
            let _ = self.sweep();
            if let Ok(false) = self.directory.exists(MANIFEST) {
                let _ = self.directory.remove(LOCK);
                let _ = self.directory.remove_directory();
            }
        }
    }
}

fn files_of(manifest: &Manifest) -> Vec<String> {
    let files = manifest.files.iter();
    files.map(|f| file_name(f.kind, f.number)).collect()
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
