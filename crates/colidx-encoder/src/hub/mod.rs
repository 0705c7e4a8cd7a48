//! Checkpoints from the model hub: downloaded once, then read from the cache that all of the hub's
//! tools share.
//!
//! ```no_run
//! use colidx_encoder::hub::{Hub, ModelId, NoProgress};
//! use colidx_encoder::{Encoder, EncoderOptions};
//!
//! let id: ModelId = "answerdotai/answerai-colbert-small-v1".parse()?;
//! let directory = Hub::from_env()?.fetch(&id, &mut NoProgress)?;
//! let encoder = Encoder::open(&directory, &EncoderOptions::default())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A checkpoint in the cache is used without asking the hub, so that an index keeps finding the
//! checkpoint that made it. `owner/name@revision` names a branch, tag or commit.
//!
//! # Promises
//!
//! The hub is trusted only with the bytes of a checkpoint, and those must match its own hashes:
//!
//! - Nothing from the hub becomes a path unless it is a hash, a commit or a plain name, and nothing
//!   is written outside the cache (`hash`, `id`, `tree`).
//! - The token is sent only to the hub's own scheme, host and port, and is never shown (`http`,
//!   `address`).
//! - A download is never longer than announced, and a silent server is timed out (`download`,
//!   `http`).

mod address;
mod cache;
mod download;
mod error;
mod files;
mod hash;
mod http;
mod id;
mod remote;
mod tree;

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fmt};

pub use error::{Fault, HubError};
pub use id::{InvalidModelId, ModelId};

use cache::Repository;
use remote::Remote;

/// The default hub.
const ENDPOINT: &str = "https://huggingface.co";
/// The default timeout, and the longest in seconds.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: u64 = 3600;

/// A model hub and its cache.
#[derive(Clone)]
#[non_exhaustive]
pub struct Hub {
    /// Folder of the cache, in the layout of the hub's own tools.
    pub cache: PathBuf,
    /// Address of the hub. A user name and password in it are neither sent nor shown.
    pub endpoint: String,
    /// Token for repositories that are not public. It is sent to no other server, whatever the
    /// hub's redirects say.
    pub token: Option<String>,
    /// Whether to use only the cache.
    pub offline: bool,
    /// How long the hub may be silent before a download is tried again.
    pub timeout: Duration,
}

impl fmt::Debug for Hub {
    /// Leaves out secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("cache", &self.cache)
            .field("endpoint", &address::redacted(&self.endpoint))
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Reports the progress of downloads.
pub trait Progress {
    /// The download of a file of `bytes` bytes starts, or resumes after a failure.
    fn file(&mut self, name: &str, bytes: u64);

    /// This many more bytes of the file are complete, including those of an earlier run.
    fn advance(&mut self, bytes: u64);

    /// Whether to stop; asked after every piece of a file and before every further attempt.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn file(&mut self, _: &str, _: u64) {}

    fn advance(&mut self, _: u64) {}
}

impl Hub {
    /// The public hub with its cache in the folder `cache`, without a token.
    pub fn new(cache: impl Into<PathBuf>) -> Hub {
        Hub {
            cache: cache.into(),
            endpoint: ENDPOINT.to_owned(),
            token: None,
            offline: false,
            timeout: TIMEOUT,
        }
    }

    /// Sets the [address](Self::endpoint) of the hub.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Hub {
        self.endpoint = endpoint.into();
        self
    }

    /// Sets the [token](Self::token).
    #[must_use]
    pub fn token(mut self, token: impl Into<Option<String>>) -> Hub {
        self.token = token.into();
        self
    }

    /// Sets whether to use [only the cache](Self::offline).
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Hub {
        self.offline = offline;
        self
    }

