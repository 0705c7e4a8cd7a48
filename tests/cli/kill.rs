//! SIGKILL at any moment of a build or a change leaves the old index or the new one, intact.
//!
//! Five times each, or `COLIDX_TEST_TIMES` times five.

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
            format!("{{\"_id\": \"{name}-{n}\", \"n\": {n}, \"text\": \"{text}\"}}\n")
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

/// What `arguments` print of the index, after every byte of it was checked.
fn answer(place: &Place, arguments: &[&str]) -> String {
    let run = |arguments: &[&str]| place.colidx(arguments).run().succeeds();
    run(&["verify", "--index", "x.colidx"]);
    run(&[arguments, &["--index", "x.colidx", "--json"]].concat()).stdout
}

/// Kills the change to one of two states, and from there to the other, again and again.
fn kill_between(place: &Place, change: &dyn Fn(usize) -> Colidx, answer: &dyn Fn() -> String) {
    let times = std::env::var("COLIDX_TEST_TIMES").map_or(1, |n| n.parse().expect("a number"));
    let kills = 5 * times;
    let mut answers = Vec::new();
    let mut longest = Duration::ZERO;
    for state in [0, 1] {
        let began = Instant::now();
        change(state).run().succeeds();
        longest = longest.max(began.elapsed());
        answers.push(answer());
    }
    assert_ne!(answers[0], answers[1]);

    let mut now = 1;
    let (mut committed, mut moment) = (0, 12345u64);
    for kill in 0..kills {
        let next = 1 - now;
        let mut child = change(next)
            .command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        // Golden-ratio sequence: spreads the moments evenly over the change and a little more.
        moment = moment.wrapping_add(0x9E37_79B9_7F4A_7C15);
        sleep(longest.mul_f64(1.1 * (moment as f64 / u64::MAX as f64)));
        child.kill().expect("the child can be killed");
        child.wait().expect("the child ends");
        let found = answer();
        if found == answers[next] {
            now = next;
            committed += 1;
        }
        assert!(found == answers[now], "kill {kill} left neither index");
    }
    println!("{kills} kills, {committed} after the commit, none left another index");
    // What killed commands left behind is no obstacle, and goes.
    change(1 - now).run().succeeds();
    assert_eq!(answer(), answers[1 - now]);
    place
        .colidx(&["compact", "--index", "x.colidx"])
        .run()
        .succeeds();
    let files = std::fs::read_dir(place.path("x.colidx")).expect("the index is there");
    assert!(files.count() <= 11, "lock, manifest and nine files");
}

#[test]
fn a_killed_build_leaves_the_index_that_was_there_or_the_new_one() {
    let place = Place::new();
    for name in ["a", "b"] {
        place.write(&format!("{name}.jsonl"), corpus(name, 400));
    }
    let change = |state| build(&place, ["a", "b"][state]);
    let search = ["search", "the sun and the moon"];
    kill_between(&place, &change, &|| answer(&place, &search));
}

#[test]
fn a_killed_compaction_leaves_the_words_that_were_there_or_the_new_ones() {
    let place = Place::new();
    place.write("a.jsonl", corpus("a", 400));
    build(&place, "a").run().succeeds();
    let compact = ["compact", "--index", "x.colidx", "--analyzer"];
    let change = |state: usize| place.colidx(&compact).arg(["plain", "english"][state]);
    // Only English makes one word of moon and moons.
    kill_between(&place, &change, &|| {
        answer(&place, &["search", "--lexical", "moons"])
    });
}

#[test]
fn a_killed_delete_or_add_is_whole_or_absent() {
    let place = Place::new();
    place.write("a.jsonl", corpus("a", 400));
    place.write("few.jsonl", corpus("a", 200));
    build(&place, "a").run().succeeds();
    let delete = ["delete", "--index", "x.colidx", "--filter", "n < 200"];
    let add = ["add", "few.jsonl", "--index", "x.colidx"];
    let change = |state: usize| place.colidx([&delete[..], &add[..]][state]);
    let keys = || {
        let found = answer(&place, &["search", "--lexical", "moon", "-k", "400"]);
        let mut keys: Vec<String> = (found.lines())
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("it is JSON"))
            .map(|hit| hit["key"].to_string())
            .collect();
        keys.sort();
        keys.join(" ")
    };
    kill_between(&place, &change, &keys);
}
