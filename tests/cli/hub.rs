//! Checkpoints by hub id, from a hub on loopback.

use std::fs;
use std::path::PathBuf;

use crate::harness::{CORPUS, Colidx, Place, model};
use crate::stand_in::{COMMIT, Hub, ID, Mood, TOKEN};

/// The command with nothing but `hub` to download from, and a cache in the place.
fn colidx(place: &Place, hub: &Hub, arguments: &[&str]) -> Colidx {
    let mut call = place.colidx(arguments);
    for name in [
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        call.command.env_remove(name);
    }
    with(call, "HF_ENDPOINT", &hub.endpoint)
}

fn with(mut call: Colidx, name: &str, value: &str) -> Colidx {
    call.command.env(name, value);
    call
}

fn repository(place: &Place) -> PathBuf {
    place.path("hf/hub/models--owner--tiny-bert")
}

#[test]
fn a_hub_id_is_fetched_once_and_then_found_in_the_cache() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let run = colidx(&place, &hub, &["model", ID]).run().succeeds();
    let run = run.says(&[
        "downloading config.json: 661 B",
        "downloading model.safetensors",
    ]);
    assert!(run.stdout.starts_with("owner/tiny-bert\n"), "{run:#?}");
    assert!(
        run.stdout.contains(&format!("revision {COMMIT}")),
        "{run:#?}"
    );
    let asked = hub.asked().join(" ");
    assert!(asked.contains("1_Dense/model.safetensors"), "{asked}");
    for other in ["onnx", "README", "expected"] {
        assert!(!asked.contains(other), "{asked}");
    }
    let snapshot = repository(&place).join("snapshots").join(COMMIT);
    for name in ["config.json", "1_Dense/model.safetensors"] {
        let expected = fs::read(model().join(name)).unwrap();
        assert_eq!(fs::read(snapshot.join(name)).unwrap(), expected, "{name}");
    }

    let again = colidx(&place, &hub, &["model", ID]).run().succeeds();
    assert_eq!((again.stdout, again.stderr), (run.stdout, String::new()));
    for revision in ["main", COMMIT] {
        let id = format!("{ID}@{revision}");
        let offline = colidx(&place, &hub, &["model", &id]);
        with(offline, "HF_HUB_OFFLINE", "1").run().succeeds();
    }
    assert_eq!(hub.asked(), [""; 0]);
}

#[test]
fn an_index_remembers_the_commit_that_made_it() {
    let place = Place::new();
    let hub = Hub::of(&model());
    place.write("corpus.jsonl", CORPUS);
    let build = [
        "build",
        "corpus.jsonl",
        "--index",
        "x.colidx",
        "--model",
        ID,
    ];
    colidx(&place, &hub, &build).run().succeeds();
    let info = place
        .colidx(&["info", "--index", "x.colidx", "--json"])
        .run()
        .succeeds()
        .json()
        .remove(0);
    assert_eq!(info["model"]["name"], ID);
    assert_eq!(info["model"]["location"], format!("{ID}@{COMMIT}"));
    fs::remove_dir_all(place.path("hf")).unwrap();
    let search = ["search", "--index", "x.colidx", "--json", "the gene"];
    let hits = colidx(&place, &hub, &search).run().succeeds();
    assert_eq!(hits.json().len(), 4);
}

