//! Searches among some of the documents, reranking, and the passages of hits.

use crate::harness::{Place, fields, model};

fn keys_of(lines: &[serde_json::Value]) -> Vec<&str> {
    lines.iter().filter_map(|hit| hit["key"].as_str()).collect()
}

#[test]
fn a_search_among_keys_finds_all_of_them_and_no_other() {
    let place = Place::with_index();
    place.write("keys.txt", "tea\nmoon\nunknown\n");
    let search = [
        "search", "--index", "x.colidx", "--json", "--keys", "keys.txt",
    ];
    let run = place.colidx(&search).arg("the moon").run().succeeds();
    let found = run.json();
    let mut keys = keys_of(&found);
    keys.sort_unstable();
    assert_eq!(keys, ["moon", "tea"]);
    run.says(&["1 key not in the index, such as `unknown`"]);

    place.write("none.txt", "nothing\n");
    let search = [
        "search", "--index", "x.colidx", "--keys", "none.txt", "the moon",
    ];
    let run = place.colidx(&search).run().fails();
    run.says(&["none.txt", "none of its keys", "`nothing`"]);
}

#[test]
fn rerank_scores_exactly_the_documents_of_a_run() {
    let place = Place::with_index();
    place.write(
        "queries.jsonl",
        "{\"_id\": \"q1\", \"text\": \"the moon\"}\n",
    );
    let run = "q1 Q0 tea 1 9 x\nq1 Q0 moon 2 8 x\nq1 Q0 gone 3 7 x\nother Q0 tea 1 1 x\n";
    place.write("first.trec", run);
    let rerank = ["rerank", "--index", "x.colidx", "--run", "first.trec"];
    let reranked = place
        .colidx(&rerank)
        .args(&["--queries", "queries.jsonl"])
        .run()
        .succeeds()
        .says(&[
            "1 document of the run not in the index",
            "1 query of the run not in",
        ]);
    let columns = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let lines: Vec<Vec<String>> = reranked.stdout.lines().map(columns).collect();
    let keys: Vec<&str> = lines.iter().map(|line| &*line[2]).collect();
    assert_eq!(keys, ["moon", "tea"]);
    let exact = [
        "search",
        "--index",
        "x.colidx",
        "--exact",
        "--queries",
        "queries.jsonl",
    ];
    let exact = place.colidx(&exact).run().succeeds();
    for line in &lines {
        let same = exact
            .stdout
            .lines()
            .map(columns)
            .find(|other| other[2] == line[2]);
        assert_eq!(same.map(|other| other[4].clone()), Some(line[4].clone()));
    }

    place.write("foreign.trec", "q1 Q0 gone 1 9 x\n");
    let rerank = ["rerank", "--index", "x.colidx", "--run", "foreign.trec"];
    let run = place
        .colidx(&rerank)
        .args(&["--queries", "queries.jsonl"])
        .run()
        .fails();
    run.says(&["foreign.trec", "no document that it names"]);
}

#[test]
fn rerank_scores_texts_that_are_in_no_index() {
    let place = Place::new();
    place.write("notes/a.txt", "Tea and coffee are food.");
    place.write("notes/b.txt", "The moon is far away.");
    let model = model();
    let rerank = [
        "rerank",
        "--model",
        model.to_str().unwrap(),
        "--json",
        "tea and coffee",
    ];
    let run = place.colidx(&rerank).arg("notes").run().succeeds();
    let found = run.json();
    assert_eq!(keys_of(&found), ["a.txt#1", "b.txt#1"]);
    assert!(found[0]["score"].as_f64() > found[1]["score"].as_f64());

    let lines =
        "{\"_id\": \"x\", \"text\": \"tea\", \"lang\": \"en\"}\n{\"_id\": \"y\", \"text\": \"\"}\n";
    let run = place.colidx(&rerank).arg("-").input(lines).run().succeeds();
    let found = run.json();
    assert_eq!(keys_of(&found), ["x"]);
    assert_eq!(found[0]["metadata"]["lang"], "en");

    place
        .colidx(&["rerank", "--model", "m", "query"])
        .run()
        .refuses_usage();
    place
        .colidx(&["rerank", "query", "notes"])
        .run()
        .refuses_usage()
        .says(&["--model"]);
}

#[test]
fn snippets_say_where_they_are_in_characters() {
    let place = Place::new();
    let text = format!(
        "{}日本語 👩‍👩‍👧 the moon is far away. {}",
        "Größe. ".repeat(99),
        "x ".repeat(400)
    );
    let line = serde_json::json!({"_id": "a", "text": text});
    place.write("corpus.jsonl", format!("{line}\n"));
    place.build("corpus.jsonl").succeeds();
    let search = [
        "search",
        "--index",
        "x.colidx",
        "--json",
        "--snippets",
        "the moon",
    ];
    let run = place.colidx(&search).run().succeeds();
    assert_eq!(
        fields(&run.stdout),
        ["query", "rank", "score", "key", "title", "text", "snippet"]
    );
    let found = run.json();
    let snippet = &found[0]["snippet"];
    let characters: Vec<char> = text.chars().collect();
    let part = |span: &serde_json::Value| -> String {
        let at = |name: &str| span["chars"][name].as_u64().unwrap() as usize;
        let bytes = |name: &str| span["bytes"][name].as_u64().unwrap() as usize;
        let part: String = characters[at("start")..at("end")].iter().collect();
        assert_eq!(part, text[bytes("start")..bytes("end")]);
        part
    };
    assert_eq!(snippet["text"], part(&snippet["span"]));
    let words = snippet["words"].as_array().unwrap();
    assert!(!words.is_empty());
    for word in words {
        assert!(!part(&word["span"]).is_empty() && word["weight"].as_f64() > Some(0.0));
    }
}
