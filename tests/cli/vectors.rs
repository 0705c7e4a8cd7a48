//! Vectors in the forms that people have, with records beside them, and pooled.

use crate::embeddings::npy;
use crate::harness::{Place, Run};

const RECORDS: &str = "{\"_id\": \"b\", \"title\": \"Bees\", \"text\": \"dance\", \"page\": 2}\n\
    {\"_id\": \"a\", \"image\": \"a.png\", \"page\": 1}\n";

/// A folder of two documents, named by their files.
fn folder() -> Place {
    let place = Place::new();
    place.write("v/a.npy", npy("2, 2", &[1., 0., 0., 0.]));
    place.write("v/b.npy", npy("1, 2, 2", &[0., 1., 0.6, 0.8]));
    place.write("records.jsonl", RECORDS);
    place.write("north.npy", npy("1, 2", &[0., 1.]));
    place
}

fn build(place: &Place, more: &[&str]) -> Run {
    place
        .colidx(&["build", "--index", "x.colidx", "--force"])
        .args(more)
        .run()
}

/// The key, title and page of the best hit.
fn best(place: &Place, queries: &str) -> (String, String, String) {
    let search = ["search", "--index", "x.colidx", "--json", "-k", "1"];
    let run = place
        .colidx(&search)
        .args(&["--query-embeddings", queries])
        .run();
    let hit = run.succeeds().json().remove(0);
    let text = |field: &str| hit[field].as_str().unwrap_or_default().to_owned();
    (text("key"), text("title"), hit["metadata"].to_string())
}

#[test]
fn a_file_a_document_with_records_by_key() {
    let place = folder();
    build(&place, &["--embeddings", "v"]).succeeds().says(&[
        "2 documents",
        "3 vectors",
        "padding: 1 row of zeros",
    ]);
    assert_eq!(best(&place, "north.npy").0, "b");
    // The records stand in another order than the files.
    build(&place, &["records.jsonl", "--embeddings", "v"])
        .succeeds()
        .says(&["2 documents", "3 vectors"]);
    let (key, title, metadata) = best(&place, "north.npy");
    assert_eq!((&*key, &*title), ("b", "Bees"));
    assert!(metadata.contains("\"page\":2"), "{metadata}");
}

#[test]
fn records_that_do_not_fit_the_vectors_are_refused() {
    let place = folder();
    place.write("one.jsonl", "{\"_id\": \"a\"}\n");
    build(&place, &["one.jsonl", "--embeddings", "v"])
        .fails()
        .says(&["1 records for 2 documents", "`b`"]);
    place.write("other.jsonl", "{\"_id\": \"a\"}\n{\"_id\": \"c\"}\n");
    build(&place, &["other.jsonl", "--embeddings", "v"])
        .fails()
        .says(&["`c` has no vectors"]);
    build(
        &place,
        &["records.jsonl", "--embeddings", "v", "--skip-bad-lines"],
    )
    .refuses_usage();
    place.has_no_index();
}

#[test]
fn one_array_with_padding_takes_records_in_order_or_keys_from_a_file() {
    let place = folder();
    let values = [1., 0., 0., 0., 0., 1., 0.6, 0.8];
    place.write("grid.npy", npy("2, 2, 2", &values));
    build(&place, &["records.jsonl", "--embeddings", "grid.npy"]).succeeds();
    assert_eq!(best(&place, "north.npy").0, "a");
    place.write("keys.txt", "first\nsecond\n");
    let keys = ["--embeddings", "grid.npy", "--embedding-keys", "keys.txt"];
    build(&place, &keys).succeeds();
    assert_eq!(best(&place, "north.npy").0, "second");
}

#[test]
fn json_lines_with_vectors_are_documents() {
    let place = folder();
    place.write(
        "v.jsonl",
        "{\"_id\": \"x\", \"text\": \"east\", \"vectors\": [[1, 0]]}\n\
         {\"_id\": \"y\", \"title\": \"North\", \"vectors\": [[0, 1], [0.6, 0.8]], \"page\": 7}\n",
    );
    build(&place, &["--embeddings", "v.jsonl"])
        .succeeds()
        .says(&["2 documents", "3 vectors"]);
    let (key, title, metadata) = best(&place, "north.npy");
    assert_eq!((&*key, &*title), ("y", "North"));
    assert!(
        metadata.contains("page") && !metadata.contains("vectors"),
        "{metadata}"
    );
    // And added to.
    place.write("more.jsonl", "{\"_id\": \"z\", \"v\": [[0, 1]]}\n");
    let add = ["add", "--index", "x.colidx", "--embeddings", "more.jsonl"];
    place
        .colidx(&add)
        .run()
        .fails()
        .says(&["more.jsonl:1", "\"vectors\""]);
    let run = place.colidx(&add).args(&["--vectors-field", "v"]).run();
    run.succeeds().says(&["1 document added"]);
}

