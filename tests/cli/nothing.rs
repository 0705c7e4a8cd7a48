//! Nothing is not answered as if it were something: empty queries, judgements and corpora.

use crate::harness::{CORPUS, Place, model};

const INDEX: [&str; 2] = ["--index", "x.colidx"];

#[test]
fn an_empty_query_is_an_error() {
    let place = Place::with_index();
    for query in ["", "  ", "\t\n"] {
        for more in [&[][..], &["--json"], &["--exact"]] {
            let search = place.colidx(&["search"]).args(&INDEX).args(more);
            let run = search.arg(query).run().fails();
            assert_eq!(run.stdout, "", "{run:#?}");
            run.says(&["the query is empty"]);
        }
        let explain = place.colidx(&["explain"]).args(&INDEX);
        let run = explain.args(&[query, "moon"]).run().fails();
        run.says(&["the query is empty"]);
    }
}

/// Queries that find nothing, what is searched, and what is said.
#[test]
fn a_query_without_hits_is_told() {
    let place = Place::with_index();
    place.write("none.txt", "moon\n");
    let index = ["--index", "gone.colidx"];
    let model = model().display().to_string();
    let build = ["build", "corpus.jsonl", "--model", &model];
    place.colidx(&build).args(&index).run().succeeds();
    let delete = ["delete", "rust", "tea", "moon", "cell"];
    place.colidx(&delete).args(&index).run().succeeds();
    let no_word = "no hits: the query has no word that is searched for";
    for (index, call, said) in [
        ("x.colidx", &["--lexical", "the"][..], no_word),
        ("x.colidx", &["--lexical", "?!"], no_word),
        ("x.colidx", &["--lexical", "\"\""], no_word),
        (
            "x.colidx",
            &["--lexical", "zebra"],
            "no hits: none of 4 documents matches",
        ),
        ("x.colidx", &["--lexical", "--json", "the"], no_word),
        (
            "gone.colidx",
            &["moon"],
            "no hits: gone.colidx has no documents",
        ),
        (
            "gone.colidx",
            &["--lexical", "moon"],
            "no hits: gone.colidx has no documents",
        ),
    ] {
        let run = place.colidx(&["search", "--index", index]).args(call).run();
        let run = run.succeeds().says(&[said]);
        assert_eq!(run.stdout, "", "{call:?}");
    }
    place.write("q.tsv", "q1\tthe\nq2\tmoon\nq3\tzebra\nq4\t\n");
    let search = place.colidx(&["search", "--queries", "q.tsv", "--lexical"]);
    search.args(&INDEX).run().succeeds().says(&[
        "no hits: 2 queries that no document matches: `q1`, `q3`",
        "empty: 1 query",
    ]);
    for command in ["bench", "tune"] {
        let call = place.colidx(&[command, "--queries", "q.tsv"]).args(&index);
        let run = call.run().fails();
        run.says(&["gone.colidx has no documents, so that there is nothing to measure"]);
    }
}

