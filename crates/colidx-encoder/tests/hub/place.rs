//! A cache in its own folder, and what must hold for it whatever a hub sends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use colidx_encoder::hub::{Hub, HubError, ModelId, NoProgress};
use tempfile::TempDir;

use crate::server::{COMMIT, ID, Server, TOKEN, etag};

/// A folder with a cache, and files beside it that must not change.
pub struct Place {
    folder: TempDir,
    timeout: Duration,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        for name in ["victim", "outside/victim"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "precious").unwrap();
        }
        Place {
            folder,
            // Long enough for a loaded machine.
            timeout: Duration::from_secs(20),
        }
    }

    /// With a timeout of one second.
    pub fn impatient() -> Place {
        Place {
            timeout: Duration::from_secs(1),
            ..Place::new()
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the repository's folder of the cache.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.path("cache/models--owner--name").join(name)
    }

    /// A path in the snapshot.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.repository("snapshots").join(COMMIT).join(name)
    }

    /// The partial download of `content`.
    pub fn part(&self, name: &str, content: &[u8]) -> PathBuf {
        let name = format!("{}.incomplete", etag(name, content));
        self.repository("blobs").join(name)
    }

    pub fn write(&self, path: &Path, content: impl AsRef<[u8]>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn hub(&self, endpoint: &str) -> Hub {
        Hub::new(self.path("cache"))
            .endpoint(endpoint)
            .token(TOKEN.to_owned())
            .timeout(self.timeout)
    }

    pub fn fetch(&self, server: &Server) -> Result<PathBuf, HubError> {
        fetch(&self.hub(&server.endpoint), ID)
    }

    /// Fetches, and checks what must hold whatever the hub sends.
    #[track_caller]
    pub fn fetch_checked(&self, server: &Server) -> Result<PathBuf, HubError> {
        let fetched = self.fetch(server);
        self.check(server);
        if let Err(error) = &fetched {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(TOKEN), "{shown}");
            let harmless = |c: char| !c.is_control() && c != '\u{7f}';
            assert!(shown.chars().all(harmless), "{shown:?}");
        }
        fetched
    }

    /// Checks that nothing outside the cache was written, that every blob is named by its hash, and
    /// that no other server received the token.
    #[track_caller]
    pub fn check(&self, server: &Server) {
        let mut all = BTreeMap::new();
        collect(self.folder.path(), &mut all);
        for (path, content) in &all {
            let path = path.strip_prefix(self.folder.path()).unwrap();
            if !path.starts_with("cache") {
                let known = path.ends_with("victim") && content == b"precious";
                assert!(known, "{} was written", path.display());
            }
            let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
            match parts[..] {
                ["cache", _, "blobs", name] if !name.ends_with(".incomplete") => {
                    let kind = if name.len() == 64 { ".safetensors" } else { "" };
                    assert_eq!(etag(kind, content), name, "a content of another hash");
                }
                ["cache", _, "snapshots" | ".no_exist", commit, ..] => assert_eq!(commit, COMMIT),
                _ => {}
            }
        }
        let home = server.endpoint.strip_prefix("http://").unwrap();
        for request in server.asked() {
            let shown = request.authorization.is_some();
            assert!(!shown || request.host == home, "{request:?}");
        }
    }

    /// Checks that every file of the checkpoint is there, with the right bytes.
    #[track_caller]
    pub fn is_whole(&self, files: &BTreeMap<String, Vec<u8>>) {
        for (name, content) in files {
            if name != "README.md" {
                let got = fs::read(self.snapshot(name)).unwrap();
                assert!(got == *content, "{name}: {} bytes", got.len());
            }
        }
    }
}

pub fn fetch(hub: &Hub, id: &str) -> Result<PathBuf, HubError> {
    let id: ModelId = id.parse().unwrap();
    hub.fetch(&id, &mut NoProgress)
}

/// Collects the files below `folder`, without links.
fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
}