#[test]
fn queries_are_found_by_name() {
    let place = folder();
    build(&place, &["--embeddings", "v"]).succeeds();
    place.write("q/east.npy", npy("1, 2", &[1., 0.]));
    place.write("q/north.npy", npy("1, 2", &[0., 1.]));
    place.write("q.tsv", "north\tup\neast\tright\n");
    let search = ["search", "--index", "x.colidx", "--json", "-k", "1"];
    let vectors = ["--query-embeddings", "q"];
    let keys = |run: Run| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let hits = run.succeeds().json();
        hits.iter()
            .map(|hit| (text(&hit["query"]), text(&hit["key"])))
            .collect()
    };
    let pair = |query: &str, key: &str| (query.to_owned(), key.to_owned());
    let alone = keys(place.colidx(&search).args(&vectors).run());
    assert_eq!(alone, [pair("east", "a"), pair("north", "b")]);
    let named = place
        .colidx(&search)
        .args(&vectors)
        .args(&["--queries", "q.tsv"])
        .run();
    assert_eq!(keys(named), [pair("north", "b"), pair("east", "a")]);
    place.write("q.tsv", "north\tup\nwest\tleft\n");
    let unknown = place
        .colidx(&search)
        .args(&vectors)
        .args(&["--queries", "q.tsv"])
        .run();
    unknown.fails().says(&["no vectors for the query `west`"]);
}

#[test]
fn pooling_is_remembered() {
    let place = folder();
    let eight: Vec<f32> = (0..8).flat_map(|n| [1.0, n as f32]).collect();
    place.write("eight/one.npy", npy("8, 2", &eight));
    place.write("more/two.npy", npy("8, 2", &eight));
    let pooled = [
        "--embeddings",
        "eight",
        "--pool-factor",
        "3",
        "--pool-protect",
        "2",
    ];
    build(&place, &pooled).succeeds().says(&["4 vectors"]);
    let add = ["add", "--embeddings", "more", "--index", "x.colidx"];
    let other = place.colidx(&add).args(&["--pool-factor", "2"]).run();
    other.fails().says(&[
        "2 for an index whose vectors are pooled by 3",
        "leave it out",
    ]);
    place.colidx(&add).run().succeeds();
    let info = place
        .colidx(&["info", "--index", "x.colidx", "--json"])
        .run();
    let info = info.succeeds().json().remove(0);
    assert_eq!(
        (&info["vectors"], &info["pool_factor"]),
        (&8.into(), &3.into())
    );
    let page = place
        .colidx(&["info", "--index", "x.colidx"])
        .run()
        .succeeds();
    assert!(page.stdout.contains("one vector for 3"), "{}", page.stdout);
    build(&place, &["--embeddings", "v", "--pool-protect", "1"]).refuses_usage();
    build(&place, &["--embeddings", "v", "--pool-factor", "0"]).refuses_usage();
}

#[test]
fn explain_takes_query_vectors_and_gives_the_matrix() {
    let place = folder();
    build(&place, &["records.jsonl", "--embeddings", "v"]).succeeds();
    let explain = |more: &[&str]| {
        place
            .colidx(&["explain", "--index", "x.colidx"])
            .args(more)
            .run()
    };
    place.write("two.npy", npy("2, 2", &[1., 0., 0., 1.]));
    let two = ["--query-embeddings", "two.npy", "b"];
    let page = explain(&two).succeeds().stdout;
    for word in ["Bees", "query row", "document row", "MaxSim"] {
        assert!(page.contains(word), "{word}:\n{page}");
    }
    // The vectors of "b" are [0, 1] and [0.6, 0.8].
    let lines = explain(&[&two[..], &["--json", "--matrix"]].concat())
        .succeeds()
        .json();
    let near = |value: &serde_json::Value, expected: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - expected).abs() < 0.05, "{value} {expected}");
    };
    assert_eq!(lines.len(), 2);
    for (row, (document_row, similarities)) in [(1, [0.0, 0.6]), (0, [1.0, 0.8])].iter().enumerate()
    {
        let line = &lines[row];
        assert_eq!(
            (
                &line["query"],
                &line["key"],
                &line["query_row"],
                &line["document_row"]
            ),
            (
                &"0".into(),
                &"b".into(),
                &row.into(),
                &(*document_row).into()
            )
        );
        near(&line["score"], similarities[*document_row]);
        for (at, &expected) in similarities.iter().enumerate() {
            near(&line["similarities"][at], expected);
        }
    }
    let plain = explain(&[&two[..], &["--json"]].concat()).succeeds().json();
    assert!(plain[0].get("similarities").is_none());
    // One of several, by its name or its number.
    place.write("q/east.npy", npy("1, 2", &[1., 0.]));
    place.write("q/north.npy", npy("1, 2", &[0., 1.]));
    place.write("grid.npy", npy("2, 1, 2", &[1., 0., 0., 1.]));
    for (file, key) in [("q", "north"), ("grid.npy", "1")] {
        let one = [
            "--query-embeddings",
            file,
            "--query-key",
            key,
            "b",
            "--json",
        ];
        let line = explain(&one).succeeds().json().remove(0);
        assert_eq!(
            (&line["query"], &line["document_row"]),
            (&key.into(), &0.into())
        );
        let unknown = ["--query-embeddings", file, "--query-key", "7", "b"];
        explain(&unknown)
            .fails()
            .says(&["no vectors for the query `7`"]);
    }
    explain(&["--query-embeddings", "two.npy", "mars"])
        .fails()
        .says(&["`mars`"]);
    explain(&["--query-embeddings", "two.npy", "north", "b"]).refuses_usage();
    explain(&[&two[..], &["--matrix"]].concat()).refuses_usage();
    place.write("wide.npy", npy("1, 3", &[1., 0., 0.]));
    explain(&["--query-embeddings", "wide.npy", "b"])
        .fails()
        .says(&["3 values each, those of the index 2"]);
}
