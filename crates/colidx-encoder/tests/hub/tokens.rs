//! Which servers receive the token, and how passwords are hidden.

use std::fs;

use colidx_encoder::hub::{Fault, HubError};

use crate::place::{Place, fetch};
use crate::server::{Addresses, ID, Reply, Server, TOKEN, files, linked};

/// Addresses of other servers that a hub may redirect to, derived from its own.
const WAYS_OUT: [fn(&Addresses) -> String; 4] = [
    |servers| servers.other_port.clone(),
    |servers| servers.other_name.clone(),
    |servers| servers.other_port.replace("http://", "HTTP://"),
    |servers| servers.other_name.replace("http:", ""),
];

#[test]
fn the_token_is_sent_to_the_hub() {
    let place = Place::new();
    let server = Server::new(|request, reply, _| {
        match request.authorization.as_deref() == Some(&format!("Bearer {TOKEN}")) {
            true => reply,
            false => Reply::new(401, b"").with("X-Error-Code", "GatedRepo"),
        }
    });
    place.fetch(&server).unwrap();
    let asked = server.asked();
    assert!(asked.len() > 5 && asked.iter().all(|request| request.authorization.is_some()));
    let mut hub = place.hub(&server.endpoint);
    hub.cache = place.path("other");
    hub.token = None;
    let error = fetch(&hub, ID).unwrap_err();
    assert!(
        matches!(error, HubError::Denied { status: 401, .. }),
        "{error:?}"
    );
}

#[test]
fn redirected_weights_are_fetched_without_the_token() {
    for way_out in WAYS_OUT {
        let place = Place::new();
        let server = Server::new(move |request, reply, servers| {
            let home = servers.home.strip_prefix("http://") == Some(&request.host);
            match request.file() {
                "model.safetensors" if home => linked(
                    &reply,
                    request,
                    format!("{}{}", way_out(servers), request.path),
                ),
                _ => reply,
            }
        });
        let home = server.endpoint.strip_prefix("http://").unwrap().to_owned();
        // With a partial download, so that a range is requested too.
        let weights = &files()["model.safetensors"];
        place.write(&place.part("model.safetensors", weights), &weights[..1000]);
        place.fetch(&server).unwrap();
        place.is_whole(&files());
        let asked = server.asked();
        let away: Vec<_> = asked
            .iter()
            .filter(|request| request.host != home)
            .collect();
        assert_eq!(away.len(), 1, "{asked:?}");
        assert_eq!(away[0].range.as_deref(), Some("bytes=1000-"));
        assert_eq!(away[0].authorization, None);
        assert!(
            asked
                .iter()
                .all(|request| (request.host == home) == request.authorization.is_some())
        );
    }
}

#[test]
fn redirected_lists_are_fetched_without_the_token() {
    for way_out in WAYS_OUT {
        let place = Place::new();
        let server = Server::new(move |request, reply, servers| {
            let home = servers.home.strip_prefix("http://") == Some(&request.host);
            match request.is_list() && home {
                true => Reply::redirect(format!("{}{}", way_out(servers), request.path)),
                false => reply,
            }
        });
        let home = server.endpoint.strip_prefix("http://").unwrap().to_owned();
        place.fetch(&server).unwrap();
        let asked = server.asked();
        assert!(asked.iter().any(|request| request.host != home));
        assert!(
            asked
                .iter()
                .all(|request| (request.host == home) == request.authorization.is_some())
        );
    }
}

#[test]
fn a_redirect_away_and_back_carries_no_token() {
    let place = Place::new();
    let server = Server::new(|request, reply, servers| {
        let there = servers.other_port.ends_with(&request.host);
        match (request.path.as_str(), there) {
            (path, false) if request.is_list() && !path.contains("?back") => {
                Reply::redirect(format!("{}{path}", servers.other_port))
            }
            (path, true) => Reply::redirect(format!("{}{path}?back", servers.home)),
            _ => reply,
        }
    });
    place.fetch(&server).unwrap();
    let asked = server.asked();
    let back = asked.iter().find(|request| request.path.contains("?back"));
    assert_eq!(back.unwrap().authorization, None);
}

