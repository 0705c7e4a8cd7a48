//! Why a checkpoint could not be had from the hub.

use std::io;
use std::path::PathBuf;

use super::ModelId;
use crate::EncoderError;

/// Why a checkpoint could not be had from the hub or its cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// Nothing says where the cache is.
    #[error("there is no home directory to keep checkpoints in; set HF_HOME to a folder for them")]
    NoCache,
    /// The cache does not hold the checkpoint and the network may not be used.
    #[error(
        "there is no directory {id} here, and {} holds no such checkpoint, or not all of it, and HF_HUB_OFFLINE is set; \
         unset it, or copy the checkpoint's directory from a machine that has it and give its path",
        cache.display()
    )]
    Offline {
        /// What was asked for.
        id: ModelId,
        /// The folder of the cache.
        cache: PathBuf,
    },
    /// The hub has no such repository, or does not show it.
    #[error(
        "there is no directory {id} here, and {endpoint} shows no such repository; check the name, and set HF_TOKEN if it is private"
    )]
    NotFound {
        /// What was asked for.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error(
        "{endpoint}/{} has no revision {}; name one of its branches, tags or commits after the @",
        id.repository(), id.revision()
    )]
    NoRevision {
        /// What was asked for.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
    },
    /// The repository is gated or private.
    #[error(
        "{endpoint} refuses {id} (HTTP status {status}): it is gated or private; accept its conditions at \
         {endpoint}/{} and set HF_TOKEN to a token that may read it", id.repository()
    )]
    Denied {
        /// What was asked for.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
        /// 401 or 403.
        status: u16,
    },
    /// The hub cannot be reached, or the connection broke.
    #[error(
        "cannot get {id} from {endpoint}: {problem}; check the network and HF_ENDPOINT and run this again, which goes on \
         where it stopped, or copy the checkpoint's directory from a machine that has it and give its path"
    )]
    Network {
        /// What was asked for.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
        /// What happened.
        problem: String,
    },
    /// The hub answered something that it should not.
    #[error("{url}: {problem}; try again later, and check HF_ENDPOINT if it is set")]
    Answer {
        /// What was asked.
        url: String,
        /// Expected and got.
        problem: String,
    },
    /// The disk of the cache is full.
    #[error("no space is left for {}; free some, or set HF_HOME to a folder on another disk", path.display())]
    DiskFull {
        /// The file or folder being written.
        path: PathBuf,
    },
    /// The cache cannot be written.
    #[error("{}: {source}; check that the folder may be written, or set HF_HOME to another one", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process fetches the same file.
    #[error(
        "another process is fetching the same file and holds {}; wait for it and run this again",
        path.display()
    )]
    Busy {
        /// Its lock.
        path: PathBuf,
    },
    /// A file that lists others is damaged.
    #[error(transparent)]
    Checkpoint(#[from] EncoderError),
}

impl HubError {
    /// What `source` at `path` is.
    pub(super) fn io(path: PathBuf, source: io::Error) -> HubError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                HubError::DiskFull { path }
            }
            _ => HubError::Io { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let error = |kind: io::ErrorKind| HubError::io("/cache".into(), kind.into());
        let full = error(io::ErrorKind::StorageFull);
        assert!(matches!(full, HubError::DiskFull { .. }), "{full}");
        let denied = error(io::ErrorKind::PermissionDenied);
        assert!(matches!(denied, HubError::Io { .. }), "{denied}");
        for error in [full, denied] {
            let message = error.to_string();
            assert!(message.contains("/cache") && message.contains("HF_HOME"));
        }
    }
}
