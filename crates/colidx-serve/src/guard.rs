//! What stands before every route: limits, and what is counted and logged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::{App, Deadline};
use crate::error::{ApiError, Cause};
use crate::options::AccessLog;
use crate::{arrival, log};

/// Names a request in logs, here and at the caller.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id of a caller.
const MAX_ID: usize = 128;

/// Statuses that may be answered before a body has been read.
const UNREAD: [StatusCode; 10] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// A name that no other request or answer has.
pub(crate) fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.unwrap_or(Duration::ZERO).as_micros();
    format!("{micros:x}-{:x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Counts, times and logs a request, and gives every error the same shape.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let seen = Seen::new(&request);
    let has_body = !request.body().is_end_stream();
    let mut response = next.run(request).await;
    let status = response.status();
    if has_body && UNREAD.contains(&status) {
        // The connection ends where a body was not read, and clients must not ask on it again.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    if is_foreign_error(&response) {
        let mut shaped = ApiError::of_status(status).into_response();
        // Such as Allow, which goes with 405.
        for (name, value) in response.headers() {
            if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
                shaped.headers_mut().insert(name.clone(), value.clone());
            }
        }
        response = shaped;
    }
    if let Ok(id) = HeaderValue::from_str(&seen.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let time = began.elapsed();
    app.metrics.request(&seen.route, status.as_u16(), time);
    let cause = response
        .extensions()
        .get::<Cause>()
        .map(|cause| cause.0.as_str());
    seen.log(&app, status, time, cause);
    response
}

/// Whether a layer of another crate answered with an error, in plain text or nothing.
fn is_foreign_error(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    (status.is_client_error() || status.is_server_error()) && !is_json
}

/// What is remembered of a request until it is answered.
struct Seen {
    id: String,
    method: String,
    path: String,
    route: String,
    client: Option<SocketAddr>,
}

impl Seen {
    fn new(request: &Request) -> Seen {
        let id = request.headers().get(&REQUEST_ID);
        let id = id
            .and_then(|id| id.to_str().ok())
            .filter(|id| id.len() <= MAX_ID);
        let route = request.extensions().get::<MatchedPath>();
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Seen {
            id: id.map_or_else(new_id, str::to_owned),
            method: request.method().to_string(),
            // Without the query string, which may be what somebody searched for.
            path: request.uri().path().to_owned(),
            route: route.map_or("unknown", |route| route.as_str()).to_owned(),
            client: client.map(|client| client.0),
        }
    }

    fn log(&self, app: &App, status: StatusCode, time: Duration, cause: Option<&str>) {
        let milliseconds = (time.as_secs_f64() * 1e5).round() / 1e2;
        let client = self.client.map(|client| client.ip().to_string());
        let client = client.unwrap_or_default();
        match app.options.access_log {
            AccessLog::Text => {
                let Seen {
                    id, method, path, ..
                } = self;
                let (now, code) = (log::now(), status.as_u16());
                let cause = cause.map(|cause| format!(" {cause}")).unwrap_or_default();
                app.log.note(&format!(
                    "{now} {client} {method} {path} {code} {milliseconds} ms {id}{cause}"
                ));
            }
            AccessLog::Json => {
                let line = json!({
                    "time": log::now(), "client": client, "method": self.method,
                    "path": self.path, "route": self.route, "status": status.as_u16(),
                    "ms": milliseconds, "id": self.id, "cause": cause,
                });
                app.log.json(&line.to_string());
            }
            // Errors of the server are always logged.
            AccessLog::Off => {
                if let Some(cause) = cause {
                    app.log
                        .note(&format!("{} {}: {cause}", self.method, self.path));
                }
            }
        }
    }
}

/// Limits the time and the number of requests that read.
pub(crate) async fn limit_reads(state: State<Arc<App>>, request: Request, next: Next) -> Response {
    let time = state.options.limits.timeout;
    limit(&state.0, time, request, next).await
}

/// Limits the time and the number of requests that write.
pub(crate) async fn limit_writes(state: State<Arc<App>>, request: Request, next: Next) -> Response {
    let time = state.options.limits.write_timeout;
    limit(&state.0, time, request, next).await
}

async fn limit(app: &App, time: Duration, request: Request, next: Next) -> Response {
    if app.stopping.load(Ordering::Relaxed) {
        return ApiError::unavailable("stopping", "the service is stopping").into_response();
    }
    let busy = || ApiError::busy("too many requests are under way").into_response();
    // Whoever would find no place need not send a body.
    if app.requests.available_permits() == 0 {
        return busy();
    }
    let read = arrival::read(request, &app.options.limits, &app.bodies).await;
    let (mut request, _room) = match read {
        Ok(read) => read,
        Err(error) => return error.into_response(),
    };
    let Ok(_place) = app.requests.try_acquire() else {
        return busy();
    };
    request
        .extensions_mut()
        .insert(Deadline(Instant::now() + time));
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::timed_out().into_response(),
    }
}
