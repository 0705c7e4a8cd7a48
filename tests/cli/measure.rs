//! `eval` and `bench`.

use crate::harness::{Place, Run, fields};

fn place() -> Place {
    let place = Place::with_index();
    let queries = [
        ("q1", "Tea and coffee are food for the body"),
        ("q2", "Rust is a fast language for computer code"),
        ("q3", "unjudged"),
    ];
    place.write(
        "queries.tsv",
        queries
            .map(|(key, text)| format!("{key}\t{text}\n"))
            .concat(),
    );
    place.write(
        "qrels.tsv",
        "query-id\tcorpus-id\tscore\nq1\ttea\t1\nq2\trust\t2\nq4\tmoon\t1\n",
    );
    place
}

fn eval(place: &Place, more: &[&str]) -> Run {
    place
        .colidx(&[
            "eval",
            "--index",
            "x.colidx",
            "--queries",
            "queries.tsv",
            "--qrels",
            "qrels.tsv",
        ])
        .args(more)
        .run()
}

#[test]
fn eval_prints_one_object_of_metrics() {
    let place = place();
    let run = eval(
        &place,
        &["--metrics", "ndcg@10,recall@100,mrr@10,map,success@1"],
    )
    .succeeds();
    let names = [
        "queries",
        "missing",
        "k",
        "ndcg@10",
        "recall@100",
        "mrr@10",
        "map",
        "success@1",
        "search_ms",
    ];
    assert_eq!(fields(run.stdout.trim_end()), names);
    let figures = &run.json()[0];
    assert_eq!(
        (&figures["queries"], &figures["missing"], &figures["k"]),
        (&3.into(), &1.into(), &1000.into())
    );
    for name in &names[3..8] {
        let figure = figures[*name].as_f64().unwrap();
        assert!((figure - 2.0 / 3.0).abs() < 1e-9, "{name}: {figure}");
    }
    run.says(&[
        "1 query without judgements",
        "1 query with judgements are not in the file",
    ]);
}

#[test]
fn eval_against_exact_search_adds_overlap() {
    let place = place();
    let figures = eval(&place, &["--vs-exact"]).succeeds().json().remove(0);
    assert_eq!(
        (&figures["overlap@10"], &figures["overlap@100"]),
        (&1.0.into(), &1.0.into())
    );
    assert_eq!(figures["exact"]["ndcg@10"], figures["ndcg@10"]);
}

#[test]
fn cut_offs_above_the_hits_are_refused() {
    let place = place();
    let cut = ["-k", "5", "--metrics", "recall@5,ndcg@10"];
    eval(&place, &cut)
        .refuses_usage()
        .says(&["ndcg@10", "more than 5 hits", "-k"]);
    let figures = eval(&place, &["-k", "10", "--metrics", "ndcg@10,map"]);
    assert_eq!(figures.succeeds().json()[0]["k"], 10);
}

#[test]
fn hits_that_are_the_query_can_be_ignored() {
    let place = Place::with_index();
    place.write(
        "queries.tsv",
        "tea\tTea and coffee are food for the body, and milk and sugar go with both.\n",
    );
    place.write("qrels.tsv", "tea\tcell\t1\n");
    let recall = |more: &[&str]| {
        let metrics = ["--metrics", "recall@3,success@1", "--exact"];
        let run = eval(&place, &[&metrics, more].concat()).succeeds();
        run.json()[0]["recall@3"].as_f64().unwrap()
    };
    // Without the query itself the three others are the first three.
    assert_eq!(recall(&["--ignore-identical-ids"]), 1.0);
    assert!(recall(&[]) <= 1.0);
    place.write("qrels.tsv", "tea\ttea\t1\n");
    assert_eq!(
        (recall(&[]), recall(&["--ignore-identical-ids"])),
        (1.0, 0.0)
    );
}

#[test]
fn eval_names_what_is_wrong() {
    let place = place();
    eval(&place, &["--metrics", "f1@10"])
        .refuses_usage()
        .says(&["--metrics", "f1@10", "ndcg@k"]);
    place.write("qrels.tsv", "q1\ttea\n");
    eval(&place, &[]).fails().says(&["qrels.tsv:1", "columns"]);
    place.write("queries.tsv", "q1\ttea\nq1\tmilk\n");
    place.write("qrels.tsv", "q1\ttea\t1\n");
    eval(&place, &[]).fails().says(&["queries.tsv:2", "\"q1\""]);
}

