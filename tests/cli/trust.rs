//! Changes to an index during a command, and damaged indexes: no command loses an intact index.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Place, Run};

/// An `add` that has taken the index and waits for its document.
struct Waiting {
    child: Child,
}

impl Waiting {
    fn start(place: &Place) -> Waiting {
        let mut add = place.colidx(&["add", "-", "--index", "x.colidx"]);
        add.command.stdin(Stdio::piped());
        let child = add.command.spawn().expect("the binary runs");
        let began = Instant::now();
        while !is_locked(place) {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "no lock is taken"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Waiting { child }
    }

    fn finish(mut self, document: &str) -> Run {
        let mut input = self.child.stdin.take().expect("input is piped");
        // What has failed already reads no more.
        let _ = input.write_all(document.as_bytes());
        drop(input);
        Run::new(self.child.wait_with_output().expect("the child ends"))
    }
}

fn is_locked(place: &Place) -> bool {
    let lock = File::open(place.path("x.colidx/lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

const LATE: &str = "{\"_id\": \"late\", \"text\": \"the sun and the moon\"}\n";

fn verify(place: &Place, index: &str) {
    place.colidx(&["verify", "--index", index]).run().succeeds();
}

#[test]
fn an_index_that_takes_the_place_of_another_is_left_alone() {
    let place = Place::with_index();
    fs::rename(place.path("x.colidx"), place.path("next")).expect("it can be renamed");
    place.write("one.jsonl", "{\"_id\": \"one\", \"text\": \"the sun\"}\n");
    place.build("one.jsonl").succeeds();
    let writer = Waiting::start(&place);
    fs::rename(place.path("x.colidx"), place.path("old")).expect("it can be renamed");
    fs::rename(place.path("next"), place.path("x.colidx")).expect("it can be renamed");
    writer.finish(LATE).fails().says(&["x.colidx", "moved"]);
    verify(&place, "x.colidx");
    verify(&place, "old");
    let keys = place.keys("the sun and the moon");
    assert_eq!((keys.len(), &keys[0][..]), (4, "moon"));
}

#[test]
fn a_lock_that_is_removed_loses_no_commit() {
    let place = Place::with_index();
    // Nobody comes in its place: the writer goes on.
    let writer = Waiting::start(&place);
    fs::remove_file(place.path("x.colidx/lock")).expect("it can be removed");
    writer.finish(LATE).succeeds();
    assert!(place.keys("the sun and the moon").contains(&"late".into()));

    // Another writer does.
    let writer = Waiting::start(&place);
    fs::remove_file(place.path("x.colidx/lock")).expect("it can be removed");
    let other = place.colidx(&["delete", "late", "--index", "x.colidx"]);
    other.run().succeeds();
    writer
        .finish("{\"_id\": \"later\", \"text\": \"the sun\"}\n")
        .fails()
        .says(&["changed"]);
    verify(&place, "x.colidx");
    let keys = place.keys("the sun and the moon");
    assert_eq!(keys.len(), 4, "{keys:?}");
}

#[test]
fn an_index_without_its_manifest_is_no_unfinished_build() {
    let place = Place::with_index();
    let manifest = fs::read(place.path("x.colidx/manifest")).expect("it is there");
    fs::remove_file(place.path("x.colidx/manifest")).expect("it can be removed");
    let commands: [&[&str]; 6] = [
        &["search", "--index", "x.colidx", "moon"],
        &["info", "--index", "x.colidx"],
        &["verify", "--index", "x.colidx"],
        &["delete", "tea", "--index", "x.colidx"],
        &["compact", "--index", "x.colidx"],
        &["add", "corpus.jsonl", "--index", "x.colidx"],
    ];
    for command in commands {
        let run = place.colidx(command).run().fails();
        run.says(&["no `manifest`", "restore the manifest"]);
    }
    place
        .build("corpus.jsonl")
        .fails()
        .says(&["no `manifest`", "force"]);
    place.build_with("corpus.jsonl", &["--resume"]).fails();
    place.write("x.colidx/manifest", &manifest);
    verify(&place, "x.colidx");
    assert_eq!(place.keys("the moon").len(), 4);
    fs::remove_file(place.path("x.colidx/manifest")).expect("it can be removed");
    place.build_with("corpus.jsonl", &["--force"]).succeeds();
    verify(&place, "x.colidx");
}

#[test]
fn a_journal_that_cannot_be_read_names_the_way_out() {
    let place = Place::with_index();
    place.write("x.colidx/build.journal", "junk");
    verify(&place, "x.colidx");
    let run = place
        .colidx(&["delete", "tea", "--index", "x.colidx"])
        .run();
    run.fails().says(&["build.journal", "Remove the file"]);
    fs::remove_file(place.path("x.colidx/build.journal")).expect("it can be removed");
    place
        .colidx(&["delete", "tea", "--index", "x.colidx"])
        .run()
        .succeeds();
    fs::create_dir(place.path("x.colidx/build.journal")).expect("it can be made");
    place.build_with("corpus.jsonl", &["--force"]).succeeds();
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_no_file_is_refused_and_not_followed() {
    let place = Place::with_index();
    let lock = place.path("x.colidx/lock");
    fs::remove_file(&lock).expect("it can be removed");
    std::os::unix::fs::symlink("../made-elsewhere", &lock).expect("links can be made");
    let delete = || {
        place
            .colidx(&["delete", "tea", "--index", "x.colidx"])
            .run()
    };
    delete().fails().says(&["lock"]);
    assert!(!place.path("made-elsewhere").exists());
    fs::remove_file(&lock).expect("it can be removed");
    fs::create_dir(&lock).expect("it can be made");
    delete().fails().says(&["lock"]);
    fs::remove_dir(&lock).expect("it can be removed");
    delete().succeeds();
}

/// Concurrent writers: each commits or is told that another is writing; no commit is lost.
#[test]
fn of_many_writers_at_once_each_commits_or_is_refused() {
    let place = Place::with_index();
    let documents: Vec<String> = (0..12)
        .map(|writer| {
            let name = format!("w{writer}.jsonl");
            place.write(
                &name,
                format!("{{\"_id\": \"w{writer}\", \"text\": \"the sun\"}}\n"),
            );
            name
        })
        .collect();
    let mut expected = 4;
    let times = std::env::var("COLIDX_TEST_TIMES").map_or(1, |n| n.parse().expect("a number"));
    for round in 0..times {
        let children: Vec<Child> = documents
            .iter()
            .map(|name| {
                let mut update = place.colidx(&["update", name, "--index", "x.colidx"]);
                update.command.spawn().expect("the binary runs")
            })
            .collect();
        let mut committed = 0;
        for child in children {
            let run = Run::new(child.wait_with_output().expect("the child ends"));
            match run.code {
                Some(0) => committed += 1,
                _ => drop(run.fails().says(&["is being written by another writer"])),
            }
        }
        assert!(committed > 0);
        verify(&place, "x.colidx");
        let run = place
            .colidx(&["info", "--index", "x.colidx", "--json"])
            .run()
            .succeeds();
        let found = run.json()[0]["documents"].as_u64().expect("a number");
        // A writer that comes again replaces what it had added.
        assert!(
            found >= expected && found >= 4 + committed,
            "round {round}: {found}"
        );
        expected = found;
    }
    // Nobody is in the way of one who comes alone.
    place
        .colidx(&["update", "w0.jsonl", "--index", "x.colidx"])
        .run()
        .succeeds();
}
