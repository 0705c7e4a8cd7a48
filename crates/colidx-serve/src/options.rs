//! How a service behaves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use colidx::SearcherOptions;

/// How a service behaves. [`Options::default`] is for the machine that it runs on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How checkpoints are found and compute.
    pub searcher: SearcherOptions,
    /// Who may do what.
    pub access: Access,
    /// What one client may ask for.
    pub limits: Limits,
    /// The folder of the images that documents name in their metadata's `image`; without it none
    /// is served.
    pub images: Option<PathBuf>,
    /// Form of the access log.
    pub access_log: AccessLog,
    /// The commit that the program was built from; empty where that is not known.
    pub commit: &'static str,
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Keys that may read and write. Without any key, everyone may.
    pub keys: Vec<String>,
    /// Keys that may only read.
    pub read_only_keys: Vec<String>,
    /// Serve on addresses other than loopback without any key.
    pub no_auth: bool,
    /// Other web sites whose pages may ask, such as `https://example.org`.
    pub origins: Vec<String>,
}

impl Access {
    /// Whether a key is asked for.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty() || !self.read_only_keys.is_empty()
    }
}

/// What one client may ask for, and how much the service does at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Documents, texts or searches of one request.
    pub batch: usize,
    /// Hits of one search.
    pub k: usize,
    /// Time of a request that reads.
    pub timeout: Duration,
    /// Time of a request that writes.
    pub write_timeout: Duration,
    /// Requests in flight; others are refused with `Retry-After`.
    pub concurrency: usize,
    /// Connections; others wait to be taken.
    pub connections: usize,
    /// Time for the head of a request to come, for its body, and for a client to read some more of
    /// its answer. A connection without a request is closed after it.
    pub idle: Duration,
    /// Requests that wait for a checkpoint, or for a commit.
    pub queue: usize,
    /// Time for requests under way to finish when the service stops.
    pub grace: Duration,
    /// Threads that search and encode; 0 is one a core.
    pub threads: usize,
}

impl Limits {
    /// What suits a service for a few dozen users.
    pub const DEFAULT: Limits = Limits {
        body: 32 << 20,
        batch: 1024,
        k: 1000,
        timeout: Duration::from_secs(30),
        write_timeout: Duration::from_secs(300),
        concurrency: 128,
        connections: 512,
        idle: Duration::from_secs(30),
        queue: 64,
        grace: Duration::from_secs(20),
        threads: 0,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// Form of the access log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// None.
    Off,
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl AccessLog {
    /// All forms, by their names.
    pub const NAMES: [(&str, AccessLog); 3] = [
        ("off", AccessLog::Off),
        ("text", AccessLog::Text),
        ("json", AccessLog::Json),
    ];
}

/// Why a service could not start or keep running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// An index cannot be opened.
    #[error(transparent)]
    Index(#[from] colidx::Error),
    /// A folder has no indexes.
    #[error("{} is no index and has none in it; name an index, or a folder of indexes", .0.display())]
    NoIndex(PathBuf),
    /// A folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Two indexes would have the same name.
    #[error("two indexes have the name `{0}`; rename one of their directories")]
    SameName(String),
    /// An address that others can reach, and no key.
    #[error(
        "{0} can be reached by other machines, and no key is asked for; set a key, or say that \
         none is wanted"
    )]
    Unprotected(SocketAddr),
    /// An address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An origin is none.
    #[error("{0:?} is no origin; give one such as https://example.org")]
    Origin(String),
    /// Threads, or the loop that waits for requests, cannot be set up.
    #[error("cannot set up {what}: {reason}")]
    Setup {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

impl ServeError {
    pub(crate) fn setup(what: &'static str) -> impl FnOnce(std::io::Error) -> ServeError {
        move |source| ServeError::Setup {
            what,
            reason: source.to_string(),
        }
    }
}
