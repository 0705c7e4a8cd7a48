//! SIGKILL at any moment of a build over an index leaves the old index or the new one, intact.
//!
//! Five times, or `COLIDX_TEST_TIMES` times five.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Colidx, Place, model};

/// Documents of one corpus: their keys begin with its name, so that hits tell whose they are.
fn corpus(name: &str, documents: usize) -> String {
    const TEXTS: [&str; 4] = [
        "Rust is a fast language for computer code and system memory.",
        "Tea and coffee are food for the body.",
        "The moon and the earth go around the sun, and light is most of the energy.",
        "The protein and the gene have an effect on cancer and disease.",
    ];
    (0..documents)
        .map(|n| {
            let text = format!("{} {}", TEXTS[n % 4], TEXTS[n / 4 % 4]);
            format!("{{\"_id\": \"{name}-{n}\", \"title\": \"{n}\", \"text\": \"{text}\"}}\n")
        })
        .collect()
}

fn build(place: &Place, name: &str) -> Colidx {
    let corpus = format!("{name}.jsonl");
    let arguments = [
        "build", &corpus, "--index", "x.colidx", "--force", "--model",
    ];
    place.colidx(&arguments).arg(model())
}

/// What the index answers, after every byte of it was checked.
fn answer(place: &Place) -> String {
    let run = |arguments: &[&str]| place.colidx(arguments).run().succeeds();
    run(&["verify", "--index", "x.colidx"]);
    run(&[
        "search",
        "--index",
        "x.colidx",
        "--json",
        "the sun and the moon",
    ])
    .stdout
}

#[test]
fn a_killed_build_leaves_the_index_that_was_there_or_the_new_one() {
    let times = std::env::var("COLIDX_TEST_TIMES").map_or(1, |n| n.parse().expect("a number"));
    let kills = 5 * times;
    let place = Place::new();
    let mut answers = Vec::new();
    let mut longest = Duration::ZERO;
    for name in ["a", "b"] {
        place.write(&format!("{name}.jsonl"), corpus(name, 400));
        let began = Instant::now();
        build(&place, name).run().succeeds();
        longest = longest.max(began.elapsed());
        answers.push(answer(&place));
    }
    assert_ne!(answers[0], answers[1]);

    let mut now = 1;
    let (mut replaced, mut state) = (0, 12345u64);
    for kill in 0..kills {
        let next = 1 - now;
        let mut child = build(&place, ["a", "b"][next])
            .command
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        // Golden-ratio sequence: spreads the moments evenly over the build and a little more.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        sleep(longest.mul_f64(1.1 * (state as f64 / u64::MAX as f64)));
        child.kill().expect("the child can be killed");
        child.wait().expect("the child ends");
        let found = answer(&place);
        if found == answers[next] {
            now = next;
            replaced += 1;
        }
        assert!(found == answers[now], "kill {kill} left neither index");
    }
    println!("{kills} kills, {replaced} after the commit, none left another index");
    // What killed builds left behind is no obstacle, and goes.
    build(&place, "a").run().succeeds();
    assert_eq!(answer(&place), answers[0]);
    let files = std::fs::read_dir(place.path("x.colidx")).expect("the index is there");
    assert_eq!(files.count(), 10, "lock, manifest and eight files");
}
