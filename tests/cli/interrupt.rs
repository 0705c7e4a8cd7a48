//! Signals that ask to end, in the middle of work and of waiting.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{CORPUS, Place, model};

pub fn interrupt(child: &Child) {
    send(child, "INT");
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

/// Waits for the end, but not forever.
pub fn end_of(child: &mut Child) -> Option<i32> {
    let ended = end_within(child, Duration::from_secs(60));
    ended.expect("the build did not stop").code()
}

fn end_within(child: &mut Child, time: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < time {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return Some(status);
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().expect("the child can be killed");
    child.wait().expect("the child can be waited for");
    None
}

/// A pipe with a name.
fn fifo(place: &Place, name: &str) {
    let made = Command::new("mkfifo").arg(place.path(name)).status();
    assert!(made.expect("mkfifo runs").success());
}

/// Everything that waits for someone to write or to type.
const WAITS: &[&str] = &[
    "build - --index new --model MODEL",
    "build fifo.jsonl --index new --model MODEL",
    "build corpus.jsonl fifo.jsonl --index new --model MODEL",
    "build held.jsonl --index new --model MODEL",
    "add - --index x.colidx",
    "add fifo.jsonl --index x.colidx",
    "update - --index x.colidx",
    "update held.jsonl --index x.colidx",
    "delete --keys - --index x.colidx",
    "delete --keys fifo.jsonl --index x.colidx",
    "encode - --model MODEL --out new",
    "encode fifo.jsonl --model MODEL --out new",
    "encode - --as queries --model MODEL --out new",
    "encode held.jsonl --as queries --model MODEL --out new",
    "search --queries - --index x.colidx",
    "search --queries fifo.jsonl --index x.colidx",
    "search --index x.colidx",
    "eval --queries - --qrels qrels.tsv --index x.colidx",
    "eval --queries corpus.jsonl --qrels fifo.jsonl --index x.colidx",
    "bench --queries - --index x.colidx",
];

#[test]
fn one_signal_ends_any_wait() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let mut waiting = Vec::new();
        for line in WAITS {
            let place = Place::with_index();
            fifo(&place, "fifo.jsonl");
            fifo(&place, "held.jsonl");
            place.write("qrels.tsv", "moon\tmoon\t1\n");
            // Open for writing, by a process that never writes.
            let held = std::fs::File::options()
                .read(true)
                .write(true)
                .open(place.path("held.jsonl"))
                .expect("a pipe opens");
            let model = model().display().to_string();
            let words: Vec<&str> = line.split(' ').collect();
            let words: Vec<&str> = words
                .into_iter()
                .map(|word| if word == "MODEL" { &model } else { word })
                .collect();
            let mut command = place.colidx(&words).command;
            let child = command.stdin(Stdio::piped()).spawn();
            waiting.push((line, child.expect("the binary runs"), place, held));
        }
        sleep(Duration::from_millis(1500));
        for (line, child, ..) in &mut waiting {
            let ended = child.try_wait().expect("the child can be asked");
            assert_eq!(ended, None, "{line} does not wait");
            send(child, name);
        }
        for (line, child, place, _held) in &mut waiting {
            let ended = end_within(child, Duration::from_secs(10));
            let ended = ended.unwrap_or_else(|| panic!("{line} goes on after SIG{name}"));
            let by_signal = ended.signal() == Some(number);
            assert!(
                by_signal || ended.code() == Some(128 + number),
                "{line}, SIG{name}: {ended}"
            );
            let left = std::fs::read_dir(place.path("new")).map_or(0, Iterator::count);
            assert_eq!(left, 0, "files are left of {line}, SIG{name}");
        }
    }
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let place = Place::with_index();
    for command in [
        "build - --index new --model \"$MODEL\"",
        "add - --replace --index x.colidx",
        "encode - --model \"$MODEL\" --out vectors",
    ] {
        let script = format!("trap '' HUP INT TERM; exec \"$0\" {command}");
        let mut child = place.shell(&script).command;
        let mut child = child.stdin(Stdio::piped()).spawn().expect("sh runs");
        sleep(Duration::from_millis(800));
        for signal in ["HUP", "INT", "TERM", "INT"] {
            send(&child, signal);
        }
        sleep(Duration::from_millis(200));
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        stdin.write_all(CORPUS.as_bytes()).expect("it is read");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let run = crate::harness::Run::new(output).succeeds();
        assert!(!run.stderr.contains("stopping"), "{command}: {run:#?}");
    }
}

