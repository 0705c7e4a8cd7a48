//! Searching: what is printed, where, and with which checkpoint.

use std::fs;

use crate::harness::{CORPUS, Place, fields, model};

const QUERIES: &str =
    "{\"_id\": \"q1\", \"text\": \"the moon\"}\n{\"_id\": \"q2\", \"text\": \"coffee and milk\"}\n";

#[test]
fn json_has_the_fields_of_the_design_and_the_stats_come_last() {
    let place = Place::with_index();
    let run = place
        .colidx(&[
            "search", "--index", "x.colidx", "--json", "--stats", "-k", "3", "the moon",
        ])
        .run()
        .succeeds();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 4);
    for (rank, line) in (1..).zip(&lines[..3]) {
        assert_eq!(
            fields(line),
            ["query", "rank", "score", "key", "title", "text"]
        );
        assert_eq!(run.json()[rank - 1]["rank"], rank);
    }
    assert_eq!(run.json()[0]["query"], "the moon");
    assert_eq!(fields(lines[3]), ["stats"]);
    assert_eq!(run.json()[3]["stats"]["documents_screened"], 4);
    let scores: Vec<f64> = run.json()[..3]
        .iter()
        .map(|hit| hit["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn output_for_other_programs_is_a_line_a_hit() {
    let place = Place::with_index();
    let run = place
        .colidx(&[
            "search",
            "--index",
            "x.colidx",
            "-k",
            "2",
            "Tea and coffee are food",
        ])
        .run()
        .succeeds();
    let hits: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(hits.len(), 2);
    assert_eq!(
        (hits[0].len(), hits[0][0], hits[0][2], hits[0][3]),
        (5, "1", "tea", "Tea")
    );
    assert!(
        hits[0][4].starts_with("Tea and coffee are food"),
        "{hits:?}"
    );
    assert!(
        !run.stdout.contains('\x1b') && run.stderr.is_empty(),
        "{run:#?}"
    );
}

#[test]
fn escapes_in_documents_do_not_reach_the_terminal() {
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        r#"{"_id": "a", "title": "the\u001b[31m moon", "text": "the\u001b]0;x\u0007 sun\r\n"}"#,
    );
    place.build("corpus.jsonl").succeeds();
    let run = place
        .colidx(&["search", "--index", "x.colidx", "--explain", "moon"])
        .run()
        .succeeds();
    assert!(
        !run.stdout
            .contains(|c: char| c.is_control() && c != '\n' && c != '\t'),
        "{run:?}"
    );
}

#[test]
fn exact_search_finds_the_same() {
    let place = Place::with_index();
    let hits = |more: &[&str]| {
        place
            .colidx(&["search", "--index", "x.colidx", "light and energy"])
            .args(more)
            .run()
            .succeeds()
            .stdout
    };
    assert_eq!(hits(&[]), hits(&["--exact"]));
}

#[test]
fn a_file_of_queries_gives_a_trec_run() {
    let place = Place::with_index();
    place.write("queries.jsonl", QUERIES);
    let search = |more: &[&str]| {
        place
            .colidx(&[
                "search",
                "--index",
                "x.colidx",
                "--queries",
                "queries.jsonl",
            ])
            .args(more)
            .run()
            .succeeds()
    };
    let run = search(&[]);
    let lines: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    assert_eq!(lines.len(), 8);
    for (at, line) in lines.iter().enumerate() {
        assert_eq!((line.len(), line[1], line[5]), (6, "Q0", "colidx"));
        assert_eq!(
            (line[0], line[3]),
            (["q1", "q2"][at / 4], ["1", "2", "3", "4"][at % 4])
        );
    }
    let filed = search(&["--run-out", "run.trec"]);
    assert_eq!(filed.stdout, "");
    assert_eq!(place.read("run.trec"), run.stdout);
    let json = search(&["--json", "-k", "1", "--stats"]).json();
    assert_eq!(
        (json.len(), &json[1]["query"], &json[2]["stats"]["queries"]),
        (3, &"q2".into(), &2.into())
    );
}

#[test]
fn keys_with_white_space_are_escaped_in_a_run() {
    let place = Place::new();
    let keys = ["my note.md", "100%", "a%20b", "plain"];
    let document = |key| format!("{{\"_id\": \"{key}\", \"text\": \"moon\"}}\n");
    place.write("corpus.jsonl", keys.map(document).concat());
    place.build("corpus.jsonl").succeeds();
    place.write("queries.tsv", "q 1\tthe moon\nq2\tthe sun\n");
    let search = ["search", "--index", "x.colidx", "--queries", "queries.tsv"];
    let run = place.colidx(&search).run().succeeds();
    assert_eq!(run.stderr.matches("percent-encoded").count(), 1, "{run:#?}");
    let columns = run.stdout.lines().map(|line| line.split(' ').collect());
    let columns: Vec<Vec<&str>> = columns.collect();
    assert!(columns.iter().all(|line| line.len() == 6), "{run:#?}");
    assert_eq!((columns[0][0], columns[4][0]), ("%:q%201", "q2"));
    let mut found: Vec<&str> = columns[..4].iter().map(|line| line[2]).collect();
    found.sort_unstable();
    assert_eq!(found, ["%:my%20note.md", "100%", "a%20b", "plain"]);
    let filed = place.colidx(&search).args(&["--run-out", "run.trec"]).run();
    filed.succeeds();
    assert_eq!(place.read("run.trec"), run.stdout);
    let json = place.colidx(&search).args(&["--json"]).run().succeeds();
    assert!(json.json().iter().any(|hit| hit["key"] == "my note.md"));
    // Judgements name keys as they are, or as they stand in a run.
    for qrels in [
        "%:q%201 0 %:my%20note.md 1\nq2 0 100% 1\nq2 0 a%20b 1\n",
        "q 1\tmy note.md\t1\nq2\t100%\t1\nq2\ta%20b\t1\n",
    ] {
        place.write("qrels", qrels);
        let eval = ["eval", "--index", "x.colidx", "--queries", "queries.tsv"];
        let eval = place.colidx(&eval).args(&["--qrels", "qrels"]);
        let run = eval.args(&["--metrics", "recall@4"]).run().succeeds();
        let figures = &run.json()[0];
        assert_eq!(
            (&figures["missing"], &figures["recall@4"]),
            (&0.into(), &1.0.into())
        );
        assert!(!run.stderr.contains("not in the index"), "{run:#?}");
    }
}

