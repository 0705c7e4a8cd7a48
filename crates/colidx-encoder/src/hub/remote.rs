//! A repository on the hub: its list of files, and the download of missing ones.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::address::{Address, redacted};
use super::cache::Repository;
use super::error::Fault;
use super::http::{Answer, Client, Failure, Redirects};
use super::id::Commit;
use super::{Hub, HubError, ModelId, Progress, files};

/// Limits of the list of a repository's files in bytes and time.
const MAX_LIST_BYTES: usize = 32 << 20;
const LIST: Duration = Duration::from_secs(60);

/// A repository on the hub.
pub(super) struct Remote<'a> {
    pub(super) client: Client,
    id: &'a ModelId,
    endpoint: Address,
    token: bool,
}

/// A revision as the hub describes it.
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
    pub(super) fn new(hub: &Hub, id: &'a ModelId) -> Result<Remote<'a>, HubError> {
        let endpoint = Address::of_hub(&hub.endpoint).ok_or_else(|| HubError::Endpoint {
            endpoint: redacted(&hub.endpoint),
        })?;
        Ok(Remote {
            client: Client::new(hub, endpoint.clone())?,
            id,
            endpoint,
            token: hub.token.is_some(),
        })
    }

    /// Downloads missing files and returns the snapshot's directory.
    pub(super) fn fetch(
        &self,
        repository: &Repository,
        progress: &mut dyn Progress,
    ) -> Result<PathBuf, HubError> {
        let (commit, names) = self.list()?;
        let snapshot = repository.commit(&commit);
        files::visit(&mut |name| {
            if !names.contains(name) {
                snapshot.mark_absent(name)?;
                return Ok(None);
            }
            let path = snapshot.file(name);
            if !path.is_file() {
                // All files come from one commit, even if the branch moves meanwhile.
                let blob = self.download(repository, &commit, name, progress)?;
                snapshot.link(name, &blob)?;
            }
            Ok(Some(path))
        })?;
        // The branch is recorded only once the snapshot is complete.
        if self.id.revision() != commit.as_str() {
            repository.refer(self.id.revision(), &commit)?;
        }
        Ok(snapshot.path())
    }

    /// The commit of the revision, and the names of its files.
    fn list(&self) -> Result<(Commit, BTreeSet<String>), HubError> {
        let (id, revision) = (self.id.repository(), self.id.revision().replace('/', "%2F"));
        let address = self.below(&format!("/api/models/{id}/revision/{revision}"))?;
        let failed = |failure| self.failed(&address, failure);
        let answer = self.client.get(&address, None, Redirects::Any);
        let answer = answer.map_err(failed)?;
        self.check_listed(&address, &answer)?;
        let mut body = self.client.body(answer);
        let body = body.read_all(MAX_LIST_BYTES, LIST).map_err(failed)?;
        let listing: Listing = serde_json::from_slice(&body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            failed(Fault::List { line, column }.into())
        })?;
        let commit = Commit::parse(&listing.sha).ok_or_else(|| failed(Fault::Commit.into()))?;
        let asked = Commit::parse(self.id.revision());
        if asked.is_some_and(|asked| asked != commit) {
            return Err(failed(Fault::Commit.into()));
        }
        let names = listing.siblings.into_iter();
        Ok((commit, names.map(|sibling| sibling.rfilename).collect()))
    }

    /// Checks that the answer is a list of files.
    fn check_listed(&self, address: &Address, answer: &Answer) -> Result<(), HubError> {
        let (id, endpoint) = (self.id.clone(), self.endpoint.to_string());
        let status = answer.response.status().as_u16();
        let code = answer.response.headers().get("x-error-code");
        let code = code.and_then(|code| code.to_str().ok()).unwrap_or("");
        // The hub answers 401 for private repositories, as if they did not exist.
        match (status, code) {
            (200, _) => Ok(()),
            (_, "RevisionNotFound") => Err(HubError::NoRevision { id, endpoint }),
            (404, _) | (_, "RepoNotFound") => Err(HubError::NotFound { id, endpoint }),
            (401, _) if !self.token && code != "GatedRepo" => {
                Err(HubError::NotFound { id, endpoint })
            }
            _ => Err(self.refused(address, answer)),
        }
    }

    /// The address of `path` on the hub.
    pub(super) fn below(&self, path: &str) -> Result<Address, HubError> {
        self.endpoint.below(path).ok_or_else(|| HubError::Endpoint {
            endpoint: self.endpoint.to_string(),
        })
    }

    /// The address of a file.
    pub(super) fn file(&self, commit: &Commit, name: &str) -> Result<Address, HubError> {
        let (id, commit) = (self.id.repository(), commit.as_str());
        self.below(&format!("/{id}/resolve/{commit}/{name}"))
    }

    /// The error for a request to `address` that failed.
    pub(super) fn failed(&self, address: &Address, failure: Failure) -> HubError {
        match failure {
            Failure::Network(problem) => HubError::Network {
                id: self.id.clone(),
                endpoint: self.endpoint.to_string(),
                problem,
            },
            Failure::Fault(fault) => HubError::Answer {
                url: address.to_string(),
                fault,
            },
        }
    }

    /// The error for a status other than success.
    pub(super) fn refused(&self, address: &Address, answer: &Answer) -> HubError {
        let (id, endpoint) = (self.id.clone(), self.endpoint.to_string());
        match answer.response.status().as_u16() {
            status @ (401 | 403) if answer.from_hub => HubError::Denied {
                id,
                endpoint,
                status,
            },
            404 if answer.from_hub => HubError::NotFound { id, endpoint },
            status => self.failed(address, Fault::Status(status).into()),
        }
    }
}
