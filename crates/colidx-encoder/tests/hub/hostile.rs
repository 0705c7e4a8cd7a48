//! Hostile names, lists, addresses and statuses.

use colidx_encoder::hub::{Fault, HubError};

use crate::place::{Place, fetch};
use crate::server::{COMMIT, End, ID, Reply, Server, etag, files};

/// The file that is fetched first.
const FIRST: &str = "artifact.metadata";

/// Names that lead out of a folder, or are not names at all.
fn hostile_names(place: &Place) -> Vec<Vec<u8>> {
    let good = etag(FIRST, &files()[FIRST]);
    let victim = place.path("victim").display().to_string();
    let forty = format!("{}x", "../".repeat(13));
    let sixty_four = format!("{}x", "../".repeat(21));
    [
        "",
        ".",
        "..",
        "x",
        "../../../../victim",
        "../../../victim",
        "../../victim",
        "../victim",
        "victim",
        &victim,
        "....//....//victim",
        "..\\..\\..\\victim",
        "C:\\victim",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fvictim",
        "..%2f..%2f..%2fvictim",
        "..%00/victim",
        "main",
        &forty,
        &sixty_four,
        &good.to_uppercase(),
        &format!("{good}/../../../../victim"),
        &format!("{good}.incomplete"),
        &format!("{good} "),
        &good[..39],
        &"a".repeat(41),
        &"a".repeat(63),
        &"a".repeat(5000),
        "d41d8cd98f00b204e9800998ecf8427e-1",
        "\u{e9}",
    ]
    .into_iter()
    .map(|name| name.as_bytes().to_vec())
    .collect()
}

