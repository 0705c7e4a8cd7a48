//! The cache on disk: `models--owner--name` with `refs` (revision to commit), `snapshots` (commit to files) and `.no_exist`
//! (files that a commit is known not to have).

use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::Repo;

use super::files;
use super::{HubError, ModelId};

/// A repository's folder in the cache.
pub(super) struct Repository {
    folder: PathBuf,
}

/// A commit of it.
pub(super) struct Snapshot {
    files: PathBuf,
    absent: PathBuf,
}

/// How much of a checkpoint a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Every file that an encoder reads is there, or is known not to exist.
    Whole,
    /// A ColBERT checkpoint with its weights; whether an optional file is missing cannot be told.
    Unproven,
    /// Less than that.
    Partial,
}

impl Repository {
    pub(super) fn new(cache: &Path, id: &ModelId) -> Repository {
        let name = Repo::model(id.repository().to_owned()).folder_name();
        Repository {
            folder: cache.join(name),
        }
    }

    /// Where the cache keeps what `revision` stands for.
    pub(super) fn reference(&self, revision: &str) -> PathBuf {
        self.folder.join("refs").join(revision)
    }

    /// The files of `commit`, whether or not there are any.
    pub(super) fn commit(&self, commit: &str) -> Snapshot {
        Snapshot {
            files: self.folder.join("snapshots").join(commit),
            absent: self.folder.join(".no_exist").join(commit),
        }
    }

    /// The commit that `revision` stands for, if the cache has something of it.
    pub(super) fn snapshot(&self, revision: &str) -> Option<Snapshot> {
        let commit = fs::read_to_string(self.reference(revision));
        let snapshot = self.commit(commit.as_deref().map_or(revision, str::trim));
        snapshot.files.is_dir().then_some(snapshot)
    }
}

impl Snapshot {
    pub(super) fn into_path(self) -> PathBuf {
        self.files
    }

    /// Where `name` is, or will be.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.files.join(name)
    }

    pub(super) fn state(&self) -> Result<State, HubError> {
        let mut unknown = false;
        let seen = files::visit(&mut |name| {
            let path = self.place(name);
            if path.is_file() {
                return Ok(Some(path));
            }
            unknown |= !self.absent.join(name).is_file();
            Ok(None)
        })?;
        Ok(match seen {
            files::Seen { weights: true, .. } if !unknown => State::Whole,
            files::Seen {
                weights: true,
                layout: true,
            } => State::Unproven,
            _ => State::Partial,
        })
    }

    /// Remembers that the commit has no file `name`.
    pub(super) fn mark_absent(&self, name: &str) -> Result<(), HubError> {
        let path = self.absent.join(name);
        let folder = path.parent().unwrap_or(&self.absent);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, ""))
            .map_err(|source| HubError::io(path, source))
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
        let snapshot = repository.commit("abc");
        fs::create_dir_all(snapshot.place("")).unwrap();
        assert!(repository.snapshot("main").is_none() && repository.snapshot("abc").is_some());
        fs::create_dir_all(repository.reference("")).unwrap();
        fs::write(repository.reference("main"), "abc\n").unwrap();
        let state = || repository.snapshot("main").unwrap().state().unwrap();
        assert_eq!(state(), State::Partial);
        fs::write(snapshot.place("config.json"), "{}").unwrap();
        fs::write(snapshot.place("model.safetensors"), "").unwrap();
        assert_eq!(state(), State::Partial);
        fs::write(snapshot.place("artifact.metadata"), "{}").unwrap();
        assert_eq!(state(), State::Unproven);
        files::visit(&mut |name| {
            let path = snapshot.place(name);
            if path.is_file() {
                return Ok(Some(path));
            }
            snapshot.mark_absent(name)?;
            Ok(None)
        })
        .unwrap();
        assert_eq!(state(), State::Whole);
    }
}