#[test]
fn redirects_within_the_hub_keep_the_token() {
    let place = Place::new();
    let server = Server::new(|request, reply, _| match request.path.contains("?moved") {
        true => reply,
        false => Reply::new(307, b"").with("Location", format!("{}?moved=%2Fa", request.path)),
    });
    place.fetch(&server).unwrap();
    place.is_whole(&files());
    assert!(
        server
            .asked()
            .iter()
            .all(|request| request.authorization.is_some())
    );
}

#[test]
fn headers_of_other_servers_are_ignored() {
    let place = Place::new();
    let server = Server::new(|request, reply, servers| {
        let there = servers.other_port.ends_with(&request.host);
        match request.file() {
            "model.safetensors" if !there => linked(
                &reply,
                request,
                format!("{}{}", servers.other_port, request.path),
            ),
            "model.safetensors" => reply
                .with("ETag", "\"../../../victim\"")
                .with("X-Linked-ETag", "\"../../../victim\"")
                .with("X-Linked-Size", "-1")
                .with("X-Repo-Commit", "../../../victim"),
            _ => reply,
        }
    });
    place.fetch_checked(&server).unwrap();
    place.is_whole(&files());

    // The hash of a file is not taken from there either.
    let place = Place::new();
    let server = Server::new(|request, reply, servers| {
        let there = servers.other_port.ends_with(&request.host);
        match request.file() {
            "model.safetensors" if !there => {
                Reply::redirect(format!("{}{}", servers.other_port, request.path))
            }
            _ => reply,
        }
    });
    let error = place.fetch_checked(&server).unwrap_err();
    let fault = Fault::Etag { length: None };
    assert!(matches!(error, HubError::Answer { fault: got, .. } if got == fault));
}

#[test]
fn passwords_are_never_shown() {
    let place = Place::new();
    let server = Server::new(|_, _, _| Reply::new(404, b""));
    let down = Server::new(|_, _, _| Reply::new(500, b""));
    let nowhere = "http://127.0.0.1:9".to_owned();
    let mut shown = Vec::new();
    for endpoint in [
        &server.endpoint,
        &down.endpoint,
        &nowhere,
        &"mirror".to_owned(),
        &"ftp://mirror".to_owned(),
    ] {
        for user in [
            "user:hf_secret@",
            "hf_secret@",
            "user:hf_secret/@",
            "user:a?hf_secret@",
            "user:a@hf_secret@",
        ] {
            let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
            let scheme = if scheme.is_empty() {
                String::new()
            } else {
                format!("{scheme}://")
            };
            let hub = place.hub(&format!("{scheme}{user}{rest}"));
            shown.push(format!("{hub:?}"));
            let error = fetch(&hub, ID).unwrap_err();
            shown.push(format!("{error} {error:?}"));
            shown.push(
                std::error::Error::source(&error)
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            );
        }
    }
    for text in shown {
        assert!(
            !text.contains("hf_secret") && !text.contains("user:"),
            "{text}"
        );
    }
    // They are not sent either.
    assert!(
        server
            .asked()
            .iter()
            .all(|request| request.authorization.as_deref() == Some(&format!("Bearer {TOKEN}")))
    );
}

#[test]
fn an_invalid_token_is_reported_and_not_shown() {
    let place = Place::new();
    for token in [
        "hf_secret\nX-Header: 1",
        "hf_secret\0",
        "hf_secret\u{1b}[31m",
    ] {
        let mut hub = place.hub("http://127.0.0.1:9");
        hub.token = Some(token.to_owned());
        let error = fetch(&hub, ID).unwrap_err();
        assert!(matches!(error, HubError::Token), "{error:?}");
        assert!(!format!("{error} {error:?} {hub:?}").contains("hf_secret"));
    }
    assert!(fs::read_dir(place.path("cache")).is_err());
}
