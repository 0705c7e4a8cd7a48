//! Who may ask: keys, and pages of other web sites.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::error::ApiError;
use crate::options::Access;

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    Nothing,
    Read,
    Write,
}

/// Lets those pass who may read.
pub(crate) async fn may_read(state: State<Arc<App>>, request: Request, next: Next) -> Response {
    demand(&state.options.access, Right::Read, request, next).await
}

/// Lets those pass who may write.
pub(crate) async fn may_write(state: State<Arc<App>>, request: Request, next: Next) -> Response {
    demand(&state.options.access, Right::Write, request, next).await
}

async fn demand(access: &Access, needed: Right, request: Request, next: Next) -> Response {
    match right(access, request.headers()) {
        right if right >= needed => next.run(request).await,
        Right::Nothing => {
            let message = "a key is needed; send it as Authorization: Bearer KEY";
            ApiError::new(StatusCode::UNAUTHORIZED, "no_key", message).into_response()
        }
        _ => {
            let message = "the key may only read; use one that may write";
            ApiError::new(StatusCode::FORBIDDEN, "read_only", message).into_response()
        }
    }
}

fn right(access: &Access, headers: &HeaderMap) -> Right {
    if !access.has_keys() {
        return Right::Write;
    }
    let Some(given) = key(headers) else {
        return Right::Nothing;
    };
    // All keys are compared, each in a time that tells only its length.
    let among = |keys: &[String]| {
        keys.iter().fold(false, |found, key| {
            found | bool::from(key.as_bytes().ct_eq(given))
        })
    };
    match (among(&access.keys), among(&access.read_only_keys)) {
        (true, _) => Right::Write,
        (false, true) => Right::Read,
        _ => Right::Nothing,
    }
}

/// The key in `Authorization: Bearer KEY` or `api-key: KEY`.
fn key(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = headers.get(API_KEY) {
        return Some(key.as_bytes());
    }
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| key.trim_ascii())
}

/// Refuses what a page of another web site sends, unless its origin is allowed. Without keys,
/// requests must also name this machine: otherwise a site whose name leads here could ask.
pub(crate) async fn same_site(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let access = &app.options.access;
    let host = host(&request);
    let headers = request.headers();
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let own = origin
            .split_once("://")
            .is_some_and(|(_, own)| Some(own) == host.as_deref());
        if !own && !access.origins.iter().any(|allowed| allowed == origin) {
            let message = "pages of other web sites may not ask this service";
            return ApiError::new(StatusCode::FORBIDDEN, "cross_origin", message).into_response();
        }
    }
    let local = host.as_deref().is_none_or(is_local);
    if !access.has_keys() && !access.no_auth && !local {
        let message = "the Host header does not name this machine, and no key is asked for";
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_host", message).into_response();
    }
    next.run(request).await
}

/// The host that a request names, with its port.
fn host(request: &Request) -> Option<String> {
    let header = request.headers().get(header::HOST);
    let header = header.map(|host| host.to_str().unwrap_or("?").to_owned());
    header.or_else(|| request.uri().authority().map(ToString::to_string))
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let ip = name.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_key_gives_the_right_it_was_made_for() {
        let access = Access {
            keys: vec!["writer".to_owned()],
            read_only_keys: vec!["reader".to_owned()],
            ..Access::default()
        };
        let bearer = |value: &str| right(&access, &headers(header::AUTHORIZATION, value));
        assert_eq!(bearer("Bearer writer"), Right::Write);
        assert_eq!(bearer("bearer reader"), Right::Read);
        assert_eq!(right(&access, &headers(API_KEY, "writer")), Right::Write);
        for wrong in [
            "Bearer ",
            "Bearer write",
            "Basic writer",
            "writer",
            "Bearer writer2",
        ] {
            assert_eq!(bearer(wrong), Right::Nothing, "{wrong}");
        }
        assert_eq!(right(&access, &HeaderMap::new()), Right::Nothing);
        assert_eq!(right(&Access::default(), &HeaderMap::new()), Right::Write);
    }

    #[test]
    fn local_names_are_told_from_others() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:7878",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "example.org",
            "localhost.example.org:80",
            "10.0.0.1",
            "",
            "?",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
