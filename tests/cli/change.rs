//! `add`, `update` and `delete`: an index that changes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{CORPUS, Place, Run, model};

pub const MORE: &str = r#"{"_id": "star", "title": "Stars", "text": "A star is a sun, and its light is energy."}
{"_id": "bread", "text": "Bread and milk and sugar are food."}
"#;

/// `colidx COMMAND ... --index x.colidx ...`
pub fn change(place: &Place, arguments: &[&str]) -> Run {
    place
        .colidx(&[arguments, &["--index", "x.colidx"]].concat())
        .run()
}

/// Flags for an index whose vectors decode so closely that a score identifies its text, even with a
/// codebook that was trained without that text. As many centroids as vectors would leave no
/// residuals to train on.
const CLOSE: [&str; 4] = ["--centroids", "4", "--nbits", "8"];

/// Tolerance of a score between codebooks. Texts differ by far more.
const NEAR: f64 = 0.03;

/// A place with [`CORPUS`] in `corpus.jsonl` and a close index of it in `x.colidx`.
pub fn close_place() -> Place {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place.build_with("corpus.jsonl", &CLOSE).succeeds();
    place
}

/// The scores of all hits, by query and by key, each beside its text.
pub type Scores = BTreeMap<(String, String), (f64, String)>;

fn scores(place: &Place, index: &str, queries: &str, more: &[&str]) -> Scores {
    let search = ["search", "--json", "-k", "1000", "--queries", queries];
    let run = place
        .colidx(&[&search, &["--index", index][..], more].concat())
        .run()
        .succeeds();
    let mut scores = Scores::new();
    let mut last = (String::new(), f64::INFINITY);
    for hit in run.json() {
        let [query, key, text] =
            ["query", "key", "text"].map(|field| hit[field].as_str().unwrap().to_owned());
        let score = hit["score"].as_f64().unwrap();
        assert!(query != last.0 || score <= last.1, "not best first: {hit}");
        last = (query.clone(), score);
        let before = scores.insert((query, key), (score, text));
        assert_eq!(before, None, "a key came twice");
    }
    scores
}

/// Asserts that an index ranks documents like one built of just these, by default and exactly. Each
/// document's own text is among the queries.
#[track_caller]
pub fn ranks_as_built_of(place: &Place, documents: &[String]) -> Scores {
    place.write("now.jsonl", documents.join("\n"));
    let parsed = documents.iter().map(|line| {
        let document: Value = serde_json::from_str(line).unwrap();
        document["text"].as_str().unwrap().to_owned()
    });
    let others = ["light", "the sun", "food for the body"].map(str::to_owned);
    let queries = (0..).zip(others.into_iter().chain(parsed));
    let queries = queries.map(|(id, text): (u32, _)| json!({"_id": id.to_string(), "text": text}));
    let queries: Vec<String> = queries.map(|query| query.to_string()).collect();
    place.write("queries.jsonl", queries.join("\n"));
    place
        .colidx(&["build", "now.jsonl", "--index", "now.colidx", "--force"])
        .args(&CLOSE)
        .arg("--model")
        .arg(model())
        .run()
        .succeeds();
    let expected = scores(place, "now.colidx", "queries.jsonl", &["--exact"]);
    assert_eq!(expected.len(), queries.len() * documents.len());
    let exact = scores(place, "x.colidx", "queries.jsonl", &["--exact"]);
    let usual = scores(place, "x.colidx", "queries.jsonl", &[]);
    assert_eq!(usual, exact);
    assert!(exact.keys().eq(expected.keys()), "{exact:#?}");
    for ((at, (score, text)), (expected, of)) in exact.iter().zip(expected.values()) {
        assert_eq!(text, of, "{at:?}");
        assert!(
            (score - expected).abs() < NEAR,
            "{at:?}: {score}, built {expected}"
        );
    }
    exact
}

/// The lines of [`CORPUS`] and `more` without some keys; the last line of a key counts.
pub fn left(more: &str, without: &[&str]) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for line in CORPUS.lines().chain(more.lines()) {
        let document: Value = serde_json::from_str(line).unwrap();
        let key = document["_id"].as_str().unwrap().to_owned();
        lines.retain(|(other, _)| *other != key);
        lines.push((key, line.to_owned()));
    }
    lines.retain(|(key, _)| !without.contains(&&key[..]));
    lines.into_iter().map(|(_, line)| line).collect()
}

pub fn info(place: &Place) -> serde_json::Value {
    let run = change(place, &["info", "--json"]).succeeds();
    change(place, &["verify"]).succeeds();
    run.json().remove(0)
}