#[test]
fn metadata_come_back() {
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        "{\"_id\": \"1\", \"text\": \"moon\", \"url\": \"https://a.b\", \"n\": {\"year\": 1969}}\n\
         {\"_id\": \"2\", \"text\": \"sun\"}\n",
    );
    place.build("corpus.jsonl").succeeds();
    place.write("queries.tsv", "q1\tthe moon\n");
    let expected = serde_json::json!({"url": "https://a.b", "n": {"year": 1969}});
    for call in [
        &["search", "--json", "the moon"][..],
        &["search", "--json", "--explain", "the moon"],
        &["search", "--json", "--queries", "queries.tsv"],
        &["explain", "--json", "the moon", "1"],
    ] {
        let run = place.colidx(call).args(&["--index", "x.colidx"]).run();
        let hits = run.succeeds().json();
        let with = hits.iter().filter(|hit| hit["key"] == "1");
        let without = hits.iter().filter(|hit| hit["key"] == "2");
        assert!(with.clone().count() > 0);
        assert!(
            with.clone().all(|hit| hit["metadata"] == expected),
            "{hits:?}"
        );
        assert!(
            without.clone().all(|hit| hit.get("metadata").is_none()),
            "{hits:?}"
        );
    }
}

#[test]
fn explanations_add_up_to_the_score() {
    let place = Place::with_index();
    let run = place
        .colidx(&[
            "search",
            "--index",
            "x.colidx",
            "--json",
            "--explain",
            "-k",
            "1",
            "the moon",
        ])
        .run()
        .succeeds();
    let hit = &run.json()[0];
    let matches = hit["explain"].as_array().unwrap();
    let sum: f64 = matches
        .iter()
        .map(|found| found["score"].as_f64().unwrap())
        .sum();
    assert!((sum - hit["score"].as_f64().unwrap()).abs() < 1e-3, "{hit}");
    assert!(
        matches
            .iter()
            .any(|found| found["query_token"] == "moon" && found["document_token"] == "moon"),
        "{hit}"
    );
}

#[test]
fn an_index_finds_its_checkpoint_and_no_other_will_do() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let copy = |to: &str| {
        for name in [
            "config.json",
            "modules.json",
            "config_sentence_transformers.json",
            "sentence_bert_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "model.safetensors",
            "1_Dense/config.json",
            "1_Dense/model.safetensors",
        ] {
            place.write(
                &format!("{to}/{name}"),
                fs::read(model().join(name)).unwrap(),
            );
        }
    };
    copy("here");
    place
        .colidx(&[
            "build",
            "corpus.jsonl",
            "--index",
            "x.colidx",
            "--model",
            "here",
        ])
        .run()
        .succeeds();
    let search = |more: &[&str]| {
        place
            .colidx(&["search", "--index", "x.colidx", "moon"])
            .args(more)
            .run()
    };
    search(&[]).succeeds();
    fs::rename(place.path("here"), place.path("there")).unwrap();
    search(&[]).fails().says(&["here", "--model"]);
    search(&["--model", "there"]).succeeds();
    copy("other");
    let config = place.read("other/config_sentence_transformers.json");
    place.write(
        "other/config_sentence_transformers.json",
        config.replace("\"query_length\": 16", "\"query_length\": 12"),
    );
    search(&["--model", "other"])
        .fails()
        .says(&["other", "fingerprint", "x.colidx"]);
}

#[test]
fn what_is_no_index_says_so() {
    let place = Place::new();
    place.write("empty/file", "");
    for index in ["absent", "empty"] {
        for command in [&["search", "moon"][..], &["info"], &["verify"]] {
            place
                .colidx(command)
                .args(&["--index", index])
                .run()
                .fails()
                .says(&[index, "no colidx index", "colidx build"]);
        }
    }
}

#[test]
fn a_query_that_is_too_long_is_told() {
    let place = Place::with_index();
    let query = "moon ".repeat(60);
    let run = place
        .colidx(&["search", "--index", "x.colidx", "--json", &query])
        .run();
    run.succeeds().says(&["longer than the checkpoint reads"]);
}