#[test]
fn texts_that_are_not_scored_are_told() {
    let place = Place::new();
    place.write("d/a.txt", "The moon.\n");
    place.write("d/b.txt", "");
    place.write("d/c.txt", b"caf\xe9\n");
    place.write("d/.d.txt", "The moon.\n");
    let rerank = place
        .colidx(&["rerank", "moon", "d", "--model"])
        .arg(model());
    let run = rerank.run().succeeds().says(&[
        "1 hidden name, such as d/.d.txt",
        "1 file without documents, such as d/b.txt",
        "not UTF-8: 1 file, such as d/c.txt",
    ]);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn an_empty_line_at_the_prompt_is_told() {
    let place = Place::with_index();
    let search = place.colidx(&["search"]).args(&INDEX).input("\n  \nmoon\n");
    let run = search.args(&["-k", "1"]).run().succeeds();
    assert_eq!(run.stdout.lines().count(), 1, "{run:#?}");
    assert_eq!(run.stderr.matches("the query is empty").count(), 2);
}

#[test]
fn empty_queries_of_a_file_are_told_and_the_others_answered() {
    let place = Place::with_index();
    place.write("q.tsv", "q1\tthe moon\nq2\t\nq3\t  \nq4\tcoffee\n");
    let told = ["empty: 2 queries", "`q2`, `q3`"];
    let queries = ["--queries", "q.tsv", "-k", "2"];
    let run = place.colidx(&["search"]).args(&INDEX).args(&queries).run();
    let run = run.succeeds().says(&told);
    let keys: Vec<&str> = run.stdout.lines().map(|line| &line[..2]).collect();
    assert_eq!(keys, ["q1", "q1", "q4", "q4"]);
    let bench = place.colidx(&["bench"]).args(&INDEX).args(&queries);
    let bench = bench.run().succeeds().says(&told);
    assert_eq!(bench.json()[0]["queries"], 2);
    // Vectors keep the rows of the file.
    let encode = [
        "encode", "q.tsv", "--as", "queries", "--out", "v", "--model",
    ];
    place
        .colidx(&encode)
        .arg(model())
        .run()
        .succeeds()
        .says(&told);
    let vectors = ["--query-embeddings", "v/query_embeddings.npy"];
    let search = place.colidx(&["search"]).args(&INDEX).args(&queries);
    let again = search.args(&vectors).run().succeeds().says(&told);
    assert_eq!(again.stdout, run.stdout);
    place.write("none.tsv", "q1\t\nq2\t \n");
    for command in ["search", "bench", "tune"] {
        let call = place.colidx(&[command]).args(&INDEX);
        let run = call.args(&["--queries", "none.tsv"]).run().fails();
        assert_eq!(run.stdout, "");
        run.says(&["all queries (2) are empty"]);
    }
    place.write("no.tsv", "");
    let search = place.colidx(&["search"]).args(&INDEX);
    let run = search.args(&["--queries", "no.tsv"]).run().fails();
    run.says(&["no.tsv has no queries"]);
}

#[test]
fn a_measurement_of_nothing_fails() {
    let place = Place::with_index();
    place.write("q.tsv", "q1\tthe moon\nq2\tcoffee\nq3\t\n");
    for (qrels, said) in [
        ("", "has no judgements"),
        ("query-id\tcorpus-id\tscore\n", "has no judgements"),
        ("1\tmoon\t1\n", "no query has judgements in qrels.tsv"),
        ("q1\tD1\t1\nq2\tD2\t1\n", "has no judged document"),
        ("q3\tmoon\t1\n", "all queries (1) are empty"),
        ("[]", "has no judgements"),
        ("q1\tmoon\t0\n", "ndcg@10 would measure nothing"),
        ("q1\tmoon\t0.5\n", "recall@100 would measure nothing"),
        (
            "{\"_id\": \"q1\", \"text\": \"x\"}",
            "expected judgements, got objects with",
        ),
    ] {
        place.write("qrels.tsv", qrels);
        let eval = place.colidx(&["eval", "--queries", "q.tsv", "--qrels", "qrels.tsv"]);
        let run = eval.args(&INDEX).run().fails();
        assert_eq!(run.stdout, "", "{run:#?}");
        run.says(&[said]);
    }
    place.write("qrels.tsv", "q1\tmoon\t1\nq1\tD1\t1\nq3\tmoon\t1\n");
    let eval = place.colidx(&["eval", "--queries", "q.tsv", "--qrels", "qrels.tsv"]);
    let run = eval.args(&INDEX).run().succeeds();
    assert_eq!(run.json()[0]["queries"], 2);
    run.says(&[
        "1 judgement of documents that are not in the index, such as `D1`",
        "empty: 1 query",
        "`q3`",
    ]);
}

#[test]
fn an_ingest_of_nothing_fails_and_names_what_was_skipped() {
    let place = Place::with_index();
    place.write("code/a.xyz", "\0");
    place.write("empty.jsonl", "");
    place.write("bad.jsonl", "{\n{\n");
    place.write("blank.jsonl", "{\"_id\": \"1\", \"text\": \" \"}\n");
    place.write("same.jsonl", CORPUS.lines().next().unwrap());
    let model = model().display().to_string();
    let build = ["build", "--index", "x.colidx", "--force", "--model", &model];
    let add = ["add", "--index", "x.colidx"];
    for (input, more, said) in [
        ("code", &[][..], "a.xyz"),
        ("empty.jsonl", &[], "no documents were read"),
        ("bad.jsonl", &["--skip-bad-lines"], "2 bad lines"),
        ("blank.jsonl", &[], "1 document with neither title nor text"),
    ] {
        for call in [&build[..], &add] {
            let run = place.colidx(call).arg(input).args(more).run().fails();
            run.says(&["no documents were read", said]);
        }
    }
    let encode = ["encode", "blank.jsonl", "--out", "v", "--model", &model];
    place
        .colidx(&encode)
        .run()
        .fails()
        .says(&["no documents were read", "neither title"]);
    assert!(!place.path("v/doc_lens.npy").exists());
    // The index refuses the only document.
    let run = place
        .colidx(&add)
        .args(&["same.jsonl", "--skip-bad-lines"])
        .run();
    run.fails()
        .says(&["no documents were read", "skipped: 1 bad line"]);
    assert_eq!(place.keys("moon").len(), 4, "the index stays");
}
