//! `add`, `update`, `delete` and `compact`: an index that lives.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::harness::{Place, Run, model};

const MORE: &str = r#"{"_id": "star", "title": "Stars", "text": "A star is a sun, and its light is energy."}
{"_id": "bread", "text": "Bread and milk and sugar are food."}
"#;

/// `colidx COMMAND ... --index x.colidx ...`
fn change(place: &Place, arguments: &[&str]) -> Run {
    place
        .colidx(&[arguments, &["--index", "x.colidx"]].concat())
        .run()
}

fn info(place: &Place) -> serde_json::Value {
    let run = change(place, &["info", "--json"]).succeeds();
    change(place, &["verify"]).succeeds();
    run.json().remove(0)
}

#[test]
fn what_is_added_is_found_beside_what_was_there() {
    let place = Place::with_index();
    place.write("more.jsonl", MORE);
    // The checkpoint is found again where the index says that it is.
    let run = change(&place, &["add", "more.jsonl"]).succeeds();
    assert_eq!(run.stdout, "");
    run.says(&[
        "2 documents added, 0 of them in the place of others; 6 documents in 2 segments",
        "fit: mean squared error",
        "time: encode",
    ]);
    assert_eq!(place.keys("Bread and milk and sugar are food")[0], "bread");
    assert_eq!(place.keys("Tea and coffee are food for the body")[0], "tea");
    assert_eq!(place.keys("moon").len(), 6);
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
    let place = Place::with_index();
    let line = "{\"_id\": \"moon\", \"text\": \"Bread and milk.\"}\n";
    place.write("again.jsonl", [line, MORE].concat());
    change(&place, &["add", "again.jsonl"])
        .fails()
        .says(&["again.jsonl:1", "`moon`", "--replace"]);
    assert_eq!(info(&place)["generation"], 1, "nothing of it was added");
    change(&place, &["add", "again.jsonl", "--skip-bad-lines"])
        .succeeds()
        .says(&["2 documents added", "skipped: 1 bad line", "`moon`"]);
    let run = change(&place, &["add", "again.jsonl", "--replace", "--json"]).succeeds();
    let done = run.json().remove(0);
    assert_eq!((&done["added"], &done["replaced"]), (&3.into(), &3.into()));
    assert_eq!(done["documents"], 6);
    let hits = place.keys("Bread and milk");
    assert!(hits[..2].contains(&"moon".to_owned()), "{hits:?}");
    assert_eq!(info(&place)["documents"], 6);
}

#[test]
fn an_update_replaces_and_adds_and_the_last_of_a_key_counts() {
    let place = Place::with_index();
    let again = "{\"_id\": \"star\", \"text\": \"Milk and milk.\"}\n";
    place.write("more.jsonl", [MORE, again].concat());
    change(&place, &["update", "more.jsonl"]).succeeds().says(&[
        "2 documents added, 0 of them",
        "replaced: 1 document that came again",
    ]);
    assert_eq!(place.keys("Milk and milk")[0], "star");
    place.write("tea.jsonl", "{\"_id\": \"tea\", \"text\": \"The sun.\"}");
    change(&place, &["update", "tea.jsonl"])
        .succeeds()
        .says(&["1 document added, 1 of them in the place of others; 6 documents"]);
    assert_eq!(place.keys("The sun")[0], "tea");
}

#[test]
fn what_is_deleted_is_not_found() {
    let place = Place::with_index();
    place.write("keys.txt", "moon\r\n\ntea\n");
    change(&place, &["delete", "rust", "--keys", "keys.txt"])
        .succeeds()
        .says(&["3 documents deleted, 1 left"]);
    assert_eq!(place.keys("Tea and coffee are food for the body"), ["cell"]);
    change(&place, &["explain", "moon", "moon"])
        .fails()
        .says(&["`moon`"]);
    assert_eq!(info(&place)["documents"], 1);
    change(&place, &["delete", "cell"]).succeeds();
    assert!(place.keys("moon").is_empty());
    // An index of nothing takes documents as any other.
    place.write("more.jsonl", MORE);
    change(&place, &["add", "more.jsonl"]).succeeds();
    assert_eq!(place.keys("bread").len(), 2);
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
fn compacting_reclaims_and_changes_no_hit() {
    let place = Place::with_index();
    place.write("more.jsonl", MORE);
    change(&place, &["add", "more.jsonl"]).succeeds();
    change(&place, &["delete", "cell"]).succeeds();
    let lines = |place: &Place| {
        let search = ["search", "--json", "light of the sun"];
        change(place, &search).succeeds().stdout
    };
    let before = lines(&place);
    let run = change(&place, &["compact", "--json"]).succeeds();
    let done = run.json().remove(0);
    assert_eq!(
        (&done["documents"], &done["reclaimed"]),
        (&5.into(), &1.into())
    );
    assert!(
        done["bytes"].as_u64() < done["bytes_before"].as_u64(),
        "{done}"
    );
    assert_eq!(lines(&place), before);
    assert_eq!(info(&place)["segments"].as_array().unwrap().len(), 1);
    let generation = info(&place)["generation"].clone();
    change(&place, &["compact"]).succeeds();
    assert_eq!(
        info(&place)["generation"],
        generation,
        "nothing was to be done"
    );
}

#[test]
fn a_codebook_can_be_learned_anew_from_vectors_and_from_text() {
    let place = Place::with_index();
    place.write("more.jsonl", MORE);
    change(&place, &["add", "more.jsonl"]).succeeds();
    for more in [&[][..], &["--from-text", "--centroids", "9"]] {
        let run = change(&place, &[&["compact", "--retrain"], more].concat()).succeeds();
        run.says(&["6 documents", "train"]);
        assert_eq!(place.keys("Bread and milk and sugar are food")[0], "bread");
        assert_eq!(info(&place)["segments"].as_array().unwrap().len(), 1);
    }
    assert_eq!(info(&place)["centroids"], 9);
    change(&place, &["compact", "--from-text"]).refuses_usage();
    change(&place, &["compact", "--centroids", "5"]).refuses_usage();
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
        .says(&["is not stored"]);
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
        write!(stdin, "{command}moon\n").unwrap();
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
    assert!(told.contains("commit 2: 6 documents"), "{told}");
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
        .says(&["being written by another process"]);
    stdin.write_all(rest.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    change(&place, &["delete", "moon"]).succeeds();
    assert_eq!(place.keys("sun").len(), 5);
}
