//! `compact`: fewer segments, no deleted documents, another codebook.

use std::ops::Range;

use serde_json::{Value, json};

use crate::change::{MORE, change, close_place, info, left, ranks_as_built_of};
use crate::harness::Place;

/// Enough that deleting one does not trigger a merge, which happens at a quarter.
const NOTES: &str = r#"{"_id": "n1", "text": "The dog and the cat are animals."}
{"_id": "n2", "text": "A river is water, and the ocean is, too."}
{"_id": "n3", "text": "Music and art have a history."}
{"_id": "n4", "text": "The king and the queen go to war."}
{"_id": "n5", "text": "Theory of number is mathematics."}
"#;

#[test]
fn compacting_reclaims_and_changes_no_hit() {
    let place = close_place();
    place.write("notes.jsonl", NOTES);
    place.write("more.jsonl", MORE);
    change(&place, &["add", "notes.jsonl"]).succeeds();
    change(&place, &["add", "more.jsonl"]).succeeds();
    change(&place, &["delete", "n3"]).succeeds();
    let documents = left(&[NOTES, MORE].concat(), &["n3"]);
    let before = ranks_as_built_of(&place, &documents);
    assert_eq!(info(&place)["segments"].as_array().unwrap().len(), 3);

    let run = change(&place, &["compact", "--json"]).succeeds();
    let done = run.json().remove(0);
    assert_eq!(
        (&done["documents"], &done["merged"], &done["reclaimed"]),
        (&10.into(), &3.into(), &1.into())
    );
    assert!(
        done["bytes"].as_u64() < done["bytes_before"].as_u64(),
        "{done}"
    );
    run.says(&["10 documents, 1 reclaimed; ", "was ", "time: merge"]);
    assert_eq!(ranks_as_built_of(&place, &documents), before);
    assert_eq!(info(&place)["segments"].as_array().unwrap().len(), 1);

    change(&place, &["delete", "n1", "tea"]).succeeds();
    let generation = info(&place)["generation"].as_u64();
    change(&place, &["compact"])
        .succeeds()
        .says(&["8 documents, 2 reclaimed; "]);
    let documents = left(&[NOTES, MORE].concat(), &["n3", "n1", "tea"]);
    ranks_as_built_of(&place, &documents);
    assert_eq!(
        info(&place)["generation"].as_u64(),
        generation.map(|g| g + 1)
    );

    let run = change(&place, &["compact", "--json"]).succeeds();
    let again = run.json().remove(0);
    assert_eq!(
        (&again["merged"], &again["reclaimed"]),
        (&0.into(), &0.into())
    );
    assert_eq!(again["generation"], info(&place)["generation"]);
    assert_eq!(again["bytes"], again["bytes_before"]);
    assert!(!run.stderr.contains("time:"), "nothing was done: {run:?}");
}

/// Enough documents that a search generates candidates instead of scoring all.
#[test]
fn what_was_changed_is_among_the_likely_as_what_was_built() {
    let place = Place::new();
    let words = "moon sun star earth ocean river tree bird fish dog cat horse city king queen book music art bread milk \
        coffee tea wine apple sugar salt heart brain hand eye";
    let words: Vec<&str> = words.split_whitespace().collect();
    let text = |n: usize| {
        let word = |at: usize| words[(n * n + 7 * n * at + at * at) % words.len()];
        (0..9).map(word).collect::<Vec<&str>>().join(" ")
    };
    let lines = |keys: Range<usize>, first_text: usize| -> String {
        let texts = (first_text..).map(text);
        keys.zip(texts)
            .map(|(key, text)| json!({"_id": key.to_string(), "text": text}).to_string() + "\n")
            .collect()
    };
    place.write("corpus.jsonl", lines(0..400, 0));
    place.write("added.jsonl", lines(400..600, 400));
    place.write("updated.jsonl", lines(50..90, 1050));
    let queries = (0..40).map(|n| json!({"_id": n.to_string(), "text": text(n * 17)}).to_string());
    place.write("queries.jsonl", queries.collect::<Vec<_>>().join("\n"));
    let more = ["--centroids", "64", "--nbits", "8"];
    place.build_with("corpus.jsonl", &more).succeeds();
    change(&place, &["add", "added.jsonl"]).succeeds();
    change(&place, &["update", "updated.jsonl"]).succeeds();

    let hits = |more: &[&str]| {
        let search = ["search", "--json", "-k", "5", "--queries", "queries.jsonl"];
        let run = change(&place, &[&search, more].concat()).succeeds();
        let fields = |hit: Value| ["query", "key", "score"].map(|field| hit[field].to_string());
        run.json().into_iter().map(fields).collect::<Vec<_>>()
    };
    let mut deleted = Vec::new();
    for then in ["delete", "compact", "nothing"] {
        let (truth, usual) = (hits(&["--exact"]), hits(&[]));
        assert_eq!((truth.len(), usual.len()), (200, 200));
        let found = truth.iter().filter(|hit| usual.contains(hit)).count();
        assert!(found >= 196, "{found} of 200");
        for [query, key, _] in truth.iter().chain(&usual) {
            assert!(!deleted.contains(key), "{key} for {query} was deleted");
        }
        match then {
            // The best of each query goes.
            "delete" => {
                deleted = truth.iter().step_by(5).map(|hit| hit[1].clone()).collect();
                let keys: Vec<&str> = deleted.iter().map(|key| key.trim_matches('"')).collect();
                place.write("keys.txt", keys.join("\n"));
                change(&place, &["delete", "--keys", "keys.txt"]).succeeds();
            }
            "compact" => drop(change(&place, &["compact"]).succeeds()),
            _ => (),
        }
    }
    change(&place, &["search", "--stats", "moon"])
        .succeeds()
        .says(&["64 centroids scored", " candidates, "]);
}

#[test]
fn a_codebook_can_be_learned_anew_from_vectors_and_from_text() {
    let place = close_place();
    let more = [NOTES, MORE].concat();
    place.write("more.jsonl", &more);
    change(&place, &["add", "more.jsonl"]).succeeds();
    change(&place, &["delete", "n2"]).succeeds();
    let ways: [(&[&str], u64); 2] = [
        (&["--centroids", "5"], 1),
        (&["--from-text", "--centroids", "9"], 0),
    ];
    for (way, reclaimed) in ways {
        let way = [&["compact", "--retrain", "--json"], way].concat();
        let run = change(&place, &way).succeeds();
        assert_eq!(run.json()[0]["reclaimed"], reclaimed);
        run.says(&[&format!("10 documents, {reclaimed} reclaimed"), "train"]);
        ranks_as_built_of(&place, &left(&more, &["n2"]));
        assert_eq!(place.keys("Bread and milk and sugar are food")[0], "bread");
        assert_eq!(info(&place)["segments"].as_array().unwrap().len(), 1);
    }
    assert_eq!(info(&place)["centroids"], 9);
    change(&place, &["compact", "--from-text"]).refuses_usage();
    change(&place, &["compact", "--centroids", "5"]).refuses_usage();
}
