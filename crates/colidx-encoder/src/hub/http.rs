//! Requests to the hub: redirects, headers and time limits.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::header::{ACCEPT_ENCODING, AUTHORIZATION, ETAG, LOCATION, RANGE};
use ureq::http::{HeaderMap, HeaderValue, Response};
use ureq::{Agent, Body, BodyReader};

use super::address::{Address, Origin, Refused};
use super::error::Fault;
use super::{Hub, HubError};

/// Most redirects of a request.
const REDIRECTS: usize = 5;
/// Fewest bytes per timeout; a slower server counts as silent.
const MIN_BYTES: u64 = 1 << 10;

/// Sends requests to one hub, with its token.
pub(super) struct Client {
    agent: Agent,
    endpoint: Address,
    authorization: Option<HeaderValue>,
    /// How long the server may be silent.
    pub(super) timeout: Duration,
}

/// Why a request has no usable answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server was not reached, or the connection broke.
    Network(String),
    /// The answer is invalid.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

/// The final answer to a request.
pub(super) struct Answer {
    /// The last answer.
    pub response: Response<Body>,
    /// Whether the hub itself sent it.
    pub from_hub: bool,
    /// The hub's own headers along the redirects. Those of other servers do not count.
    pub headers: HubHeaders,
}

/// The hub's headers that describe a file.
#[derive(Default)]
pub(super) struct HubHeaders {
    pub commit: Option<HeaderValue>,
    pub linked_size: Option<HeaderValue>,
    linked_etag: Option<HeaderValue>,
    etag: Option<HeaderValue>,
}

impl HubHeaders {
    fn record(&mut self, headers: &HeaderMap) {
        let record = |known: &mut Option<HeaderValue>, name: &str| {
            if let Some(value) = headers.get(name) {
                *known = Some(value.clone());
            }
        };
        record(&mut self.commit, "x-repo-commit");
        record(&mut self.linked_size, "x-linked-size");
        record(&mut self.linked_etag, "x-linked-etag");
        record(&mut self.etag, ETAG.as_str());
    }

    /// The file's ETag; a redirect may have one of its own.
    pub(super) fn etag(&self) -> Option<&HeaderValue> {
        self.linked_etag.as_ref().or(self.etag.as_ref())
    }
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    /// Redirects to the same server. Another redirect is returned as the answer.
    SameOrigin,
    /// All redirects.
    Any,
}

impl Client {
    pub(super) fn new(hub: &Hub, endpoint: Address) -> Result<Client, HubError> {
        let authorization = match &hub.token {
            None => None,
            Some(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {token}"));
                let mut value = value.map_err(|_| HubError::Token)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let timeout = Some(hub.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed here, not by the library, because they decide which headers
            // are sent.
            .max_redirects(0)
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ))
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_send_request(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout);
        Ok(Client {
            agent: config.build().into(),
            endpoint,
            authorization,
            timeout: hub.timeout,
        })
    }

    /// Requests `address`, or a byte range of it.
    pub(super) fn get(
        &self,
        address: &Address,
        range: Option<&str>,
        follow: Redirects,
    ) -> Result<Answer, Failure> {
        let mut address = address.clone();
        let mut headers = HubHeaders::default();
        // After a redirect to another server the token is not sent again, even if that one
        // redirects back.
        let mut from_hub = true;
        for _ in 0..=REDIRECTS {
            from_hub &= self.is_hub(address.origin());
            let response = self.ask(&address, range, from_hub)?;
            if from_hub {
                headers.record(response.headers());
            }
            let answer = |response, headers| Answer {
                response,
                from_hub,
                headers,
            };
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(answer(response, headers));
            }
            let location = response.headers().get(LOCATION);
            let location = location.map_or(&b""[..], HeaderValue::as_bytes);
            let next = address
                .redirected(location)
                .map_err(|refused| match refused {
                    Refused::Malformed => Fault::Redirect,
                    Refused::Downgrade => Fault::Downgrade,
                })?;
            if follow == Redirects::SameOrigin && !self.is_hub(next.origin()) {
                return Ok(answer(response, headers));
            }
            address = next;
        }
        Err(Fault::Redirects { limit: REDIRECTS }.into())
    }

    fn is_hub(&self, origin: &Origin) -> bool {
        origin == self.endpoint.origin()
    }

    fn ask(
        &self,
        address: &Address,
        range: Option<&str>,
        from_hub: bool,
    ) -> Result<Response<Body>, Failure> {
        // Sizes and hashes refer to uncompressed bytes.
        let mut request = self
            .agent
            .get(address.uri())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        if let (true, Some(value)) = (from_hub, &self.authorization) {
            request = request.header(AUTHORIZATION, value);
        }
        request
            .call()
            .map_err(|error| self.failure(address.origin(), error))
    }

    /// The body of an answer.
    pub(super) fn body(&self, answer: Answer) -> Incoming<'_> {
        Incoming {
            client: self,
            reader: answer.response.into_body().into_reader(),
            window: Instant::now(),
            seen: 0,
        }
    }

    fn failure(&self, origin: &Origin, error: ureq::Error) -> Failure {
        let problem = match error {
            ureq::Error::Timeout(_) => {
                format!("no answer within {:?}", self.timeout)
            }
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::HostNotFound => "no such host is known".to_owned(),
            ureq::Error::ConnectionFailed => "the connection failed".to_owned(),
            ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
                "the proxy refuses; check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY".to_owned()
            }
            ureq::Error::Tls(problem) => problem.to_owned(),
            ureq::Error::Rustls(error) => error.to_string(),
            // Messages of other errors may quote the server.
            _ => return Fault::NotHttp.into(),
        };
        Failure::Network(match self.is_hub(origin) {
            true => problem,
            false => format!("{origin}, to which it redirects: {problem}"),
        })
    }
}

/// The body of an answer being received.
pub(super) struct Incoming<'a> {
    client: &'a Client,
    reader: BodyReader<'static>,
    window: Instant,
    /// Bytes received in the current time window.
    seen: u64,
}

impl Incoming<'_> {
    /// Reads the next bytes; none at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let n = self.reader.read(buffer).map_err(|error| {
            let hub = self.client.endpoint.origin();
            self.client.failure(hub, ureq::Error::from(error))
        })?;
        self.seen += n as u64;
        let timeout = self.client.timeout;
        if n > 0 && self.window.elapsed() > timeout {
            if self.seen < MIN_BYTES {
                let seen = self.seen;
                let problem = format!("only {seen} bytes came in {timeout:?}");
                return Err(Failure::Network(problem));
            }
            self.window = Instant::now();
            self.seen = 0;
        }
        Ok(n)
    }

    /// Reads all bytes, at most `limit` of them, in at most `time`.
    pub(super) fn read_all(&mut self, limit: usize, time: Duration) -> Result<Vec<u8>, Failure> {
        let begin = Instant::now();
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(bytes),
                n if bytes.len() + n > limit => {
                    let limit = limit as u64;
                    return Err(Fault::Unannounced { limit }.into());
                }
                n => bytes.extend_from_slice(&buffer[..n]),
            }
            if begin.elapsed() > time {
                return Err(Failure::Network(format!("no whole answer within {time:?}")));
            }
        }
    }
}
