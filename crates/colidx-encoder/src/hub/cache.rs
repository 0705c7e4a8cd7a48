//! The cache on disk, in the layout of the hub's own tools.
//!
//! `models--owner--name` contains `blobs` (contents by hash), `refs` (revision to commit),
//! `snapshots` (files of a commit, as links to blobs) and `.no_exist` (files that a commit does not
//! have). A blob is downloaded to `blobs/HASH.incomplete` while
//! `.locks/models--owner--name/HASH.lock` is held.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::files;
use super::hash::Hash;
use super::id::Commit;
use super::tree::Tree;
use super::{HubError, ModelId};

/// Attempts to take a lock that another process holds, and the pause between them.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// A repository's folder in the cache.
pub(super) struct Repository {
    tree: Tree,
    folder: PathBuf,
}

/// One commit of a repository.
pub(super) struct Snapshot<'a> {
    repository: &'a Repository,
    files: PathBuf,
    absent: PathBuf,
}

/// How complete a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// Every file that an encoder reads is present, or known not to exist.
    Complete,
    /// A ColBERT checkpoint with weights, of which an optional file may be missing.
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

    /// Records that `revision` points to `commit`.
    pub(super) fn refer(&self, revision: &str, commit: &Commit) -> Result<(), HubError> {
        let path = self.reference(revision);
        self.tree.write(&path, commit.as_str().as_bytes())
    }

    /// The snapshot of `commit`, which may be empty.
    pub(super) fn commit(&self, commit: &Commit) -> Snapshot<'_> {
        let below = |kind| self.folder.join(kind).join(commit.as_str());
        Snapshot {
            repository: self,
            files: below("snapshots"),
            absent: below(".no_exist"),
        }
    }

    /// The snapshot that `revision` points to, if the cache has one.
    pub(super) fn snapshot(&self, revision: &str) -> Option<Snapshot<'_>> {
        let commit = fs::read_to_string(self.tree.path(self.reference(revision)));
        let commit = Commit::parse(commit.as_deref().map_or(revision, str::trim))?;
        let snapshot = self.commit(&commit);
        snapshot.path().is_dir().then_some(snapshot)
    }

    /// Locks the blob of `hash` against other processes until the result is dropped.
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
        // On systems without locks two processes may corrupt a partial download; its hash reveals
        // that.
        let blobs = self.folder.join("blobs");
        Ok(Blob {
            tree: &self.tree,
            whole: blobs.join(hash.to_string()),
            part: blobs.join(format!("{hash}.incomplete")),
            _lock: lock,
        })
    }
}

/// A locked blob.
pub(super) struct Blob<'a> {
    tree: &'a Tree,
    whole: PathBuf,
    part: PathBuf,
    _lock: File,
}

impl Blob<'_> {
    /// Whether the blob is complete; `size` is checked if known.
    pub(super) fn is_whole(&self, size: Option<u64>) -> bool {
        let found = fs::metadata(self.tree.path(&self.whole));
        found.is_ok_and(|found| found.is_file() && size.is_none_or(|size| size == found.len()))
    }

    /// Opens the partial download.
    pub(super) fn part(&self) -> Result<File, HubError> {
        self.tree.open(&self.part)
    }

    /// Deletes the partial download.
    pub(super) fn discard(&self) -> Result<(), HubError> {
        self.tree.remove(&self.part)
    }

    /// Makes the partial download the blob.
    pub(super) fn complete(&self) -> Result<(), HubError> {
        self.tree.rename(&self.part, &self.whole)
    }

    /// An error of the partial download.
    pub(super) fn failed(&self, error: std::io::Error) -> HubError {
        HubError::io(self.tree.path(&self.part), error)
    }
}

impl Snapshot<'_> {
    pub(super) fn path(&self) -> PathBuf {
        self.repository.tree.path(&self.files)
    }

    /// The path of `name`, whether or not it exists.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn state(&self) -> Result<Completeness, HubError> {
        let mut unknown = false;
        let seen = files::visit(&mut |name| {
            let path = self.file(name);
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

    /// Links `name` to `blob`.
    pub(super) fn link(&self, name: &str, blob: &Blob<'_>) -> Result<(), HubError> {
        let path = self.files.join(name);
        self.repository.tree.link(&blob.whole, &path)
    }

    /// Records that the commit has no file `name`.
    pub(super) fn mark_absent(&self, name: &str) -> Result<(), HubError> {
        self.repository.tree.touch(&self.absent.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_complete_if_every_file_is_present_or_known_absent() {
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
        fs::write(snapshot.file("config.json"), "{}").unwrap();
        fs::write(snapshot.file("model.safetensors"), "").unwrap();
        assert_eq!(state(), Completeness::Partial);
        fs::write(snapshot.file("artifact.metadata"), "{}").unwrap();
        assert_eq!(state(), Completeness::Unproven);
        files::visit(&mut |name| {
            let path = snapshot.file(name);
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
    fn references_without_a_commit_are_ignored() {
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
