//! The cache on disk, laid out as the hub's own tools do it.
//!
//! `models--owner--name` holds `blobs` (contents by hash), `refs` (revision to commit), `snapshots`
//! (commit to files, which are links to blobs) and `.no_exist` (files that a commit is known not to
//! have). A content arrives in `blobs/HASH.incomplete` while `.locks/models--owner--name/HASH.lock`
//! is held.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::files;
use super::hash::Hash;
use super::id::Commit;
use super::tree::Tree;
use super::{HubError, ModelId};

/// How often, and with which pauses, a lock that another process holds is tried.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// A repository's folder in the cache.
pub(super) struct Repository {
    tree: Tree,
    folder: PathBuf,
}

/// A commit of it.
pub(super) struct Snapshot<'a> {
    repository: &'a Repository,
    files: PathBuf,
    absent: PathBuf,
}

/// How much of a checkpoint a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// Every file that an encoder reads is there, or is known not to exist.
    Complete,
    /// A ColBERT checkpoint with its weights; whether an optional file is missing cannot be told.
    Unproven,
    /// Less than that.
    Partial,
}

impl Repository {
    pub(super) fn new(cache: &Path, id: &ModelId) -> Repository {
        Repository {
            tree: Tree::new(cache),
            folder: format!("models--{}", id.repository().replace('/', "--")).into(),
        }
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }

    /// Remembers that `revision` stands for `commit`.
    pub(super) fn refer(&self, revision: &str, commit: &Commit) -> Result<(), HubError> {
        let path = self.reference(revision);
        self.tree.write(&path, commit.as_str().as_bytes())
    }

    /// The files of `commit`, whether or not there are any.
    pub(super) fn commit(&self, commit: &Commit) -> Snapshot<'_> {
        let below = |kind| self.folder.join(kind).join(commit.as_str());
        Snapshot {
            repository: self,
            files: below("snapshots"),
            absent: below(".no_exist"),
        }
    }

    /// The commit that `revision` stands for, if the cache has something of it.
    pub(super) fn snapshot(&self, revision: &str) -> Option<Snapshot<'_>> {
        let commit = fs::read_to_string(self.tree.path(self.reference(revision)));
        let commit = Commit::parse(commit.as_deref().map_or(revision, str::trim))?;
        let snapshot = self.commit(&commit);
        snapshot.path().is_dir().then_some(snapshot)
    }

    /// The place of the content of `hash`, which no other process fills until this is dropped.
    pub(super) fn blob(&self, hash: &Hash) -> Result<Blob<'_>, HubError> {
        let locks = Path::new(".locks").join(&self.folder);
        let path = locks.join(format!("{hash}.lock"));
        let lock = self.tree.open(&path)?;
        let mut tries = 1;
        while let Err(TryLockError::WouldBlock) = lock.try_lock() {
            if tries == TRIES {
                return Err(HubError::Busy {
                    path: self.tree.path(&path),
                });
            }
            tries += 1;
            thread::sleep(PAUSE);
        }
        // Where there are no locks two processes may spoil each other's part, which its hash then
        // tells.
        let blobs = self.folder.join("blobs");
        Ok(Blob {
            tree: &self.tree,
            whole: blobs.join(hash.to_string()),
            part: blobs.join(format!("{hash}.incomplete")),
            _lock: lock,
        })
    }
}

/// The place of one content.
pub(super) struct Blob<'a> {
    tree: &'a Tree,
    whole: PathBuf,
    part: PathBuf,
    _lock: File,
}

impl Blob<'_> {
    /// Whether all of it is there, of `size` bytes if that is known.
    pub(super) fn is_whole(&self, size: Option<u64>) -> bool {
        let found = fs::metadata(self.tree.path(&self.whole));
        found.is_ok_and(|found| found.is_file() && size.is_none_or(|size| size == found.len()))
    }

    /// What has arrived of it so far.
    pub(super) fn part(&self) -> Result<File, HubError> {
        self.tree.open(&self.part)
    }

    /// Forgets what has arrived.
    pub(super) fn discard(&self) -> Result<(), HubError> {
        self.tree.remove(&self.part)
    }

    /// Takes what has arrived for all of it.
    pub(super) fn complete(&self) -> Result<(), HubError> {
        self.tree.rename(&self.part, &self.whole)
    }

    /// What an error with the part is.
    pub(super) fn failed(&self, error: std::io::Error) -> HubError {
        HubError::io(self.tree.path(&self.part), error)
    }
}

impl Snapshot<'_> {
    pub(super) fn path(&self) -> PathBuf {
        self.repository.tree.path(&self.files)
    }

    /// Where `name` is, or will be.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn state(&self) -> Result<Completeness, HubError> {
        let mut unknown = false;
        let seen = files::visit(&mut |name| {
            let path = self.place(name);
            if path.is_file() {
                return Ok(Some(path));
            }
            let absent = self.repository.tree.path(self.absent.join(name));
            unknown |= !absent.is_file();
            Ok(None)
        })?;
        Ok(match seen {
            files::Seen { weights: true, .. } if !unknown => Completeness::Complete,
            files::Seen {
                weights: true,
                layout: true,
            } => Completeness::Unproven,
            _ => Completeness::Partial,
        })
    }

    /// Gives the content of `blob` the name `name`.
    pub(super) fn link(&self, name: &str, blob: &Blob<'_>) -> Result<(), HubError> {
        let path = self.files.join(name);
        self.repository.tree.link(&blob.whole, &path)
    }

    /// Remembers that the commit has no file `name`.
    pub(super) fn mark_absent(&self, name: &str) -> Result<(), HubError> {
        self.repository.tree.touch(&self.absent.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_whole_when_every_file_is_there_or_known_to_be_absent() {
        let cache = tempfile::tempdir().unwrap();
        let id: ModelId = "owner/name".parse().unwrap();
        let repository = Repository::new(cache.path(), &id);
        assert!(repository.snapshot("main").is_none());
        let name = "a".repeat(40);
        let commit = Commit::parse(&name).unwrap();
        let snapshot = repository.commit(&commit);
        fs::create_dir_all(snapshot.path()).unwrap();
        assert!(repository.snapshot("main").is_none() && repository.snapshot(&name).is_some());
        repository.refer("main", &commit).unwrap();
        let state = || repository.snapshot("main").unwrap().state().unwrap();
        assert_eq!(state(), Completeness::Partial);
        fs::write(snapshot.place("config.json"), "{}").unwrap();
        fs::write(snapshot.place("model.safetensors"), "").unwrap();
        assert_eq!(state(), Completeness::Partial);
        fs::write(snapshot.place("artifact.metadata"), "{}").unwrap();
        assert_eq!(state(), Completeness::Unproven);
        files::visit(&mut |name| {
            let path = snapshot.place(name);
            if path.is_file() {
                return Ok(Some(path));
            }
            snapshot.mark_absent(name)?;
            Ok(None)
        })
        .unwrap();
        assert_eq!(state(), Completeness::Complete);
    }

    #[test]
    fn a_reference_that_names_no_commit_leads_nowhere() {
        let cache = tempfile::tempdir().unwrap();
        let id: ModelId = "owner/name".parse().unwrap();
        let repository = Repository::new(cache.path(), &id);
        let refs = cache.path().join("models--owner--name/refs");
        fs::create_dir_all(&refs).unwrap();
        fs::create_dir_all(cache.path().join("models--owner--name/snapshots")).unwrap();
        for text in ["", ".", "..", "../../..", "/", "/tmp", "abc"] {
            fs::write(refs.join("main"), text).unwrap();
            assert!(repository.snapshot("main").is_none(), "{text}");
        }
    }
}
