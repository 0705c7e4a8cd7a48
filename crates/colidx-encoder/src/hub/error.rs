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
    /// The address of the hub is none.
    #[error(
        "{endpoint} is no address of a hub; expected one that begins with http:// or https:// and names a host, \
         without a query; check HF_ENDPOINT"
    )]
    Endpoint {
        /// What was given, without a password.
        endpoint: String,
    },
    /// The token cannot be sent.
    #[error(
        "the token for the hub has characters that no token has; check HF_TOKEN, or the file that a login left"
    )]
    Token,
    /// The hub answered something that it should not.
    #[error("{url}: {fault}; try again later, and check HF_ENDPOINT if it is set")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        fault: Fault,
    },
    /// Writing there would write where a link leads.
    #[error(
        "{} is a link, or no plain file or folder, and nothing is written through it; remove it, or set HF_HUB_CACHE to another folder",
        path.display()
    )]
    Link {
        /// What stands in the cache in place of a file or folder.
        path: PathBuf,
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
        /// The system's error.
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

/// What is wrong with an answer of the hub. What the hub sent is described, never quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The status is neither success nor one with a meaning of its own.
    #[error("the hub answered with HTTP status {0}")]
    Status(u16),
    /// It is no HTTP.
    #[error("expected an answer in HTTP, got something else")]
    NotHttp,
    /// It redirects to no address that can be asked.
    #[error("it redirects, but to no http:// or https:// address")]
    Redirect,
    /// It redirects from https to http.
    #[error("it redirects from https:// to http://, which is not followed")]
    Downgrade,
    /// It redirects again and again.
    #[error("it redirects more than {limit} times")]
    Redirects {
        /// Redirects that are followed.
        limit: usize,
    },
    /// The list of a repository's files is no such list.
    #[error(
        "expected the list of files as JSON, got something else at line {line}, column {column}"
    )]
    List {
        /// Where the reader stopped.
        line: usize,
        /// Where the reader stopped.
        column: usize,
    },
    /// A commit is none, or another one than was asked for.
    #[error(
        "expected the commit that was asked for, as 40 hexadecimal digits, got another or none"
    )]
    Commit,
    /// The ETag of a file is no hash.
    #[error(
        "expected the file's SHA-256 or git's SHA-1 as ETag, as 64 or 40 hexadecimal digits, got {}",
        match length { None => "none".to_owned(), Some(length) => format!("{length} bytes that are neither") }
    )]
    Etag {
        /// Bytes of the header that came in its place.
        length: Option<usize>,
    },
    /// The hub gives the file another hash than a moment ago.
    #[error("the file changed while it was fetched")]
    Changed,
    /// A part of the file came that was not asked for.
    #[error("expected the file from byte {expected} on, got another part of it")]
    Part {
        /// The first byte asked for.
        expected: u64,
    },
    /// Two sizes are announced for one file.
    #[error("{expected} bytes were announced and then {got}")]
    Size {
        /// What was announced first.
        expected: u64,
        /// What was announced later.
        got: u64,
    },
    /// The size of a file is no number.
    #[error("expected the file's size in bytes, got something else")]
    NoSize,
    /// The file does not end where it should.
    #[error("{announced} bytes were announced and more came")]
    Longer {
        /// The announced size.
        announced: u64,
    },
    /// No size was announced, and no end comes.
    #[error("no size was announced and more than {limit} bytes came")]
    Unannounced {
        /// Bytes that are taken without announcement.
        limit: u64,
    },
    /// The bytes are not those of the file.
    #[error("expected bytes of hash {expected}, got those of {got}")]
    Hash {
        /// What the hub gives as the file's hash.
        expected: String,
        /// The hash of what came.
        got: String,
    },
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
