//! Searching by words, by words and vectors, and within a filter.

use crate::harness::{Place, Run, model};

const CORPUS: &str = r#"{"_id": "rust", "title": "Rust", "text": "Rust is a fast language for code.", "year": 2015, "tags": ["code", "new"], "author": {"name": "Hoare"}}
{"_id": "tea", "title": "Tea", "text": "Tea and coffee are food for the body.", "year": 1999, "tags": ["food"], "draft": true}
{"_id": "moon", "title": "The moon", "text": "The moon and the earth go around the sun.", "year": 2020.5}
{"_id": "cell", "title": "Cells", "text": "A cell is small. Error E0308 is a code.", "author": {"name": "Hooke"}}
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place.build("corpus.jsonl").succeeds();
    place
}

fn search(place: &Place, more: &[&str]) -> Run {
    place
        .colidx(&["search", "--index", "x.colidx", "--json"])
        .args(more)
        .run()
}

fn keys(run: Run) -> Vec<String> {
    let hits = run.succeeds().json();
    let keys = hits
        .iter()
        .map(|hit| hit["key"].as_str().unwrap_or_default());
    keys.map(str::to_owned).collect()
}

#[test]
fn words_are_found_exactly_and_without_a_checkpoint() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let copied = place.shell(&format!("cp -r '{}' model", model().display()));
    copied.run().succeeds();
    let build = [
        "build",
        "corpus.jsonl",
        "--index",
        "x.colidx",
        "--model",
        "model",
    ];
    place.colidx(&build).run().succeeds();
    // A checkpoint that is gone is not asked for.
    std::fs::remove_dir_all(place.path("model")).unwrap();
    search(&place, &["code"]).fails();
    // (query, keys)
    let table: [(&str, &[&str]); 7] = [
        ("E0308", &["cell"]),
        ("codes", &["cell", "rust"]),
        ("code +fast", &["rust"]),
        ("code -fast", &["cell"]),
        ("\"around the sun\"", &["moon"]),
        ("\"sun the around\"", &[]),
        ("the and of", &[]),
    ];
    for (query, expected) in table {
        let mut found = keys(search(&place, &["--lexical", query]));
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    let run = search(&place, &["--lexical", "code"]).succeeds();
    let hit = &run.json()[0];
    assert_eq!(hit["bm25"], hit["score"]);
    assert_eq!(hit["maxsim"], serde_json::Value::Null);
    let run = search(
        &place,
        &["--lexical", "--explain", "--snippets", "fast code"],
    )
    .succeeds();
    let hit = &run.json()[0];
    assert_eq!(hit["explain"].as_array().map(Vec::len), Some(2));
    assert_eq!(hit["snippet"]["words"].as_array().map(Vec::len), Some(2));
    search(&place, &["--lexical", " "])
        .fails()
        .says(&["query is empty"]);
}

#[test]
fn a_hybrid_search_gives_both_scores() {
    let place = place();
    for fusion in ["convex", "rrf", "rerank"] {
        let mut more = vec!["--hybrid", "--fusion", fusion, "E0308 code"];
        if fusion == "convex" {
            // The checkpoint of the tests knows no meanings.
            more.extend(["--weight", "0.5"]);
        }
        let run = search(&place, &more).succeeds();
        let hits = run.json();
        assert_eq!(hits[0]["key"], "cell", "{fusion}");
        assert!(hits[0]["bm25"].as_f64() > Some(0.0) && hits[0]["maxsim"].is_f64());
    }
    search(&place, &["--hybrid", "--weight", "2", "code"])
        .refuses_usage()
        .says(&["weight", "at most 1"]);
    place.write(
        "queries.jsonl",
        "{\"_id\": \"q\", \"text\": \"code - language\"}\n",
    );
    for by in [&["--lexical"][..], &["--hybrid", "--weight", "0.5"]] {
        let run = place
            .colidx(&[
                "search",
                "--index",
                "x.colidx",
                "--queries",
                "queries.jsonl",
            ])
            .args(by)
            .run()
            .succeeds();
        assert!(run.stdout.starts_with("q Q0 rust 1 "), "{run:#?}");
        place.write("qrels.tsv", "query-id\tcorpus-id\tscore\nq\trust\t1\n");
        let run = place
            .colidx(&["eval", "--index", "x.colidx", "--queries", "queries.jsonl"])
            .args(&["--qrels", "qrels.tsv", "--metrics", "mrr@10"])
            .args(by)
            .run()
            .succeeds();
        assert_eq!(run.json()[0]["mrr@10"], 1.0);
    }
}

