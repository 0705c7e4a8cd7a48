//! Ctrl-C while a build runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{CORPUS, Place, model};

pub fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

/// Waits for the end, but not forever.
pub fn end_of(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return status.code();
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().expect("the child can be killed");
    panic!("the build did not stop");
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
    assert_eq!(end_of(&mut child), Some(1));
    let mut said = String::new();
    child
        .stderr
        .take()
        .expect("standard error is a pipe")
        .read_to_string(&mut said)
        .expect("it is UTF-8");
    assert!(
        said.contains("interrupted") && said.contains("no index was made"),
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
    assert_eq!(end_of(&mut child), Some(1), "{said}");
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
    assert_eq!(files.count(), 9, "lock, manifest and seven files");
}
