//! Errors of fetching a checkpoint from the hub.

use std::io;
use std::path::PathBuf;

use super::ModelId;
use crate::EncoderError;

/// Why a checkpoint could not be fetched from the hub or read from its cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// No folder for the cache is known.
    #[error("there is no home directory to keep checkpoints in; set HF_HOME to a folder for them")]
    NoCache,
    /// The cache does not have the checkpoint, and the network may not be used.
    #[error(
        "{} has no complete checkpoint {id}, and HF_HUB_OFFLINE is set; unset it, or copy the \
         checkpoint's directory from a machine that has it and open that",
        cache.display()
    )]
    Offline {
        /// The repository and its revision.
        id: ModelId,
        /// The folder of the cache.
        cache: PathBuf,
    },
    /// The hub has no such repository, or hides it.
    #[error(
        "{endpoint} has no repository {id}, or hides it; check the name or path, and set HF_TOKEN \
         if it is private"
    )]
    NotFound {
        /// The repository and its revision.
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
        /// The repository and its revision.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
    },
    /// The repository is gated or private.
    #[error(
        "{endpoint} refuses {id} (HTTP status {status}): it is gated or private; accept its \
         conditions at {endpoint}/{} and set HF_TOKEN to a token that may read it",
        id.repository()
    )]
    Denied {
        /// The repository and its revision.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
        /// 401 or 403.
        status: u16,
    },
    /// The hub cannot be reached, or the connection broke.
    #[error(
        "cannot get {id} from {endpoint}: {problem}; check the network and HF_ENDPOINT and try \
         again, which resumes the download, or copy the checkpoint's directory from a machine \
         that has it and open that"
    )]
    Network {
        /// The repository and its revision.
        id: ModelId,
        /// The hub's address.
        endpoint: String,
        /// What happened.
        problem: String,
    },
    /// The address of the hub is malformed.
    #[error(
        "{endpoint} is no address of a hub; expected one that begins with http:// or https:// and \
         names a host, without a query; check HF_ENDPOINT"
    )]
    Endpoint {
        /// The address, without a password.
        endpoint: String,
    },
    /// The token contains characters that cannot be sent.
    #[error(
        "the token for the hub has characters that no token has; check HF_TOKEN, or the file \
         written at login"
    )]
    Token,
    /// The hub's answer is invalid.
    #[error("{url}: {fault}; try again later, and check HF_ENDPOINT if it is set")]
    Answer {
        /// The requested address.
        url: String,
        /// The problem.
        fault: Fault,
    },
    /// Writing to this path would follow a link.
    #[error(
        "{} is a link, or no plain file or folder, and nothing is written through it; remove it, \
         or set HF_HUB_CACHE to another folder",
        path.display()
    )]
    Link {
        /// The link, or other file type, in the cache.
        path: PathBuf,
    },
    /// The cache's disk is full.
    #[error(
        "no space is left for {}; free some, or set HF_HOME to a folder on another disk",
        path.display()
    )]
    DiskFull {
        /// The file or folder being written.
        path: PathBuf,
    },
    /// The cache cannot be written.
    #[error(
        "{}: {source}; check that the folder may be written, or set HF_HOME to another one",
        path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process is fetching the same file.
    #[error(
        "another process is fetching the same file and holds {}; wait for it and run this again",
        path.display()
    )]
    Busy {
        /// Its lock.
        path: PathBuf,
    },
    /// [`Progress::cancelled`](super::Progress::cancelled) asked to stop.
    #[error("the download was stopped; the next one resumes where it ended")]
    Cancelled,
    /// A file that lists others is damaged.
    #[error(transparent)]
    Checkpoint(#[from] EncoderError),
}

/// What is wrong with an answer of the hub. Its content is described, never quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The status is neither success nor an error with its own variant.
    #[error("the hub answered with HTTP status {0}")]
    Status(u16),
    /// The answer is not HTTP.
    #[error("expected an answer in HTTP, got something else")]
    NotHttp,
    /// A redirect to an invalid address.
    #[error("it redirects, but to no http:// or https:// address")]
    Redirect,
    /// A redirect from https to http.
    #[error("it redirects from https:// to http://, which is not followed")]
    Downgrade,
    /// Too many redirects.
    #[error("it redirects more than {limit} times")]
    Redirects {
        /// Redirects that are followed.
        limit: usize,
    },
    /// The list of the repository's files is malformed.
    #[error(
        "expected the list of files as JSON, got something else at line {line}, column {column}"
    )]
    List {
        /// Position of the problem.
        line: usize,
        /// Position of the problem.
        column: usize,
    },
    /// The commit is missing, or not the one asked for.
    #[error(
        "expected the commit that was asked for, as 40 hexadecimal digits, got another or none"
    )]
    Commit,
    /// The ETag of the file is not a hash.
    #[error(
        "expected the file's SHA-256 or git's SHA-1 as ETag, as 64 or 40 hexadecimal digits, got \
         {}",
        match length {
            None => "none".to_owned(),
            Some(length) => format!("{length} bytes that are neither"),
        }
    )]
    Etag {
        /// Bytes of the header, if there is one.
        length: Option<usize>,
    },
    /// The file's hash changed during the download.
    #[error("the file changed while it was fetched")]
    Changed,
    /// The answer is not the requested byte range.
    #[error("expected the file from byte {expected} on, got another part of it")]
    Part {
        /// The first byte requested.
        expected: u64,
    },
    /// The hub announced two different sizes.
    #[error("{expected} bytes were announced and then {got}")]
    Size {
        /// The first.
        expected: u64,
        /// The second.
        got: u64,
    },
    /// The announced size is not a number.
    #[error("expected the file's size in bytes, got something else")]
    NoSize,
    /// The file is longer than announced.
    #[error("{announced} bytes were announced and more came")]
    Longer {
        /// The announced size.
        announced: u64,
    },
    /// No size was announced, and the file is too long to continue.
    #[error("no size was announced and more than {limit} bytes came")]
    Unannounced {
        /// Most bytes that are downloaded without an announced size.
        limit: u64,
    },
    /// The file's hash does not match.
    #[error("expected bytes of hash {expected}, got those of {got}")]
    Hash {
        /// The hash that the hub announced.
        expected: String,
        /// The hash of the bytes received.
        got: String,
    },
}

impl HubError {
    /// An I/O error at `path`.
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
    fn a_full_disk_is_an_error_of_its_own() {
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