#[test]
fn bench_prints_one_object_and_the_run() {
    let place = place();
    let bench = place.colidx(&[
        "bench",
        "--index",
        "x.colidx",
        "--queries",
        "queries.tsv",
        "-k",
        "2",
    ]);
    let run = bench
        .args(&["--repeat", "2", "--threads", "2", "--run-out", "run.trec"])
        .run()
        .succeeds();
    let figures = &run.json()[0];
    for name in [
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "qps",
        "open_ms",
        "index_bytes",
        "encode_p50_ms",
    ] {
        assert!(figures[name].as_f64().unwrap() > 0.0, "{name}: {figures}");
    }
    assert_eq!(
        (&figures["queries"], &figures["k"], &figures["threads"]),
        (&3.into(), &2.into(), &2.into())
    );
    assert!(figures.get("rss_bytes").is_some());
    let searched = place
        .colidx(&[
            "search",
            "--index",
            "x.colidx",
            "--queries",
            "queries.tsv",
            "-k",
            "2",
        ])
        .run()
        .succeeds();
    assert_eq!(place.read("run.trec"), searched.stdout);
}

/// Files of judgements, and what is said of them beside the figures.
#[test]
fn eval_tells_what_it_makes_nothing_of() {
    for (qrels, ndcg, said) in [
        (
            "qid\tdocid\tgrade\tassessor\nq1\ttea\t0.5\tA\nq2\trust\t2.5\tB\n",
            1.0,
            &["not used: 1 column of the judgement file: `assessor`"][..],
        ),
        (
            r#"{"q1": {"tea": 0.5, "moon": -1}, "q2": {"rust": 2}}"#,
            1.0,
            &["1 query without judgements left out"],
        ),
        (
            "q1 0 tea 1\nq1 0 gone 0\nq2 0 rust 1\n",
            1.0,
            &["1 judgement of documents that are not in the index, such as `gone`"],
        ),
    ] {
        let place = place();
        place.write("qrels.tsv", qrels);
        let run = eval(&place, &["--metrics", "ndcg@10"]).succeeds();
        assert_eq!(run.json()[0]["ndcg@10"], ndcg, "{qrels}");
        for words in said {
            assert_eq!(
                run.stderr.matches(words).count(),
                1,
                "{words}: {}",
                run.stderr
            );
        }
    }
}

fn recall(place: &Place, share: &str, more: &[&str]) -> Run {
    let call = ["search", "--index", "x.colidx", "--recall", share];
    place.colidx(&call).args(more).run()
}

#[test]
fn tune_measures_recall_for_searches_to_choose_their_effort_by() {
    let place = place();
    let unknown = ["recall was never measured on it", "(`colidx tune`)"];
    recall(&place, "0.9", &["tea"]).fails().says(&unknown);
    recall(&place, "1", &["tea"]).succeeds();
    for (share, said) in [
        ("0", "above 0 and at most 1"),
        ("1.5", "above 0 and at most 1"),
        ("nan", "above 0 and at most 1"),
        ("most", "above 0 and at most 1"),
    ] {
        recall(&place, share, &["tea"])
            .refuses_usage()
            .says(&[said]);
    }
    for other in [&["--exact"][..], &["--candidates", "9"], &["--rerank", "9"]] {
        let run = recall(&place, "0.9", other).refuses_usage();
        run.says(&["cannot be used with", other[0]]);
    }

    let tune = ["tune", "--index", "x.colidx", "--queries", "queries.tsv"];
    let run = place.colidx(&tune).args(&["-k", "3,1"]).run().succeeds();
    let table = run.json().remove(0);
    assert_eq!(
        fields(run.stdout.trim_end()),
        ["documents", "queries", "rows"]
    );
    let rows = table["rows"].as_array().unwrap();
    let deepest = rows.last().unwrap();
    assert_eq!((&table["queries"], &deepest["k"]), (&3.into(), &3.into()));
    assert!(rows.iter().all(|row| row["recall"] == 1.0), "{rows:?}");

    let info = place
        .colidx(&["info", "--index", "x.colidx", "--json"])
        .run()
        .succeeds();
    assert_eq!(info.json()[0]["recall"], table);
    let info = place
        .colidx(&["info", "--index", "x.colidx"])
        .run()
        .succeeds();
    for line in [
        "measured with 3 queries on ",
        "1.000 of the exact top 1 by default, in ",
        "1.000 of the exact top 3 by default, in ",
    ] {
        assert!(info.stdout.contains(line), "{}", info.stdout);
    }
    let by_recall = recall(&place, "0.9", &["-k", "3", "tea"]).succeeds();
    let plain = ["search", "--index", "x.colidx", "-k", "3", "tea"];
    assert_eq!(
        by_recall.stdout,
        place.colidx(&plain).run().succeeds().stdout
    );
    recall(&place, "0.9", &["-k", "4", "tea"])
        .fails()
        .says(&["recall was measured for at most 3 hits, and 4 are wanted"]);
    place
        .colidx(&["verify", "--index", "x.colidx"])
        .run()
        .succeeds();

    place.write("none.tsv", "");
    let tune = ["tune", "--index", "x.colidx", "--queries", "none.tsv"];
    place.colidx(&tune).run().fails().says(&["none.tsv"]);
}
