//! The cache has the layout of the hub's own tools, and nothing else is written.

use std::fs;
use std::path::Path;
use std::thread;

use colidx_encoder::hub::HubError;

use crate::place::{Place, fetch};
use crate::server::{COMMIT, ID, Server, etag, files};

#[cfg(unix)]
fn link(to: impl AsRef<Path>, at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(to, at).unwrap();
}

#[cfg(unix)]
#[test]
fn the_cache_has_the_layout_of_the_hubs_own_tools() {
    let place = Place::new();
    let mut files = files();
    files.insert(
        "modules.json".to_owned(),
        br#"[{"path": "", "type": "Transformer"}, {"path": "1_Dense", "type": "Dense"}]"#.to_vec(),
    );
    files.insert("1_Dense/config.json".to_owned(), b"{}".to_vec());
    files.insert("1_Dense/model.safetensors".to_owned(), vec![1; 100]);
    let server = Server::of(files.clone(), |_, reply, _| reply);
    let snapshot = place.fetch(&server).unwrap();
    assert_eq!(snapshot, place.repository("snapshots").join(COMMIT));
    let reference = fs::read_to_string(place.repository("refs/main")).unwrap();
    assert_eq!(reference, COMMIT);
    for (name, content) in files {
        if name == "README.md" {
            assert!(!place.snapshot(&name).exists());
            continue;
        }
        let up = "../".repeat(name.split('/').count() + 1);
        let blob = format!("{up}blobs/{}", etag(&name, &content));
        assert_eq!(
            fs::read_link(place.snapshot(&name)).unwrap(),
            Path::new(&blob)
        );
    }
    for name in ["vocab.txt", "tokenizer_config.json"] {
        let mark = place.repository(".no_exist").join(COMMIT).join(name);
        // With a tokenizer.json no vocabulary is requested.
        assert_eq!(mark.is_file(), name != "vocab.txt");
    }
    let left = fs::read_dir(place.repository("blobs")).unwrap();
    let left = left.filter(|entry| entry.as_ref().unwrap().path().extension().is_some());
    assert_eq!(left.count(), 0);
    server.asked();
    place.fetch(&server).unwrap();
    assert!(server.asked().is_empty());
}

#[cfg(unix)]
#[test]
fn caches_of_the_hubs_own_tools_are_read() {
    let place = Place::new();
    for (name, content) in files() {
        let hash = etag(&name, &content);
        place.write(&place.repository("blobs").join(&hash), content);
        link(format!("../../blobs/{hash}"), &place.snapshot(&name));
    }
    place.write(&place.repository("refs/main"), COMMIT);
    place.write(&place.repository("refs/refs/pr/1"), COMMIT);
    place.write(
        &place.path("cache/CACHEDIR.TAG"),
        "Signature: 8a477f597d28d172789f06886806bc55",
    );
    let mut hub = place.hub("http://127.0.0.1:9");
    hub.offline = true;
    for id in [
        ID.to_owned(),
        format!("{ID}@refs/pr/1"),
        format!("{ID}@{COMMIT}"),
    ] {
        assert_eq!(
            fetch(&hub, &id).unwrap(),
            place.repository("snapshots").join(COMMIT)
        );
    }
    let error = fetch(&hub, &format!("{ID}@other")).unwrap_err();
    assert!(matches!(error, HubError::Offline { .. }), "{error:?}");
    // A blob in the cache is not downloaded again for another commit or name.
    fs::remove_file(place.snapshot("model.safetensors")).unwrap();
    let server = Server::new(|_, reply, _| reply);
    place.fetch_checked(&server).unwrap();
    place.is_whole(&files());
    assert!(
        server
            .asked()
            .iter()
            .all(|request| !request.wants_body() || request.is_list())
    );
}