fn fault(error: HubError) -> Fault {
    match error {
        HubError::Answer { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn etags_never_become_paths() {
    for header in ["ETag", "X-Linked-ETag"] {
        for quoted in [false, true] {
            for name in hostile_names(&Place::new()) {
                let place = Place::new();
                // The path of this test's own victim.
                let name = match name.starts_with(b"/") {
                    true => place.path("victim").display().to_string().into_bytes(),
                    false => name,
                };
                let value = match quoted {
                    true => [b"\"", &name[..], b"\""].concat(),
                    false => name.trim_ascii().to_vec(),
                };
                let shown = String::from_utf8_lossy(&value).into_owned();
                let server = Server::new(move |request, reply, _| match request.file() {
                    FIRST => reply.with(header, value.clone()),
                    _ => reply,
                });
                let fetched = place.fetch_checked(&server);
                if name.ends_with(b" ") && !quoted {
                    // Blanks around a header's value do not belong to it.
                    fetched.unwrap();
                    continue;
                }
                let fault = fault(fetched.expect_err(&shown));
                assert!(
                    matches!(fault, Fault::Etag { length: Some(_) }),
                    "{shown}: {fault:?}"
                );
            }
        }
    }
}

#[test]
fn malformed_headers_are_refused() {
    for header in ["ETag", "X-Repo-Commit", "Location"] {
        for value in [
            &b"a\0b"[..],
            b"../\0",
            &[b'a'; 1 << 17],
            b"a\rb",
            b"\x1b[31m",
        ] {
            let place = Place::new();
            let server = Server::new(move |request, reply, _| match request.file() {
                FIRST if header == "Location" => Reply::redirect(value),
                FIRST => reply.with(header, value),
                _ => reply,
            });
            let error = place.fetch_checked(&server).unwrap_err();
            let typed = matches!(error, HubError::Answer { .. } | HubError::Network { .. });
            assert!(typed, "{error:?}");
        }
    }
}

#[test]
fn a_file_without_etag_is_refused() {
    let place = Place::new();
    let server = Server::new(|request, reply, _| match request.file() {
        FIRST => reply.without("ETag"),
        _ => reply,
    });
    let error = place.fetch_checked(&server).unwrap_err();
    assert_eq!(fault(error), Fault::Etag { length: None });
}

#[test]
fn commits_never_become_paths() {
    let mut names = hostile_names(&Place::new());
    names.push("a".repeat(64).into_bytes());
    for name in names {
        let place = Place::new();
        let value = name.clone();
        let header = Server::new(move |request, reply, _| match request.file() {
            FIRST => reply.with("X-Repo-Commit", value.clone()),
            _ => reply,
        });
        let error = place.fetch_checked(&header).unwrap_err();
        assert_eq!(fault(error), Fault::Commit);

        let place = Place::new();
        let sha = String::from_utf8(name).unwrap();
        let list = serde_json::json!({ "sha": sha, "siblings": [{ "rfilename": "config.json" }] });
        let list = list.to_string();
        let server = Server::new(move |request, reply, _| match request.is_list() {
            true => Reply::new(200, list.as_bytes()),
            false => reply,
        });
        let error = place.fetch_checked(&server).unwrap_err();
        assert_eq!(fault(error), Fault::Commit, "{sha:?}");
        assert!(!place.path("cache").exists());
    }
}

#[test]
fn an_unexpected_commit_is_refused() {
    let other = "f".repeat(40);
    let place = Place::new();
    let server = Server::new(|_, reply, _| reply);
    let id = format!("{ID}@{other}");
    let error = fetch(&place.hub(&server.endpoint), &id).unwrap_err();
    assert_eq!(fault(error), Fault::Commit);
    let header = Server::new(move |request, reply, _| match request.file() {
        FIRST => reply.with("X-Repo-Commit", other.clone()),
        _ => reply,
    });
    let error = place.fetch_checked(&header).unwrap_err();
    assert_eq!(fault(error), Fault::Commit);
}

#[test]
fn file_names_never_lead_out() {
    let place = Place::new();
    let names = hostile_names(&place);
    let names = names
        .into_iter()
        .map(|name| String::from_utf8(name).unwrap());
    let names: Vec<String> = names.collect();
    let all = names
        .iter()
        .chain(files().keys())
        .cloned()
        .collect::<Vec<_>>();
    let siblings: Vec<_> = all
        .iter()
        .map(|name| serde_json::json!({ "rfilename": name }))
        .collect();
    let list = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
    let server = Server::new(move |request, reply, _| match request.is_list() {
        true => Reply::new(200, list.as_bytes()),
        false => reply,
    });
    place.fetch_checked(&server).unwrap();
    place.is_whole(&files());

    for name in names
        .iter()
        .filter(|name| name.contains(['.', '/', '\\', '%']))
    {
        if name.ends_with("incomplete") {
            continue;
        }
        // As the path of a module, and as the name of a shard.
        let modules = serde_json::json!([{ "path": name, "type": "Transformer" }]).to_string();
        let index = serde_json::json!({ "weight_map": { "a": name } }).to_string();
        for (file, content) in [
            ("modules.json", modules),
            ("model.safetensors.index.json", index),
        ] {
            let mut files = files();
            files.remove("model.safetensors");
            files.insert(file.to_owned(), content.into_bytes());
            files.insert(name.clone(), b"harm".to_vec());
            let place = Place::new();
            let server = Server::of(files, |_, reply, _| reply);
            let error = place.fetch_checked(&server).unwrap_err();
            assert!(
                matches!(error, HubError::Checkpoint(_)),
                "{name}: {error:?}"
            );
        }
    }
}

#[test]
fn malformed_lists_are_refused() {
    for body in [
        "",
        "<html>log in</html>",
        "[]",
        "null",
        "{}",
        "{\"sha\": 5, \"siblings\": []}",
        "{\"sha\": \"hf_secret\u{1b}[31m\", \"siblings\": 5}",
        &"[".repeat(1 << 20),
    ] {
        let place = Place::new();
        let body = body.to_owned();
        let server = Server::new(move |request, reply, _| match request.is_list() {
            true => Reply::new(200, body.as_bytes()),
            false => reply,
        });
        let error = place.fetch_checked(&server).unwrap_err();
        assert!(matches!(fault(error), Fault::List { .. }));
    }
    let place = Place::new();
    let server = Server::new(|_, _, _| {
        Reply::new(200, b"")
            .without("Content-Length")
            .ends(End::Endless)
    });
    let error = place.fetch_checked(&server).unwrap_err();
    assert!(matches!(fault(error), Fault::Unannounced { .. }));
    let place = Place::impatient();
    let server = Server::new(|_, _, _| {
        Reply::new(200, b"{")
            .with("Content-Length", "2")
            .ends(End::Stall)
    });
    let error = place.fetch_checked(&server).unwrap_err();
    assert!(matches!(error, HubError::Network { .. }), "{error:?}");
}

#[test]
fn statuses_map_to_errors_with_advice() {
    for status in [401, 403, 404, 418, 429, 500, 503] {
        for listed in [true, false] {
            let place = Place::new();
            let server = Server::new(move |request, reply, _| {
                match request.is_list() == listed && (listed || request.file() == FIRST) {
                    true => Reply::new(status, b"hf_secret \x1b[31m")
                        .with("X-Error-Message", "hf_secret"),
                    false => reply,
                }
            });
            let error = place.fetch_checked(&server).unwrap_err();
            let expected = match (&error, status) {
                (HubError::Denied { status: got, .. }, 401 | 403) => *got == status,
                (HubError::NotFound { .. }, 404) => true,
                (HubError::Answer { fault, .. }, _) => *fault == Fault::Status(status),
                _ => false,
            };
            assert!(expected, "{status}: {error:?}");
        }
    }
}

#[test]
fn bad_redirects_are_refused() {
    let limit = Fault::Redirects { limit: 5 };
    for (location, expected) in [
        ("file:///etc/passwd", Fault::Redirect),
        ("ftp://127.0.0.1/", Fault::Redirect),
        ("gopher://127.0.0.1/", Fault::Redirect),
        ("data:,x", Fault::Redirect),
        ("", Fault::Redirect),
        ("relative/path", Fault::Redirect),
        ("?query", Fault::Redirect),
        ("http://", Fault::Redirect),
        ("http://127.0.0.1:port/", Fault::Redirect),
        ("http://user:hf_secret@127.0.0.1:1/", Fault::Redirect),
        ("HOME", limit.clone()),
        ("/HOME", limit.clone()),
        ("OTHER", limit.clone()),
    ] {
        for listed in [true, false] {
            let place = Place::new();
            let server = Server::new(move |request, reply, servers| {
                let asked = match listed {
                    true => request.is_list() || request.path == "/loop",
                    // The list and the description of the file are valid.
                    false => {
                        request.path == "/loop"
                            || request.file() == "model.safetensors" && request.wants_body()
                    }
                };
                match (asked, location) {
                    (false, _) => reply,
                    (true, "HOME") => Reply::redirect(format!("{}/loop", servers.home)),
                    (true, "/HOME") => Reply::redirect("/loop"),
                    (true, "OTHER") => Reply::redirect(format!("{}/loop", servers.other_port)),
                    (true, location) => Reply::redirect(location),
                }
            });
            let error = place.fetch_checked(&server).unwrap_err();
            assert_eq!(fault(error), expected, "{location}");
        }
    }
    let place = Place::new();
    let server = Server::new(|_, _, _| Reply::new(302, b""));
    let error = place.fetch_checked(&server).unwrap_err();
    assert_eq!(fault(error), Fault::Redirect);
}
