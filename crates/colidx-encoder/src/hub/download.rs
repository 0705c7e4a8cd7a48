//! Downloads one file: asks for its hash and size, resumes partial downloads, and verifies the
//! hash.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::thread;

use ureq::http::HeaderValue;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::address::Address;
use super::cache::{Blob, Repository};
use super::error::Fault;
use super::hash::Hash;
use super::http::{Answer, Failure, HubHeaders, Redirects};
use super::id::Commit;
use super::remote::Remote;
use super::{HubError, Progress};

/// Attempts per file; each resumes where the one before failed.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt is this fraction of the timeout; it grows with every
/// attempt.
const PAUSE: u32 = 20;
/// Most bytes of a file whose size is unknown.
const UNANNOUNCED: u64 = 256 << 20;

/// Hash and size of a file, as the hub announces them.
struct Description {
    hash: Hash,
    size: Option<u64>,
}

/// Why an attempt failed.
enum AttemptError {
    /// Another attempt may succeed.
    Transient(Failure),
    /// Another attempt is pointless.
    Permanent(HubError),
}

impl From<HubError> for AttemptError {
    fn from(error: HubError) -> AttemptError {
        AttemptError::Permanent(error)
    }
}

impl Remote<'_> {
    /// Downloads `name` of `commit`, unless its blob is in the cache.
    pub(super) fn download<'c>(
        &self,
        repository: &'c Repository,
        commit: &Commit,
        name: &str,
        progress: &mut dyn Progress,
    ) -> Result<Blob<'c>, HubError> {
        let file = FileRequest {
            remote: self,
            address: self.file(commit, name)?,
            commit,
            name,
        };
        let mut attempt = 1;
        loop {
            if progress.cancelled() {
                return Err(HubError::Cancelled);
            }
            match file.attempt(repository, progress) {
                Ok(blob) => return Ok(blob),
                Err(AttemptError::Permanent(error)) => return Err(error),
                Err(AttemptError::Transient(failure)) if attempt == ATTEMPTS => {
                    return Err(self.failed(&file.address, failure));
                }
                Err(AttemptError::Transient(_)) => {
                    thread::sleep(self.client.timeout / PAUSE * attempt)
                }
            }
            attempt += 1;
        }
    }
}

/// A file to download.
struct FileRequest<'a> {
    remote: &'a Remote<'a>,
    address: Address,
    commit: &'a Commit,
    name: &'a str,
}