#[test]
fn what_is_added_is_found_beside_what_was_there() {
    let place = close_place();
    place.write("more.jsonl", MORE);
    // The checkpoint is found again where the index says that it is.
    let run = change(&place, &["add", "more.jsonl"]).succeeds();
    assert_eq!(run.stdout, "");
    run.says(&[
        "2 documents added, 0 of them replacements; 6 documents in 2 segments",
        "fit: mean squared error",
        "time: encode",
    ]);
    ranks_as_built_of(&place, &left(MORE, &[]));
    assert_eq!(place.keys("Bread and milk and sugar are food")[0], "bread");
    assert_eq!(place.keys("Tea and coffee are food for the body")[0], "tea");
    let info = info(&place);
    assert_eq!(
        (&info["documents"], &info["generation"]),
        (&6.into(), &2.into())
    );
    assert_eq!(info["segments"].as_array().unwrap().len(), 2);
    let page = change(&place, &["info"]).succeeds().stdout;
    assert!(
        page.contains("of the sample's") && page.contains(" times"),
        "{page}"
    );
}

#[test]
fn a_key_that_is_there_is_an_error_unless_it_is_to_be_replaced() {
    let place = close_place();
    let line = "{\"_id\": \"moon\", \"text\": \"Bread and milk.\"}\n";
    let again = [line, MORE].concat();
    place.write("again.jsonl", &again);
    change(&place, &["add", "again.jsonl"])
        .fails()
        .says(&["again.jsonl:1", "`moon`", "--replace"]);
    assert_eq!(info(&place)["generation"], 1, "nothing of it was added");
    let before = ranks_as_built_of(&place, &left("", &[]));
    change(&place, &["add", "again.jsonl", "--skip-bad-lines"])
        .succeeds()
        .says(&["2 documents added", "skipped: 1 bad line", "`moon`"]);
    ranks_as_built_of(&place, &left(MORE, &[]));
    let run = change(&place, &["add", "again.jsonl", "--replace", "--json"]).succeeds();
    let done = run.json().remove(0);
    assert_eq!((&done["added"], &done["replaced"]), (&3.into(), &3.into()));
    assert_eq!(done["documents"], 6);
    let after = ranks_as_built_of(&place, &left(&again, &[]));
    let moon = |scores: &Scores| scores[&("0".to_owned(), "moon".to_owned())].0;
    let moved = (moon(&before) - moon(&after)).abs();
    assert!(
        moved > 2.0 * NEAR,
        "another text could not be told: {moved}"
    );
    assert_eq!(info(&place)["documents"], 6);
}

#[test]
fn an_update_replaces_and_adds_and_the_last_of_a_key_counts() {
    let place = close_place();
    let again = "{\"_id\": \"star\", \"text\": \"Milk and milk.\"}\n";
    let more = [MORE, again].concat();
    place.write("more.jsonl", &more);
    change(&place, &["update", "more.jsonl"]).succeeds().says(&[
        "2 documents added, 0 of them",
        "replaced: 1 document by a later one",
    ]);
    ranks_as_built_of(&place, &left(&more, &[]));
    let tea = "{\"_id\": \"tea\", \"text\": \"The sun.\"}";
    place.write("tea.jsonl", tea);
    change(&place, &["update", "tea.jsonl"])
        .succeeds()
        .says(&["1 document added, 1 of them replacements; 6 documents"]);
    ranks_as_built_of(&place, &left(&[&more, tea].concat(), &[]));
}

#[test]
fn what_is_deleted_is_not_found() {
    let place = close_place();
    place.write("keys.txt", "moon\r\n\ntea\n");
    change(&place, &["delete", "rust", "--keys", "keys.txt"])
        .succeeds()
        .says(&["3 documents deleted, 1 left"]);
    assert_eq!(place.keys("Tea and coffee are food for the body"), ["cell"]);
    change(&place, &["explain", "moon", "moon"])
        .fails()
        .says(&["`moon`"]);
    assert_eq!(info(&place)["documents"], 1);
    ranks_as_built_of(&place, &left("", &["moon", "tea", "rust"]));
    change(&place, &["delete", "cell"]).succeeds();
    assert!(place.keys("moon").is_empty());
    // An index of nothing takes documents as any other.
    place.write("more.jsonl", MORE);
    change(&place, &["add", "more.jsonl"]).succeeds();
    ranks_as_built_of(&place, &left(MORE, &["rust", "tea", "moon", "cell"]));
    info(&place);
}