#[test]
fn revisions_are_named_after_an_at_sign() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let id = format!("{ID}@v1");
    colidx(&place, &hub, &["model", &id]).run().succeeds();
    assert!(repository(&place).join("refs/v1").is_file());
    assert!(!repository(&place).join("refs/main").exists());
    let id = format!("{ID}@v2");
    let run = colidx(&place, &hub, &["model", &id]).run().fails();
    run.says(&["has no revision v2", "branches, tags or commits"]);
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_to_do() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let offline = colidx(&place, &hub, &["model", ID]);
    let run = with(offline, "HF_HUB_OFFLINE", "1").run().fails();
    run.says(&["HF_HUB_OFFLINE is set", "copy the checkpoint's directory"]);
    assert_eq!(hub.asked(), [""; 0]);

    let run = colidx(&place, &hub, &["model", "owner/other"]).run();
    run.fails()
        .says(&["no repository owner/other", "HF_TOKEN if it is private"]);
    hub.set(Mood::Down);
    let run = colidx(&place, &hub, &["model", ID]).run().fails();
    run.says(&["HTTP status 503", "try again later"]);
    let nowhere = colidx(&place, &hub, &["model", ID]);
    let run = with(nowhere, "HF_ENDPOINT", "http://127.0.0.1:9").run();
    run.fails()
        .says(&["from http://127.0.0.1:9", "check the network"]);
    let wrong = with(
        colidx(&place, &hub, &["model", ID]),
        "HF_ENDPOINT",
        "mirror",
    );
    wrong.run().fails().says(&["begins with http://"]);
    for path in ["nowhere", "./owner/name", "/no/such"] {
        let run = colidx(&place, &hub, &["model", path]).run().fails();
        run.says(&["there is no such directory", "owner/name"]);
    }
}

#[test]
fn a_gated_repository_needs_a_token() {
    let place = Place::new();
    let hub = Hub::of(&model());
    hub.set(Mood::Gated);
    let call = || colidx(&place, &hub, &["model", ID]);
    call().run().fails().says(&["HTTP status 401", "HF_TOKEN"]);
    let run = with(call(), "HF_TOKEN", "hf_wrong").run().fails();
    run.says(&["gated or private"]);
    place.write("hf/token", format!("{TOKEN}\n"));
    call().run().succeeds();
    fs::remove_dir_all(place.path("hf")).unwrap();
    with(call(), "HF_TOKEN", TOKEN).run().succeeds();
}

#[test]
fn a_download_that_breaks_goes_on_and_is_never_taken_for_whole() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let call = || colidx(&place, &hub, &["model", ID]);
    hub.set(Mood::Breaks(8000));
    // The weights are 141 kB, so even the attempts of two runs do not get them.
    for _ in 0..2 {
        let run = call().run().fails();
        run.says(&["try again, which resumes"]);
        let offline = with(call(), "HF_HUB_OFFLINE", "1").run().fails();
        offline.says(&["has no complete checkpoint"]);
    }
    let snapshot = repository(&place).join("snapshots").join(COMMIT);
    assert!(!snapshot.join("model.safetensors").exists());
    assert!(!repository(&place).join("refs/main").exists());
    hub.set(Mood::Well);
    call().run().succeeds();
    for name in ["tokenizer.json", "model.safetensors"] {
        let expected = fs::read(model().join(name)).unwrap();
        assert_eq!(fs::read(snapshot.join(name)).unwrap(), expected, "{name}");
    }
}

/// The content of a file in the cache.
fn blob(place: &Place, name: &str) -> PathBuf {
    fs::canonicalize(repository(place).join("snapshots").join(COMMIT).join(name)).unwrap()
}

#[test]
fn parts_that_cannot_be_continued_are_begun_anew() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let call = || colidx(&place, &hub, &["model", ID]);
    call().run().succeeds();
    let name = "1_Dense/model.safetensors";
    let expected = fs::read(model().join(name)).unwrap();
    let link = repository(&place).join("snapshots").join(COMMIT).join(name);
    let blob = blob(&place, name);
    let part = blob.with_extension("incomplete");
    for (left, mood) in [
        (expected.clone(), Mood::Well),
        (vec![0; expected.len()], Mood::Well),
        (vec![0; expected.len() + 1], Mood::Well),
        (vec![0; 100], Mood::Well),
        (expected[..100].to_vec(), Mood::Well),
        (expected[..100].to_vec(), Mood::NoRanges),
    ] {
        // As a killed process leaves it; the link still points at the blob that is gone.
        fs::remove_file(&blob).unwrap();
        fs::write(&part, left).unwrap();
        hub.set(mood);
        call().run().succeeds();
        assert_eq!(fs::read(&link).unwrap(), expected);
        assert!(!part.exists());
    }
}