impl FileRequest<'_> {
    fn attempt<'c>(
        &self,
        repository: &'c Repository,
        progress: &mut dyn Progress,
    ) -> Result<Blob<'c>, AttemptError> {
        let description = self.describe()?;
        let blob = repository.blob(&description.hash)?;
        if blob.is_whole(description.size) {
            return Ok(blob);
        }
        let failed = |error| blob.failed(error);
        let mut part = blob.part()?;
        let mut len = part.metadata().map_err(failed)?.len();
        if description.size.is_some_and(|size| len > size) {
            part.set_len(0).map_err(failed)?;
            len = 0;
        }
        if description.size != Some(len) {
            self.fill(&blob, &mut part, len, &description, progress)?;
        }
        part.rewind().map_err(failed)?;
        let total = part.metadata().map_err(failed)?.len();
        let got = description.hash.of(&mut part, total).map_err(failed)?;
        if got != description.hash {
            blob.discard()?;
            let fault = Fault::Hash {
                expected: description.hash.to_string(),
                got: got.to_string(),
            };
            // The part left by an earlier run may have been corrupt.
            return Err(self.spoiled(fault, len > 0));
        }
        part.sync_all().map_err(failed)?;
        drop(part);
        blob.complete()?;
        Ok(blob)
    }

    /// Requests the first byte of the file; the headers tell its hash and size.
    fn describe(&self) -> Result<Description, AttemptError> {
        let ask = |range| {
            let answer = self
                .remote
                .client
                .get(&self.address, range, Redirects::SameOrigin);
            answer.map_err(|failure| self.failed(failure))
        };
        let mut answer = ask(Some("bytes=0-0"))?;
        if answer.response.status() == 416 {
            // An empty file has no first byte.
            answer = ask(None)?;
        }
        let status = answer.response.status();
        if !status.is_success() && !status.is_redirection() {
            return Err(self.remote.refused(&self.address, &answer).into());
        }
        let hash = self.hash(&answer.headers)?;
        let linked = answer.headers.linked_size.as_ref().map(number).transpose();
        let linked = linked.map_err(|fault| self.spoiled(fault, false))?;
        let size = match status.is_success() {
            true => {
                Span::of(&answer)
                    .map_err(|fault| self.spoiled(fault, false))?
                    .total
            }
            false => None,
        };
        match (linked, size) {
            (Some(expected), Some(got)) if expected != got => {
                Err(self.spoiled(Fault::Size { expected, got }, false))
            }
            _ => Ok(Description {
                hash,
                size: linked.or(size),
            }),
        }
    }

    /// The hash in the headers, whose commit must match.
    fn hash(&self, headers: &HubHeaders) -> Result<Hash, AttemptError> {
        let commit = headers.commit.as_ref().map(HeaderValue::as_bytes);
        if commit.is_some_and(|commit| commit != self.commit.as_str().as_bytes()) {
            return Err(self.spoiled(Fault::Commit, false));
        }
        let etag = headers.etag().map(HeaderValue::as_bytes);
        etag.and_then(Hash::of_etag).ok_or_else(|| {
            let length = etag.map(<[u8]>::len);
            self.spoiled(Fault::Etag { length }, false)
        })
    }

    /// Downloads what `part` lacks after its first `len` bytes.
    fn fill(
        &self,
        blob: &Blob<'_>,
        part: &mut File,
        len: u64,
        description: &Description,
        progress: &mut dyn Progress,
    ) -> Result<(), AttemptError> {
        let range = (len > 0).then(|| format!("bytes={len}-"));
        let client = &self.remote.client;
        let answer = client.get(&self.address, range.as_deref(), Redirects::Any);
        let answer = answer.map_err(|failure| self.failed(failure))?;
        let spoiled = |fault, passing| match blob.discard() {
            Ok(()) => self.spoiled(fault, passing),
            Err(error) => error.into(),
        };
        match answer.response.status().as_u16() {
            200 | 206 => {}
            416 if len > 0 => return Err(spoiled(Fault::Part { expected: len }, true)),
            _ => return Err(self.remote.refused(&self.address, &answer).into()),
        }
        // Versions are never mixed: the partial file has this hash, and so must the rest.
        if answer.headers.etag().is_some() && self.hash(&answer.headers)? != description.hash {
            return Err(self.spoiled(Fault::Changed, true));
        }
        let span = Span::of(&answer).map_err(|fault| spoiled(fault, false))?;
        if span.start != 0 && span.start != len {
            return Err(spoiled(Fault::Part { expected: len }, len > 0));
        }
        if let (Some(expected), Some(got)) = (description.size, span.total)
            && expected != got
        {
            return Err(spoiled(Fault::Size { expected, got }, false));
        }
        let total = description.size.or(span.total);
        let limit = total.unwrap_or(UNANNOUNCED);
        let mut at = span.start;
        let io = |error| blob.failed(error);
        part.set_len(at).map_err(io)?;
        part.seek(SeekFrom::Start(at)).map_err(io)?;
        progress.file(self.name, total.unwrap_or(0));
        progress.advance(at);
        let mut body = client.body(answer);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(n) => n,
                // The file is complete, so a broken end of the connection does not matter.
                Err(_) if Some(at) == total => 0,
                Err(failure) => return Err(self.failed(failure)),
            };
            if n == 0 {
                break;
            }
            at += n as u64;
            if at > limit {
                let fault = match total {
                    Some(announced) => Fault::Longer { announced },
                    None => Fault::Unannounced { limit },
                };
                return Err(spoiled(fault, false));
            }
            part.write_all(&buffer[..n]).map_err(io)?;
            progress.advance(n as u64);
            if progress.cancelled() {
                return Err(HubError::Cancelled.into());
            }
        }
        match total {
            Some(total) if at < total => {
                let problem = format!("{total} bytes were announced and {at} came");
                Err(AttemptError::Transient(Failure::Network(problem)))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, failure: Failure) -> AttemptError {
        match failure {
            Failure::Network(_) => AttemptError::Transient(failure),
            Failure::Fault(_) => self.remote.failed(&self.address, failure).into(),
        }
    }

    fn spoiled(&self, fault: Fault, passing: bool) -> AttemptError {
        match passing {
            true => AttemptError::Transient(fault.into()),
            false => self.failed(fault.into()),
        }
    }
}

/// The byte range of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    start: u64,
    /// Size of the whole file.
    total: Option<u64>,
}

impl Span {
    fn of(answer: &Answer) -> Result<Span, Fault> {
        let headers = answer.response.headers();
        let length = headers.get(CONTENT_LENGTH).map(number).transpose()?;
        if answer.response.status() != 206 {
            let total = length;
            return Ok(Span { start: 0, total });
        }
        let range = headers.get(CONTENT_RANGE).map(HeaderValue::as_bytes);
        let (first, last, total) = range.and_then(content_range).ok_or(Fault::NoSize)?;
        let expected = last - first + 1;
        match length {
            Some(got) if got != expected => Err(Fault::Size { expected, got }),
            _ => Ok(Span {
                start: first,
                total,
            }),
        }
    }
}

/// First byte, last byte and size in `bytes 0-99/1000` or `bytes 0-99/*`.
fn content_range(value: &[u8]) -> Option<(u64, u64, Option<u64>)> {
    let value = str::from_utf8(value).ok()?.strip_prefix("bytes ")?;
    let (range, total) = value.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (digits(first)?, digits(last)?);
    let total = match total {
        "*" => None,
        total => Some(digits(total)?),
    };
    let fits = first <= last && last < total.unwrap_or(u64::MAX);
    fits.then_some((first, last, total))
}

fn number(value: &HeaderValue) -> Result<u64, Fault> {
    let text = str::from_utf8(value.as_bytes()).ok();
    text.and_then(digits).ok_or(Fault::NoSize)
}

/// Parses a number without the sign that `parse` accepts.
fn digits(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_parsed() {
        assert_eq!(content_range(b"bytes 0-99/1000"), Some((0, 99, Some(1000))));
        assert_eq!(content_range(b"bytes 5-5/*"), Some((5, 5, None)));
        for value in [
            &b""[..],
            b"bytes",
            b"bytes */100",
            b"bytes 0-99",
            b"bytes 9-0/100",
            b"bytes 0-100/100",
            b"bytes -1-5/100",
            b"bytes +0-5/100",
            b"bytes 0-18446744073709551615/*",
            b"bytes 0-99/99999999999999999999",
            b"bytes 0-5/\xff",
            b"items 0-5/100",
        ] {
            assert_eq!(content_range(value), None, "{value:?}");
        }
    }
}