#[test]
fn a_filter_holds_in_every_search() {
    let place = place();
    let table: [(&str, &[&str]); 8] = [
        ("year BETWEEN 1990 AND 2016", &["rust", "tea"]),
        ("year > 2016", &["moon"]),
        ("tags IN ('food', 'new')", &["rust", "tea"]),
        ("author.name LIKE 'Ho%'", &["cell", "rust"]),
        ("NOT draft", &["cell", "moon", "rust"]),
        ("year IS NULL", &["cell"]),
        ("author EXISTS AND year IS NOT NULL", &["rust"]),
        ("year = 1 OR author.name = 'Hooke'", &["cell"]),
    ];
    for (filter, expected) in table {
        for by in [&[][..], &["--exact"], &["--hybrid"]] {
            let run = search(&place, &[&["--filter", filter, "code"], by].concat());
            let mut found = keys(run);
            found.sort_unstable();
            assert_eq!(found, expected, "{filter} {by:?}");
        }
        let count = place
            .colidx(&["info", "--index", "x.colidx", "--json", "--filter", filter])
            .run()
            .succeeds();
        assert_eq!(count.json()[0]["matching"], expected.len());
    }
}

#[test]
fn a_slip_in_a_filter_is_an_error_that_shows_the_place() {
    let place = place();
    for (filter, words) in [
        ("yaer > 2000", &["yaer", "year", "^^^^"][..]),
        ("year > 'x'", &["year", "numbers", "^^^^"]),
        ("tags = 'food", &["never closed", "^"]),
        ("year BETWEN 1 AND 2", &["BETWEEN", "^^^^^^"]),
        ("", &["expected"]),
    ] {
        let refused = search(&place, &["--filter", filter, "code"])
            .fails()
            .says(words);
        let place_of_it = refused.stderr.lines().skip(1);
        assert!(place_of_it.clone().count() == 2 || filter.is_empty());
        assert!(place_of_it.last().is_none_or(|marks| marks.contains('^')));
        let delete = ["delete", "--index", "x.colidx", "--filter", filter];
        place.colidx(&delete).run().fails().says(words);
    }
}

#[test]
fn what_matches_a_filter_is_deleted() {
    let place = place();
    let delete = [
        "delete",
        "--index",
        "x.colidx",
        "--filter",
        "year < 2016",
        "--json",
    ];
    let run = place.colidx(&delete).run().succeeds();
    assert_eq!(run.json()[0]["deleted"], 2);
    let mut left = keys(search(&place, &["code"]));
    left.sort_unstable();
    assert_eq!(left, ["cell", "moon"]);
}

#[test]
fn info_lists_the_fields() {
    let place = place();
    let run = place
        .colidx(&["info", "--index", "x.colidx", "--json"])
        .run();
    let info = &run.succeeds().json()[0];
    assert_eq!(info["analyzer"], "english");
    let fields = info["fields"].as_array().unwrap();
    let paths: Vec<&str> = fields
        .iter()
        .filter_map(|field| field["path"].as_str())
        .collect();
    assert_eq!(paths, ["author.name", "draft", "tags", "year"]);
    let year = &fields[3];
    let counts = ["documents", "distinct", "integers", "floats", "strings"].map(|name| &year[name]);
    assert_eq!(counts, [3, 3, 2, 1, 0]);
    let shown = place
        .colidx(&["info", "--index", "x.colidx"])
        .run()
        .succeeds();
    shown.says(&[]);
}

#[test]
fn words_are_chosen_left_out_and_made_again() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place
        .build_with("corpus.jsonl", &["--no-lexical"])
        .succeeds();
    search(&place, &["--lexical", "code"])
        .fails()
        .says(&["no words to search", "compact"]);
    let compact = ["compact", "--index", "x.colidx", "--analyzer", "plain"];
    place.colidx(&compact).run().succeeds();
    assert!(keys(search(&place, &["--lexical", "codes"])).is_empty());
    assert_eq!(keys(search(&place, &["--lexical", "the earth"])).len(), 2);
    place
        .colidx(&["compact", "--index", "x.colidx", "--analyzer", "german"])
        .run()
        .succeeds();
    let compact = ["compact", "--index", "x.colidx", "--analyzer", "englsh"];
    place
        .colidx(&compact)
        .run()
        .refuses_usage()
        .says(&["english"]);
    let model = model();
    let build = [
        "build",
        "corpus.jsonl",
        "--index",
        "y.colidx",
        "--analyzer",
        "code",
        "--model",
    ];
    place.colidx(&build).arg(model).run().succeeds();
    let run = place
        .colidx(&["search", "--index", "y.colidx", "--lexical", "e0308"])
        .run();
    assert!(run.succeeds().stdout.contains("cell"));
}