#[test]
fn no_password_and_no_token_is_shown() {
    let place = Place::new();
    let hub = Hub::of(&model());
    hub.set(Mood::Down);
    let down = hub.endpoint.replace("://", "://user:PASSWORD@");
    for endpoint in [
        &down,
        "http://user:PASSWORD@127.0.0.1:9",
        "http://user:PASS/PASSWORD@127.0.0.1:9",
        "user:PASSWORD@mirror",
        "ftp://user:PASSWORD@mirror",
    ] {
        let call = with(
            colidx(&place, &hub, &["model", ID]),
            "HF_ENDPOINT",
            endpoint,
        );
        let run = with(call, "HF_TOKEN", "hf_PASSWORD").run().fails();
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(
            !shown.contains("PASSWORD") && !shown.contains("user"),
            "{shown}"
        );
    }
}

#[test]
fn a_cache_that_another_tool_filled_in_part_is_completed() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let call = || colidx(&place, &hub, &["model", ID]);
    let snapshot = repository(&place).join("snapshots").join(COMMIT);
    fs::create_dir_all(repository(&place).join("refs")).unwrap();
    fs::write(repository(&place).join("refs/main"), COMMIT).unwrap();
    fs::create_dir_all(&snapshot).unwrap();
    let copy = |name: &str| fs::copy(model().join(name), snapshot.join(name)).unwrap();
    // What a loader of plain transformers takes: without the projection it would be another model.
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        copy(name);
    }
    with(call(), "HF_HUB_OFFLINE", "1")
        .run()
        .fails()
        .says(&["has no complete checkpoint"]);
    call().run().succeeds();
    let asked = hub.asked().join(" ");
    assert!(
        asked.contains("modules.json") && !asked.contains("tokenizer.json"),
        "{asked}"
    );

    // A whole copy without marks is asked about once, and used where the network is away.
    fs::remove_dir_all(repository(&place).join(".no_exist")).unwrap();
    let away = with(call(), "HF_ENDPOINT", "http://127.0.0.1:9");
    away.run().succeeds();
    hub.set(Mood::Down);
    call().run().succeeds();
    hub.set(Mood::Well);
    hub.asked();
    with(call(), "HF_HUB_OFFLINE", "1").run().succeeds();
    call().run().succeeds();
    assert_eq!(hub.asked().len(), 1);
    call().run().succeeds();
    assert_eq!(hub.asked().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_grow() {
    let place = Place::new();
    let hub = Hub::of(&model());
    // Blocks of 512 bytes: the limit stops the download in the middle of the weights.
    let script = format!("trap '' XFSZ; ulimit -f 60; exec \"$0\" model {ID}");
    let mut limited = place.shell(&script);
    limited.command.env_remove("HF_HUB_OFFLINE");
    let run = with(limited, "HF_ENDPOINT", &hub.endpoint).run().fails();
    run.says(&["downloading tokenizer.json", ".incomplete", "HF_HOME"]);
    let offline = place.colidx(&["model", ID]).run().fails();
    offline.says(&["has no complete checkpoint"]);
    colidx(&place, &hub, &["model", ID]).run().succeeds();
}

#[test]
fn the_cache_may_be_elsewhere() {
    let place = Place::new();
    let hub = Hub::of(&model());
    let cache = place.path("elsewhere").display().to_string();
    let call = || with(colidx(&place, &hub, &["model", ID]), "HF_HUB_CACHE", &cache);
    call().run().succeeds();
    assert!(place.path("elsewhere/models--owner--tiny-bert").is_dir());
    assert!(!place.path("hf").exists());
    place.write("elsewhere/file", "");
    let file = place.path("elsewhere/file").display().to_string();
    let run = with(colidx(&place, &hub, &["model", ID]), "HF_HUB_CACHE", &file).run();
    run.fails().says(&["HF_HOME"]);
}
