//! The cache is shared with the hub's Python client, if that is installed.

use std::fs;
use std::process::Command;

use crate::place::{Place, fetch};
use crate::server::{COMMIT, ID, Server, files};

/// Runs a script of the Python client with the cache, or prints that there is no such client.
fn python(place: &Place, server: &Server, offline: bool, script: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command
        .env("HF_HUB_CACHE", place.path("cache"))
        .env("HF_HOME", place.path("cache"))
        .env("HF_ENDPOINT", &server.endpoint)
        .env("HF_HUB_OFFLINE", if offline { "1" } else { "0" })
        .env("HF_HUB_DISABLE_TELEMETRY", "1")
        .env("NO_PROXY", "*")
        .env_remove("HF_TOKEN");
    let known = command.args(["-c", "import huggingface_hub"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: python3 has no huggingface_hub; set PYTHON to one that has");
        return None;
    }
    let mut run = Command::new(command.get_program());
    run.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = run.arg("-c").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn names() -> String {
    let names: Vec<String> = files()
        .into_keys()
        .filter(|name| name != "README.md")
        .collect();
    format!("{names:?}")
}

#[test]
fn the_python_client_reads_what_was_fetched_here() {
    let place = Place::new();
    let server = Server::new(|_, reply, _| reply);
    place.fetch(&server).unwrap();
    let (names, absent) = (names(), "tokenizer_config.json");
    let script = format!(
        "from huggingface_hub import hf_hub_download, try_to_load_from_cache, scan_cache_dir
from huggingface_hub import _CACHED_NO_EXIST
for name in {names}:
    print(hf_hub_download('{ID}', name, token=False))
assert try_to_load_from_cache('{ID}', '{absent}') is _CACHED_NO_EXIST
info = scan_cache_dir()
assert not info.warnings, info.warnings
(repo,) = info.repos
assert repo.repo_id == '{ID}'
"
    );
    for offline in [true, false] {
        server.asked();
        let Some(paths) = python(&place, &server, offline, &script) else {
            return;
        };
        let expected: Vec<String> = files()
            .into_keys()
            .filter(|name| name != "README.md")
            .map(|name| place.snapshot(&name).display().to_string())
            .collect();
        assert_eq!(paths.lines().collect::<Vec<_>>(), expected);
        let asked = server.asked();
        assert_eq!(asked.is_empty(), offline);
        // It asks for updates, and uses the blobs in the cache.
        assert!(
            asked.iter().all(|request| request.method == "HEAD"),
            "{asked:?}"
        );
    }
    place.is_whole(&files());
}

#[test]
fn what_the_python_client_fetched_is_read_here() {
    let place = Place::new();
    let server = Server::new(|_, reply, _| reply);
    let script = format!(
        "from huggingface_hub import hf_hub_download
for name in {}:
    hf_hub_download('{ID}', name, token=False)
",
        names()
    );
    if python(&place, &server, false, &script).is_none() {
        return;
    }
    place.is_whole(&files());
    let mut hub = place.hub("http://127.0.0.1:9");
    hub.offline = true;
    let snapshot = place.repository("snapshots").join(COMMIT);
    assert_eq!(fetch(&hub, ID).unwrap(), snapshot);
    // Resuming works too: one name is missing, but its blob is in the cache.
    fs::remove_file(place.snapshot("config.json")).unwrap();
    server.asked();
    place.fetch(&server).unwrap();
    place.is_whole(&files());
    assert!(
        server
            .asked()
            .iter()
            .all(|request| !request.wants_body() || request.is_list())
    );
}