#[test]
fn no_file_of_an_index_is_waited_for() {
    let names = std::fs::read_dir(Place::with_index().path("x.colidx"))
        .expect("the index is there")
        .map(|entry| entry.expect("an entry").file_name());
    for name in names {
        let place = Place::with_index();
        let path = format!("x.colidx/{}", name.display());
        std::fs::remove_file(place.path(&path)).expect("the file is there");
        fifo(&place, &path);
        for command in ["delete tea", "compact", "verify"] {
            let words: Vec<&str> = command.split(' ').collect();
            let mut command = place.colidx(&words).args(&["--index", "x.colidx"]).command;
            let mut child = command.spawn().expect("the binary runs");
            let ended = end_within(&mut child, Duration::from_secs(20));
            let ended = ended.unwrap_or_else(|| panic!("{words:?} waits for {path}"));
            // `verify` takes no lock.
            let expected = i32::from(name != *"lock" || words[0] != "verify");
            assert_eq!(ended.code(), Some(expected), "{words:?}, {path}");
        }
    }
}

#[test]
fn no_file_of_vectors_is_waited_for() {
    for name in ["doc_embeddings.npy", "doc_lens.npy", "doc_keys.txt"] {
        let place = Place::with_index();
        let encode = ["encode", "corpus.jsonl", "--out", "v", "--model"];
        place.colidx(&encode).arg(model()).run().succeeds();
        let path = format!("v/{name}");
        std::fs::remove_file(place.path(&path)).expect("the file is there");
        fifo(&place, &path);
        let build = ["build", "--embeddings", "v", "--index", "new"];
        let mut child = place.colidx(&build).command.spawn().expect("it runs");
        sleep(Duration::from_millis(500));
        // Keys may come from a pipe. What has to be read at places of its choice may not.
        if name == "doc_keys.txt" {
            interrupt(&child);
        }
        let ended = end_within(&mut child, Duration::from_secs(20));
        let code = ended
            .unwrap_or_else(|| panic!("{name} is waited for"))
            .code();
        assert!(code.is_none_or(|code| code == 1 || code == 130), "{code:?}");
    }
}

#[test]
fn while_reading() {
    let place = Place::new();
    let mut build = place
        .colidx(&["build", "-", "--index", "x.colidx", "--model"])
        .arg(model());
    let mut child = build
        .command
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin.write_all(CORPUS.as_bytes()).expect("the build reads");
    // The directory is made when reading begins.
    let began = Instant::now();
    while !place.path("x.colidx").exists() && began.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    sleep(Duration::from_millis(100));
    drop(stdin);
    assert_eq!(end_of(&mut child), Some(130));
    let mut said = String::new();
    child
        .stderr
        .take()
        .expect("standard error is a pipe")
        .read_to_string(&mut said)
        .expect("it is UTF-8");
    assert!(
        said.contains("interrupted") && said.contains("no index was built"),
        "{said}"
    );
    place.has_no_index();
}

#[test]
fn while_encoding_over_an_index_that_stays() {
    let place = Place::with_index();
    let text = "the moon and the sun and the star ".repeat(8);
    let corpus: String = (0..40_000)
        .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"{text}\"}}\n"))
        .collect();
    place.write("large.jsonl", corpus);
    let mut build = place
        .colidx(&[
            "build",
            "large.jsonl",
            "--index",
            "x.colidx",
            "--force",
            "--model",
        ])
        .arg(model());
    let mut child = build.command.spawn().expect("the binary runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
    let mut said = String::new();
    while !said.contains("reading: ") {
        assert!(
            stderr.read_line(&mut said).expect("it is UTF-8") > 0,
            "{said}"
        );
    }
    sleep(Duration::from_millis(200));
    interrupt(&child);
    assert_eq!(end_of(&mut child), Some(130), "{said}");
    stderr.read_to_string(&mut said).expect("it is UTF-8");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(place.keys("moon").len(), 4);
    place
        .colidx(&["verify", "--index", "x.colidx"])
        .run()
        .succeeds();
    // Whoever begins anew gives up what was kept.
    place.write("small.jsonl", CORPUS);
    place.build_with("small.jsonl", &["--force"]).succeeds();
    let files = std::fs::read_dir(place.path("x.colidx")).expect("the index is there");
    assert_eq!(files.count(), 10, "lock, manifest and eight files");
}

/// A run has a temporary name until it is complete: a signal leaves neither a partial run nor the
/// temporary file.
#[test]
fn a_run_that_is_stopped_leaves_nothing() {
    let place = Place::with_index();
    let queries: String = (0..20_000)
        .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"the sun and the moon {n}\"}}\n"))
        .collect();
    place.write("queries.jsonl", queries);
    let arguments = [
        "search",
        "--index",
        "x.colidx",
        "--queries",
        "queries.jsonl",
        "--run-out",
        "run/of.trec",
    ];
    std::fs::create_dir(place.path("run")).expect("it can be made");
    let mut child = place.colidx(&arguments).command.spawn().expect("it runs");
    let files = || {
        std::fs::read_dir(place.path("run"))
            .expect("it is there")
            .count()
    };
    let began = Instant::now();
    while files() == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "no run is begun");
        sleep(Duration::from_millis(2));
    }
    interrupt(&child);
    assert_eq!(end_of(&mut child), Some(130));
    assert_eq!(files(), 0);
}
