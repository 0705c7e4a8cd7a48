//! Builds that are stopped and resumed.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Place, Run, model};
use crate::interrupt::{end_of, interrupt};

const DOCUMENTS: usize = 1500;

/// A place with a corpus that takes a while, and its uninterrupted index in `whole.colidx`.
fn place() -> Place {
    let place = Place::new();
    let words = "the moon and the sun and the star and the light of the energy ".repeat(3);
    let corpus: String = (0..DOCUMENTS)
        .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"{n} {words}\"}}\n"))
        .collect();
    place.write("corpus.jsonl", corpus);
    build(&place, "whole.colidx", &[]).run().succeeds();
    place
}

fn build(place: &Place, index: &str, more: &[&str]) -> crate::harness::Colidx {
    place
        .colidx(&[
            "build",
            "corpus.jsonl",
            "--centroids",
            "32",
            "--index",
            index,
        ])
        .args(more)
        .arg("--model")
        .arg(model())
}

fn files(place: &Place, index: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.path(index)).expect("the index is there");
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("a name is UTF-8");
        (name, fs::read(entry.path()).expect("a file can be read"))
    };
    entries
        .map(|entry| file(entry.expect("an entry")))
        .collect()
}

/// Waits until something is so, or the build ends.
fn wait(child: &mut Child, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() && child.try_wait().expect("the child can be asked").is_none() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "nothing happens"
        );
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn ctrl_c_names_the_command_that_goes_on() {
    let place = place();
    let mut child = build(&place, "x.colidx", &[])
        .command
        .spawn()
        .expect("the binary runs");
    // Made when the sample is encoded.
    let lengths = place.path("x.colidx/sample.spool");
    wait(&mut child, || lengths.exists());
    interrupt(&child);
    end_of(&mut child);
    let output = child.wait_with_output().expect("the build has ended");
    let run = Run::new(output).stops_at_ctrl_c().says(&[
        "of 1,500 documents encoded and kept; to resume:",
        " --resume",
    ]);

    build(&place, "x.colidx", &[]).run().fails().says(&[
        "unfinished build",
        "of 1500 documents encoded",
        "--resume",
        "--force",
    ]);
    place
        .colidx(&["search", "--index", "x.colidx", "moon"])
        .run()
        .fails()
        .says(&["--resume"]);
    build(&place, "x.colidx", &["--resume", "--nbits", "2"])
        .run()
        .fails()
        .says(&["nbits = 4, this one 2"]);

    let command = run.stderr.lines().last().expect("a line").trim();
    let resumed = place.shell(command).run().succeeds();
    resumed.says(&["resumed: ", "1,500 documents"]);
    assert!(files(&place, "x.colidx") == files(&place, "whole.colidx"));
    build(&place, "x.colidx", &["--resume"])
        .run()
        .fails()
        .says(&["already holds an index"]);
}

/// A build asks for 256 documents at a time.
#[test]
fn what_was_encoded_of_the_first_batch_is_kept() {
    let place = Place::new();
    let words = "the moon and the sun and the star and the light of the energy ".repeat(20);
    let corpus: String = (0..250)
        .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"{n} {words}\"}}\n"))
        .collect();
    place.write("corpus.jsonl", corpus);
    build(&place, "whole.colidx", &[]).run().succeeds();
    let lengths = place.path("x.colidx/sample.spool");
    // Interrupt later and later, until some of the documents are encoded.
    for wait_for in (0..30).map(|n| Duration::from_millis(2 << (n % 9))) {
        let mut child = build(&place, "x.colidx", &["--threads", "1"])
            .command
            .spawn()
            .expect("the binary runs");
        wait(&mut child, || lengths.exists());
        sleep(wait_for);
        interrupt(&child);
        end_of(&mut child);
        let run = Run::new(child.wait_with_output().expect("the build has ended"));
        if run.stderr.contains("no index was made") {
            continue;
        }
        if run.code == Some(0) {
            // It was done before the signal came.
            fs::remove_dir_all(place.path("x.colidx")).expect("it can be removed");
            continue;
        }
        let run = run.stops_at_ctrl_c();
        let kept = run.stderr.split("interrupted; ").nth(1).expect("a count");
        let kept = kept.split(' ').next().expect("a count");
        let told = format!("resumed: {} already encoded", document(kept));
        let command = run.stderr.lines().last().expect("a line").trim();
        place.shell(command).run().succeeds().says(&[&told]);
        assert!(files(&place, "x.colidx") == files(&place, "whole.colidx"));
        return;
    }
    panic!("the build never encoded anything");
}

fn document(count: &str) -> String {
    format!("{count} document{}", if count == "1" { "" } else { "s" })
}

#[test]
fn a_killed_build_goes_further_each_time_and_ends_the_same() {
    let place = place();
    let path = place.path("x.colidx/build.journal");
    let (mut kills, mut encoded) = (0, 0u64);
    loop {
        let before = fs::read(&path).unwrap_or_default();
        let mut child = build(&place, "x.colidx", &["--resume", "--checkpoint", "0"])
            .command
            .spawn()
            .expect("the binary runs");
        // Its first journal says that it begins.
        let begun = |journal: &[u8]| journal.windows(12).any(|w| w == b"\"encoded\":0,");
        wait(&mut child, || {
            let now = fs::read(&path).unwrap_or_default();
            now != before && !begun(&now)
        });
        // At another moment of the work on a batch each time.
        sleep(Duration::from_millis(7 * kills));
        child.kill().expect("the build can be killed");
        child.wait().expect("the build has ended");
        if place.path("x.colidx/manifest").exists() {
            break;
        }
        kills += 1;
        let refused = build(&place, "x.colidx", &[]).run().fails();
        let told = refused
            .stderr
            .split("build: ")
            .nth(1)
            .expect("what is there");
        let now = told.split(' ').next().and_then(|n| n.parse().ok());
        assert!(now > Some(encoded), "{encoded} before: {told}");
        encoded = now.unwrap_or(encoded);
    }
    println!("{kills} kills, each run of the build went further");
    assert!(kills >= 3, "{kills}");
    // Killed after the commit, a build leaves what it would have removed.
    let found = files(&place, "x.colidx");
    for (name, bytes) in files(&place, "whole.colidx") {
        assert!(found.get(&name) == Some(&bytes), "{name}");
    }
}