    /// Sets the [timeout](Self::timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Hub {
        self.timeout = timeout;
        self
    }

    /// Reads the environment variables of the hub's own tools: `HF_HUB_CACHE`, `HF_HOME` and
    /// `XDG_CACHE_HOME` for the cache, `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HUB_DOWNLOAD_TIMEOUT`
    /// in seconds, and for the token `HF_TOKEN`, `HF_TOKEN_PATH` or the file written at login.
    ///
    /// # Errors
    /// [`HubError::NoCache`] if no variable names a folder for the cache.
    pub fn from_env() -> Result<Hub, HubError> {
        Hub::from_variables(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Hub, HubError> {
        let home = get("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = get("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")));
            Some(cache?.join("huggingface"))
        });
        let cache = get("HF_HUB_CACHE").map(PathBuf::from);
        let token = get("HF_TOKEN").or_else(|| {
            let path = get("HF_TOKEN_PATH").map(PathBuf::from);
            let path = path.or_else(|| Some(home.as_ref()?.join("token")))?;
            std::fs::read_to_string(path).ok()
        });
        Ok(Hub {
            cache: cache
                .or_else(|| Some(home.as_ref()?.join("hub")))
                .ok_or(HubError::NoCache)?,
            endpoint: get("HF_ENDPOINT")
                .unwrap_or_else(|| ENDPOINT.to_owned())
                .trim_end_matches('/')
                .to_owned(),
            token: token
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            offline: get("HF_HUB_OFFLINE").is_some_and(|value| {
                matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on")
            }),
            timeout: get("HF_HUB_DOWNLOAD_TIMEOUT")
                .and_then(|value| value.parse().ok())
                .filter(|seconds| (1..=MAX_TIMEOUT).contains(seconds))
                .map_or(TIMEOUT, Duration::from_secs),
        })
    }

    /// Returns the directory of a checkpoint in the cache, with every file that an encoder reads.
    /// Missing files are downloaded.
    ///
    /// # Errors
    /// If a file is missing and cannot be downloaded. Partial downloads are kept, and the next call
    /// resumes them.
    pub fn fetch(&self, id: &ModelId, progress: &mut dyn Progress) -> Result<PathBuf, HubError> {
        let repository = Repository::new(&self.cache, id);
        let cached = repository.snapshot(id.revision());
        let state = match &cached {
            Some(snapshot) => snapshot.state()?,
            None => cache::Completeness::Partial,
        };
        // Another tool may have skipped optional files, so an unproven snapshot is the last resort.
        let cached = cached.filter(|_| state != cache::Completeness::Partial);
        match cached {
            Some(snapshot) if state == cache::Completeness::Complete => Ok(snapshot.path()),
            Some(snapshot) if self.offline => Ok(snapshot.path()),
            None if self.offline => Err(HubError::Offline {
                id: id.clone(),
                cache: self.cache.clone(),
            }),
            cached => match (Remote::new(self, id)?.fetch(&repository, progress), cached) {
                (Err(HubError::Network { .. } | HubError::Answer { .. }), Some(snapshot)) => {
                    Ok(snapshot.path())
                }
                (fetched, _) => fetched,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(set: &'static [(&str, &str)]) -> Hub {
        let get = |name: &str| Some(set.iter().find(|(n, _)| *n == name)?.1.to_owned());
        Hub::from_variables(get).unwrap()
    }

    #[test]
    fn environment_variables_apply() {
        let cache = |set| hub(set).cache;
        assert_eq!(
            cache(&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/h")]),
            PathBuf::from("/c")
        );
        assert_eq!(
            cache(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")]),
            PathBuf::from("/h/hub")
        );
        assert_eq!(
            cache(&[("XDG_CACHE_HOME", "/x")]),
            PathBuf::from("/x/huggingface/hub")
        );
        assert_eq!(hub(&[]).endpoint, ENDPOINT);
        assert_eq!(
            hub(&[("HF_ENDPOINT", "http://mirror:80/")]).endpoint,
            "http://mirror:80"
        );
        for (value, offline) in [("1", true), ("TRUE", true), ("on", true), ("0", false)] {
            let get = |name: &str| (name == "HF_HUB_OFFLINE").then(|| value.to_owned());
            assert_eq!(
                Hub::from_variables(get).unwrap().offline,
                offline,
                "{value}"
            );
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!(
            "{:?}",
            hub(&[
                ("HF_TOKEN", "hf_secret"),
                ("HF_ENDPOINT", "http://user:hf_secret@mirror:80/"),
            ])
        );
        assert!(
            !shown.contains("secret") && !shown.contains("user"),
            "{shown}"
        );
        assert!(shown.contains("***@mirror:80"), "{shown}");
    }

    #[test]
    fn the_token_comes_from_a_variable_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from-login\n").unwrap();
        std::fs::write(folder.path().join("other"), " from-file ").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let token = |set: &[(&str, String)]| {
            let get = |name: &str| Some(set.iter().find(|(n, _)| *n == name)?.1.clone());
            Hub::from_variables(get).unwrap().token
        };
        let home = ("HF_HOME", folder.path().display().to_string());
        let file = ("HF_TOKEN_PATH", path("other"));
        let set = [home.clone(), file.clone(), ("HF_TOKEN", "set".to_owned())];
        assert_eq!(token(&set).as_deref(), Some("set"));
        assert_eq!(token(&[home.clone(), file]).as_deref(), Some("from-file"));
        assert_eq!(token(&[home]).as_deref(), Some("from-login"));
        assert_eq!(token(&[("HF_HOME", path("nowhere"))]), None);
    }
}
