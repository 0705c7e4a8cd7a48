//! `--memory`: what is too little is refused before anything is changed.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use crate::harness::{Place, Run, model};

fn on_index(place: &Place, arguments: &[&str]) -> Run {
    place
        .colidx(&[arguments, &["--index", "x.colidx"]].concat())
        .run()
}

/// What is in the folder of `x.colidx`.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.path("x.colidx")).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// That a command is refused the memory it is given, in words that name the least that would do, and changes nothing. Returns
/// the least.
#[track_caller]
fn refuses_little_memory(place: &Place, arguments: &[&str], memory: &str) -> String {
    let before = place.path("x.colidx").exists().then(|| files(place));
    let little = ["--threads", "1", "--memory", memory];
    let run = on_index(place, &[arguments, &little].concat()).fails();
    let said = format!("{memory} of memory is too little for ");
    let run = run.says(&[&said, " documents", "; give at least ", " (--memory)"]);
    match before {
        Some(before) => assert!(files(place) == before, "the index was changed"),
        None => place.has_no_index(),
    }
    let (_, least) = run.stderr.split_once("give at least ").unwrap();
    let (least, _) = least.split_once(' ').unwrap();
    least.to_owned()
}

#[test]
fn too_little_memory_is_refused_with_what_would_do() {
    let place = Place::new();
    let documents = |keys: Range<usize>| -> String {
        let line = |key| format!("{{\"_id\": \"{key}\", \"text\": \"the sun {key}\"}}\n");
        keys.map(line).collect()
    };
    place.write("corpus.jsonl", documents(0..200));
    place.write("more.jsonl", documents(200..300));
    let model = model();
    let build = ["build", "corpus.jsonl", "--model", model.to_str().unwrap()];
    let add = ["add", "more.jsonl"];
    let retrain = ["compact", "--retrain"];
    for (command, documents) in [
        (&build[..], 200),
        (&add, 300),
        // Both segments become one, and then the vectors of all are divided anew.
        (&["compact"], 300),
        (&retrain, 300),
    ] {
        let least = refuses_little_memory(&place, command, "1MiB");
        let mib: u32 = least.strip_suffix("MiB").unwrap().parse().unwrap();
        let less = format!("{}MiB", mib - 1);
        assert_eq!(refuses_little_memory(&place, command, &less), least);
        let enough = ["--threads", "1", "--memory", &least];
        on_index(&place, &[command, &enough].concat()).succeeds();
        on_index(&place, &["verify"]).succeeds();
        let info = on_index(&place, &["info", "--json"]).succeeds();
        assert_eq!(info.json()[0]["documents"], documents);
    }
}