/// Replaces a folder or file by links that lead out of the cache; returns the result of a fetch.
#[cfg(unix)]
#[track_caller]
fn planted(name: &str, to: &str) -> Result<(), HubError> {
    let place = Place::new();
    link(place.path(to), &place.path("cache").join(name));
    let server = Server::new(|_, reply, _| reply);
    let fetched = place.fetch_checked(&server);
    if fetched.is_ok() {
        place.is_whole(&files());
    }
    fetched.map(|_| ())
}

#[cfg(unix)]
#[test]
fn links_planted_in_the_cache_are_not_followed() {
    let weights = etag("model.safetensors", &files()["model.safetensors"]);
    let repository = "models--owner--name";
    let folders = [
        repository.to_owned(),
        format!("{repository}/blobs"),
        format!("{repository}/snapshots"),
        format!("{repository}/snapshots/{COMMIT}"),
        format!("{repository}/refs"),
        format!("{repository}/.no_exist"),
        format!("{repository}/.no_exist/{COMMIT}"),
        ".locks".to_owned(),
        format!(".locks/{repository}"),
    ];
    for folder in folders {
        for to in ["outside", "nowhere", "victim"] {
            let fetched = planted(&folder, to);
            assert!(
                matches!(fetched, Err(HubError::Link { .. })),
                "{folder}: {fetched:?}"
            );
        }
    }
    for file in [
        format!("{repository}/blobs/{weights}.incomplete"),
        format!(".locks/{repository}/{weights}.lock"),
    ] {
        for to in ["victim", "nowhere", "outside"] {
            let fetched = planted(&file, to);
            assert!(
                matches!(fetched, Err(HubError::Link { .. })),
                "{file}: {fetched:?}"
            );
        }
    }
    // What is replaced atomically is replaced in its own folder.
    for file in [
        format!("{repository}/refs/main"),
        format!("{repository}/blobs/{weights}"),
        format!("{repository}/snapshots/{COMMIT}/config.json"),
        format!("{repository}/.no_exist/{COMMIT}/modules.json"),
    ] {
        planted(&file, "nowhere").unwrap_or_else(|error| panic!("{file}: {error:?}"));
    }
    for file in [
        format!("{repository}/refs/main"),
        format!("{repository}/blobs/{weights}"),
    ] {
        planted(&file, "victim").unwrap_or_else(|error| panic!("{file}: {error:?}"));
    }
}

#[cfg(unix)]
#[test]
fn the_cache_itself_may_be_a_link() {
    let place = Place::new();
    fs::create_dir(place.path("cache-elsewhere")).unwrap();
    link("cache-elsewhere", &place.path("cache"));
    let server = Server::new(|_, reply, _| reply);
    place.fetch(&server).unwrap();
    place.is_whole(&files());
}

#[cfg(unix)]
#[test]
fn special_files_are_not_opened() {
    let place = Place::new();
    let part = place.part("model.safetensors", &files()["model.safetensors"]);
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&part).status();
    assert!(made.unwrap().success());
    let server = Server::new(|_, reply, _| reply);
    let error = place.fetch(&server).unwrap_err();
    assert!(matches!(error, HubError::Link { .. }), "{error:?}");
}

#[test]
fn concurrent_fetches_succeed() {
    let place = Place::new();
    let server = Server::new(|_, reply, _| reply);
    thread::scope(|scope| {
        let fetch = || place.fetch(&server).unwrap();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(fetch)).collect();
        for one in all {
            one.join().unwrap();
        }
    });
    place.is_whole(&files());
    place.check(&server);
}

#[test]
fn a_lock_is_waited_for_and_then_reported() {
    let place = Place::new();
    let name = etag("model.safetensors", &files()["model.safetensors"]);
    let path = place
        .path("cache/.locks/models--owner--name")
        .join(format!("{name}.lock"));
    place.write(&path, "");
    let lock = fs::File::open(&path).unwrap();
    lock.lock().unwrap();
    let server = Server::new(|_, reply, _| reply);
    let error = place.fetch(&server).unwrap_err();
    assert!(
        matches!(&error, HubError::Busy { path: held } if *held == path),
        "{error:?}"
    );
    drop(lock);
    place.fetch(&server).unwrap();
}
