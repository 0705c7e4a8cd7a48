//! Asking the hub.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;

use super::cache::{Repository, Snapshot};
use super::id::is_plain;
use super::{Hub, HubError, ModelId, Progress, files};

/// Time to reach the hub, and to have the list of a repository's files.
const CONNECT: Duration = Duration::from_secs(10);
const LIST: Duration = Duration::from_secs(60);
/// Times that a file is tried; each goes on where the one before broke.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// A repository at the hub.
pub(super) struct Remote<'a> {
    hub: &'a Hub,
    id: &'a ModelId,
    api: Api,
}

/// What the hub says of a revision.
#[derive(Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl<'a> Remote<'a> {
    pub(super) fn new(hub: &'a Hub, id: &'a ModelId) -> Result<Remote<'a>, HubError> {
        let url = &hub.endpoint;
        if !["http://", "https://"].iter().any(|s| url.starts_with(s)) {
            return Err(HubError::Answer {
                url: url.clone(),
                problem: "an address begins with http:// or https://".to_owned(),
            });
        }
        let api = ApiBuilder::from_cache(Cache::new(hub.cache.clone()))
            .with_endpoint(hub.endpoint.clone())
            .with_token(hub.token.clone())
            .with_user_agent(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .build();
        // Without TLS of the system's there is nothing in it that can fail.
        let api = api.map_err(|error| HubError::Answer {
            url: url.clone(),
            problem: error.to_string(),
        })?;
        Ok(Remote { hub, id, api })
    }

    /// Downloads what is missing, and gives the snapshot's directory.
    pub(super) fn fetch(
        &self,
        repository: &Repository,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, HubError> {
        let listing = self.list()?;
        let commit = &listing.sha;
        let names: BTreeSet<&str> = (listing.siblings.iter())
            .map(|sibling| sibling.rfilename.as_str())
            .collect();
        let snapshot = repository.commit(commit);
        // Of one commit, even if the branch moves on meanwhile.
        let source = self.repo(commit);
        files::visit(&mut |name| {
            if !names.contains(name) {
                snapshot.mark_absent(name)?;
                return Ok(None);
            }
            let path = snapshot.place(name);
            if !path.is_file() {
                self.download(&source, &snapshot, name, progress)?;
            }
            Ok(Some(path))
        })?;
        // The branch stands for this commit only now that all of it is here.
        let reference = repository.reference(self.id.revision());
        let folder = reference.parent().unwrap_or(&reference);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&reference, commit))
            .map_err(|source| HubError::io(reference.clone(), source))?;
        if self.id.revision() != commit {
            // The library made a reference for the commit itself, which is of no use to anyone.
            let _ = fs::remove_file(repository.reference(commit));
        }
        Ok(snapshot.into_path())
    }

    fn repo(&self, revision: &str) -> ApiRepo {
        let repository = self.id.repository().to_owned();
        let repo = Repo::with_revision(repository, RepoType::Model, revision.to_owned());
        self.api.repo(repo)
    }

    fn list(&self) -> Result<Listing, HubError> {
        let (id, endpoint) = (self.id.clone(), self.hub.endpoint.clone());
        let answer = |problem: String| HubError::Answer {
            url: format!("{endpoint}/{id}"),
            problem,
        };
        let request = self.repo(self.id.revision()).info_request().config();
        let request = request
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(LIST));
        let mut response = request.build().call().map_err(|error| self.failed(error))?;
        let status = response.status().as_u16();
        let code = response.headers().get("x-error-code");
        let code = code.and_then(|code| code.to_str().ok()).unwrap_or("");
        // The hub hides private repositories: to strangers they do not exist, with status 401.
        match (status, code) {
            (200, _) => {}
            (_, "RevisionNotFound") => return Err(HubError::NoRevision { id, endpoint }),
            (404, _) | (_, "RepoNotFound") => return Err(HubError::NotFound { id, endpoint }),
            (401, _) if self.hub.token.is_none() && code != "GatedRepo" => {
                return Err(HubError::NotFound { id, endpoint });
            }
            _ => return Err(self.refused(status)),
        }
        let listing: Listing = response
            .body_mut()
            .read_json()
            .map_err(|error| answer(format!("the list of files cannot be read: {error}")))?;
        if !is_plain(&listing.sha) {
            return Err(answer(format!("`{}` is no commit", listing.sha)));
        }
        Ok(listing)
    }

    fn download(
        &self,
        source: &ApiRepo,
        snapshot: &Snapshot,
        name: &str,
        progress: &mut dyn Progress,
    ) -> Result<(), HubError> {
        let place = snapshot.place(name);
        let io = |source| HubError::io(place.clone(), source);
        if place.is_symlink() {
            // Its blob is gone, and the library would not replace it.
            fs::remove_file(&place).map_err(io)?;
        }
        let mut size = 0;
        let mut attempt = 1;
        let path = loop {
            let watch = Watch {
                progress: &mut *progress,
                size: &mut size,
                name,
            };
            let error = match source.download_with_progress(name, watch) {
                Ok(path) => break path,
                Err(error) if attempt == ATTEMPTS => return Err(self.translate(error, &place)),
                Err(error) => error,
            };
            if cannot_go_on(&error) {
                self.discard_part(source, name, &place)?;
            } else {
                let error = self.translate(error, &place);
                if !matches!(error, HubError::Network { .. }) {
                    return Err(error);
                }
                std::thread::sleep(PAUSE * attempt);
            }
            attempt += 1;
        };
        let got = fs::metadata(&path).map_err(io)?.len();
        if path != place || got != size {
            let problem = if got != size {
                format!("{size} bytes were announced and {got} came")
            } else {
                format!("expected {}, got {}", place.display(), path.display())
            };
            // Neither this nor a later run may take it for whole.
            if let Ok(blob) = path.canonicalize() {
                let _ = fs::remove_file(blob);
            }
            let _ = fs::remove_file(path);
            let url = source.url(name);
            return Err(HubError::Answer { url, problem });
        }
        Ok(())
    }

    /// Removes what an earlier run left of a file and what the hub cannot continue.
    fn discard_part(&self, source: &ApiRepo, name: &str, place: &Path) -> Result<(), HubError> {
        let metadata = self.api.metadata(&source.url(name));
        let metadata = metadata.map_err(|error| self.translate(error, place))?;
        let repo = Repo::model(self.id.repository().to_owned());
        let blobs = Cache::new(self.hub.cache.clone()).repo(repo);
        let part = blobs.blob_path(metadata.etag()).with_extension("part");
        match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(HubError::io(part, error)),
            _ => Ok(()),
        }
    }

    fn translate(&self, error: ApiError, place: &Path) -> HubError {
        match error {
            ApiError::RequestError(error) => self.failed(*error),
            ApiError::TooManyRetries(error) => self.translate(*error, place),
            ApiError::LockAcquisition(path) => HubError::Busy { path },
            ApiError::IoError(error) if is_network(&error) => self.network(&error),
            ApiError::IoError(error) => HubError::io(place.to_owned(), error),
            other => HubError::Answer {
                url: format!("{}/{}", self.hub.endpoint, self.id),
                problem: other.to_string(),
            },
        }
    }

    /// What a request that failed means.
    fn failed(&self, error: ureq::Error) -> HubError {
        match error {
            ureq::Error::StatusCode(status) => self.refused(status),
            error => self.network(&error),
        }
    }

    fn network(&self, problem: &dyn Error) -> HubError {
        HubError::Network {
            id: self.id.clone(),
            endpoint: self.hub.endpoint.clone(),
            problem: problem.to_string(),
        }
    }

    /// What a status that is no success means.
    fn refused(&self, status: u16) -> HubError {
        let (id, endpoint) = (self.id.clone(), self.hub.endpoint.clone());
        match status {
            401 | 403 => HubError::Denied {
                id,
                endpoint,
                status,
            },
            404 => HubError::NotFound { id, endpoint },
            _ => HubError::Answer {
                url: format!("{endpoint}/{id}"),
                problem: format!("the hub answered with HTTP status {status}"),
            },
        }
    }
}

/// Whether the part that an earlier run left is as long as the file or longer.
fn cannot_go_on(error: &ApiError) -> bool {
    match error {
        ApiError::InvalidResume => true,
        ApiError::RequestError(error) => matches!(**error, ureq::Error::StatusCode(416)),
        _ => false,
    }
}

/// Whether reading from the connection failed, and not writing the file.
fn is_network(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<ureq::Error>())
        || matches!(
            error.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionRefused
                | ErrorKind::UnexpectedEof
                | ErrorKind::TimedOut
                | ErrorKind::BrokenPipe
        )
}

/// The library's progress, handed on.
struct Watch<'a> {
    progress: &'a mut dyn Progress,
    size: &'a mut u64,
    name: &'a str,
}

impl hf_hub::api::Progress for Watch<'_> {
    fn init(&mut self, size: usize, _: &str) {
        *self.size = size as u64;
        self.progress.file(self.name, *self.size);
    }

    fn update(&mut self, size: usize) {
        self.progress.advance(size as u64);
    }

    fn finish(&mut self) {}
}
