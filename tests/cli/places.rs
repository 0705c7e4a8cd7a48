//! Places of another kind than a flag means are said to be that.

use crate::harness::{Place, model};

#[test]
fn what_a_place_is_and_what_was_expected_is_said() {
    let place = Place::with_index();
    let model = model().display().to_string();
    let model = model.as_str();
    place.write("q.tsv", "q1\tmoon\n");
    place.write("folder/a.txt", "moon");
    for file in ["config.json", "model.safetensors"] {
        place.write(&format!("checkpoint/{file}"), "{}");
    }
    let file = "corpus.jsonl is a file, not the directory of an index";
    let index = "x.colidx is a colidx index, not ";
    let checkpoint = " is a model checkpoint, not ";
    let qrels = ["--queries", "q.tsv", "--qrels"];
    for (call, said) in [
        (&["search", "--index", "corpus.jsonl", "moon"][..], file),
        (&["info", "--index", "corpus.jsonl"], file),
        (&["verify", "--index", "corpus.jsonl"], file),
        (&["compact", "--index", "corpus.jsonl"], file),
        (&["delete", "--index", "corpus.jsonl", "moon"], file),
        (&["add", "corpus.jsonl", "--index", "corpus.jsonl"], file),
        (
            &[
                "build",
                "q.tsv",
                "--index",
                "corpus.jsonl",
                "--model",
                model,
            ],
            file,
        ),
        (&["search", "--index", model, "moon"], checkpoint),
        (
            &["build", "q.tsv", "--index", model, "--model", model],
            checkpoint,
        ),
        (
            &["build", model, "--index", "y", "--model", model],
            checkpoint,
        ),
        (
            &["build", "x.colidx", "--index", "y", "--model", model],
            index,
        ),
        (&["add", "x.colidx", "--index", "x.colidx"], index),
        (
            &["encode", "x.colidx", "--model", model, "--out", "v"],
            index,
        ),
        (
            &["build", "q.tsv", "--index", "y", "--model", "x.colidx"],
            index,
        ),
        (&["model", "x.colidx"], index),
        (
            &[
                "search", "--index", "x.colidx", "--model", "x.colidx", "moon",
            ],
            index,
        ),
        (
            &["build", "--embeddings", "x.colidx", "--index", "y"],
            index,
        ),
        (
            &["search", "--index", "x.colidx", "--queries", "x.colidx"],
            index,
        ),
        (
            &["search", "--index", "x.colidx", "--queries", "folder"],
            "folder is a directory, not a query file",
        ),
        (
            &[
                "eval", "--index", "x.colidx", qrels[0], qrels[1], qrels[2], "folder",
            ],
            "folder is a directory, not a file of judgements",
        ),
        (
            &["search", "--index", "x.colidx", "--keys", "folder", "moon"],
            "folder is a directory, not a file of keys",
        ),
        (
            &["delete", "--index", "x.colidx", "--keys", "x.colidx"],
            index,
        ),
        (
            &[
                "build",
                "--embeddings",
                "folder",
                "--embedding-keys",
                "folder",
                "--index",
                "y",
            ],
            "folder is a directory, not a file of keys",
        ),
        (
            &["import", "folder", "--index", "y", "--collection", "folder"],
            "folder is a directory, not a TSV collection",
        ),
        (
            &[
                "export",
                "--index",
                "x.colidx",
                "--as",
                "npy",
                "--out",
                "checkpoint",
            ],
            checkpoint,
        ),
        (&["man", "checkpoint"], checkpoint),
        (
            &["tune", "--index", "x.colidx", "--queries", "folder"],
            "folder is a directory, not a query file",
        ),
        (
            &["tune", "--index", "corpus.jsonl", "--queries", "q.tsv"],
            file,
        ),
        (&["rerank", "moon", "x.colidx", "--model", model], index),
        (
            &[
                "rerank",
                "--index",
                "x.colidx",
                "--run",
                "folder",
                "--queries",
                "q.tsv",
            ],
            "folder is a directory, not a TREC run",
        ),
        (&["import", "x.colidx", "--index", "y"], index),
        (&["agents", "corpus.jsonl"], file),
        (
            &["model", "corpus.jsonl"],
            "corpus.jsonl is a file, not a model checkpoint",
        ),
    ] {
        let run = place.colidx(call).run().fails();
        assert!(!run.stderr.contains("os error"), "{call:?}: {run:#?}");
        run.says(&[said]);
    }
    assert!(!place.path("y").exists());
}