#[test]
fn a_key_that_is_not_there_deletes_nothing() {
    let place = Place::with_index();
    change(&place, &["delete", "moon", "mars"])
        .fails()
        .says(&["no document has the key `mars`"]);
    place.write("keys.txt", "moon\nmars\n");
    change(&place, &["delete", "--keys", "keys.txt"])
        .fails()
        .says(&["keys.txt:2", "`mars`"]);
    assert_eq!(place.keys("moon").len(), 4);
    let run = place
        .colidx(&[
            "delete",
            "--index",
            "x.colidx",
            "--keys",
            "-",
            "--skip-missing",
            "--json",
        ])
        .input("moon\nmars\nmoon\n")
        .run()
        .succeeds()
        .says(&["1 document deleted, 3 left", "skipped: 1 key"]);
    let done = run.json().remove(0);
    assert_eq!((&done["deleted"], &done["missing"]), (&1.into(), &1.into()));
    change(&place, &["delete"]).refuses_usage();
}

#[test]
fn vectors_are_added_to_vectors_and_text_to_text() {
    let place = Place::with_index();
    place.write("more.jsonl", MORE);
    let encode = |corpus: &str, out: &str| {
        place
            .colidx(&["encode", corpus, "--out", out, "--model"])
            .arg(model())
            .run()
            .succeeds();
    };
    encode("corpus.jsonl", "vectors");
    encode("more.jsonl", "more");
    let built = ["build", "--embeddings", "vectors", "--index", "v.colidx"];
    place.colidx(&built).run().succeeds();
    let add = ["add", "--embeddings", "more", "--index"];
    place
        .colidx(&add)
        .arg("v.colidx")
        .run()
        .succeeds()
        .says(&["2 documents added"]);
    let info = ["info", "--json", "--index", "v.colidx"];
    let info = place.colidx(&info).run().succeeds().json().remove(0);
    assert_eq!(info["documents"], 6);
    // What made these vectors is not known.
    place
        .colidx(&add)
        .arg("x.colidx")
        .run()
        .fails()
        .says(&["cannot be compared"]);
    let text = ["add", "more.jsonl", "--index", "v.colidx", "--replace"];
    place
        .colidx(&text)
        .run()
        .fails()
        .says(&["--model", "--embeddings"]);
    let retrain = [
        "compact",
        "--retrain",
        "--from-text",
        "--index",
        "v.colidx",
        "--model",
    ];
    place
        .colidx(&retrain)
        .arg(model())
        .run()
        .fails()
        .says(&["does not store the text"]);
}

#[test]
fn another_checkpoint_is_refused() {
    let place = Place::with_index();
    place.write("more.jsonl", MORE);
    let other = model().with_file_name("tiny-bert-dense");
    place
        .colidx(&["add", "more.jsonl", "--index", "x.colidx", "--model"])
        .arg(other)
        .run()
        .fails()
        .says(&["is not the one that made"]);
    change(&place, &["add", "more.jsonl", "--index", "none.colidx"]).refuses_usage();
    place
        .colidx(&["delete", "moon", "--index", "none.colidx"])
        .run()
        .fails()
        .says(&["holds no colidx index"]);
}

#[test]
fn the_prompt_moves_on_when_told() {
    let place = Place::with_index();
    let mut search = place.colidx(&["search", "--index", "x.colidx", "--json", "-k", "9"]);
    let mut child = search.command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut hits = |command: &str, count: usize| {
        writeln!(stdin, "{command}moon").unwrap();
        for _ in 0..count {
            lines.next().unwrap().unwrap();
        }
    };
    hits("", 4);
    place.write("more.jsonl", MORE);
    change(&place, &["add", "more.jsonl"]).succeeds();
    hits("", 4);
    hits(":reload\n", 6);
    drop(stdin);
    let rest = child.wait_with_output().unwrap();
    let told = String::from_utf8(rest.stderr).unwrap();
    assert!(told.contains("generation 2: 6 documents"), "{told}");
}

#[test]
fn a_writer_in_the_way_is_told() {
    let place = Place::with_index();
    // `add` holds the index while it reads its corpus.
    let mut add = place.colidx(&["add", "-", "--index", "x.colidx"]);
    let mut child = add.command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (first, rest) = MORE.split_once('\n').unwrap();
    writeln!(stdin, "{first}").unwrap();
    while !place.path("x.colidx/text-00000002.clx").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    change(&place, &["delete", "moon"])
        .fails()
        .says(&["being written by another writer"]);
    stdin.write_all(rest.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    change(&place, &["delete", "moon"]).succeeds();
    assert_eq!(place.keys("sun").len(), 5);
}
