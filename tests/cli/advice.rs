//! Advice: a flag that a message names is one that the command has.

use crate::harness::{CORPUS, Place, Run, model};

/// The flags named in a text, each with the command that it is advised for.
fn flags<'a>(command: &'a str, text: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    // Between backticks stands another command to run, or a name.
    for (at, part) in text.split('`').enumerate() {
        let command = match part.strip_prefix("colidx ") {
            Some(call) if at % 2 == 1 => call.split(' ').next().unwrap_or(command),
            _ => command,
        };
        let words = part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        let flags = words.filter(|word| word.starts_with("--") && word.len() > 2);
        found.extend(flags.map(|flag| (command, flag)));
    }
    found
}

#[track_caller]
fn names_only_its_flags(place: &Place, call: &[&str], run: &Run) {
    assert_ne!(run.code, Some(0), "{call:?}: {run:#?}");
    assert!(!run.stderr.contains("panicked"), "{call:?}: {run:#?}");
    for (command, flag) in flags(call[0], &run.stderr) {
        let help = place.colidx(&[command, "--help"]).run().succeeds().stdout;
        let has = flags(command, &help)
            .iter()
            .any(|(_, known)| *known == flag);
        assert!(has, "`colidx {command}` has no {flag}: {call:?}: {run:#?}");
    }
}

#[test]
fn a_flag_that_advice_names_exists() {
    let place = Place::with_index();
    let model = model().display().to_string();
    let model = model.as_str();
    place.write(
        "text-is-query.jsonl",
        "{\"_id\": \"1\", \"query\": \"moon\"}\n",
    );
    place.write("id-is-qid.jsonl", "{\"qid\": \"1\", \"text\": \"moon\"}\n");
    place.write("bad.jsonl", "{\"_id\": \"1\", \"text\": \"moon\"}\n{\n");
    place.write("odd.xyz", CORPUS);
    place.write("q.jsonl", "{\"_id\": \"1\", \"text\": \"moon\"}\n");
    place.write("qrels.tsv", "1\tmoon\t1\n");
    place.write("code/a.xyz", "\0");
    let encode = ["encode", "corpus.jsonl", "--model", model, "--out", "v"];
    place.colidx(&encode).run().succeeds();
    let from_vectors = ["build", "--embeddings", "v", "--index", "v.colidx"];
    place.colidx(&from_vectors).run().succeeds();
    let files = [
        "text-is-query.jsonl",
        "id-is-qid.jsonl",
        "bad.jsonl",
        "odd.xyz",
        "code",
    ];
    for file in files {
        for call in [
            &["build", file, "--index", "y.colidx", "--model", model][..],
            &["add", file, "--index", "x.colidx"],
            &["update", file, "--index", "x.colidx"],
            &["search", "--index", "x.colidx", "--queries", file],
            &["bench", "--index", "x.colidx", "--queries", file],
            &["tune", "--index", "x.colidx", "--queries", file],
            &[
                "eval",
                "--index",
                "x.colidx",
                "--queries",
                file,
                "--qrels",
                "qrels.tsv",
            ],
            &["encode", file, "--model", model, "--out", "y"],
            &[
                "encode", file, "--as", "queries", "--model", model, "--out", "y",
            ],
        ] {
            names_only_its_flags(&place, call, &place.colidx(call).run());
        }
    }
    for call in [
        &[
            "build",
            "corpus.jsonl",
            "--index",
            "x.colidx",
            "--model",
            model,
        ][..],
        &[
            "build",
            "corpus.jsonl",
            "--index",
            "y.colidx",
            "--model",
            "absent",
        ],
        &["add", "corpus.jsonl", "--index", "x.colidx"],
        &["add", "corpus.jsonl", "--index", "v.colidx"],
        &["delete", "--index", "x.colidx", "absent"],
        &["compact", "--index", "v.colidx", "--retrain", "--from-text"],
        &["search", "--index", "absent", "moon"],
        &["search", "--index", "v.colidx", "moon"],
        &["search", "--index", "v.colidx", "--queries", "q.jsonl"],
        &["search", "--index", "x.colidx", "--model", "absent", "moon"],
        &["search", "--index", "x.colidx", "--run-out", "run.trec"],
        &["explain", "--index", "v.colidx", "moon", "1"],
        &["explain", "--index", "x.colidx", "moon", "absent"],
        &["eval", "--index", "x.colidx", "--qrels", "qrels.tsv"],
        &["bench", "--index", "x.colidx"],
        &["tune", "--index", "x.colidx"],
        &["search", "--index", "x.colidx", "--recall", "0.9", "moon"],
        &["encode", "corpus.jsonl", "--model", model, "--out", "v"],
        &["model", "absent"],
        &["info", "--index", "absent"],
        &["verify", "--index", "absent"],
    ] {
        names_only_its_flags(&place, call, &place.colidx(call).run());
    }
}

#[test]
fn fields_of_query_files_can_be_named() {
    let place = Place::with_index();
    place.write("odd.xyz", "{\"qid\": \"q1\", \"query\": \"the moon\"}\n");
    place.write("qrels.tsv", "q1\tmoon\t1\n");
    let fields = [
        "--format",
        "jsonl",
        "--id-field",
        "qid",
        "--text-field",
        "query",
    ];
    for call in [
        &["search", "--index", "x.colidx", "--queries", "odd.xyz"][..],
        &[
            "bench",
            "--index",
            "x.colidx",
            "--queries",
            "odd.xyz",
            "--repeat",
            "1",
        ],
        &[
            "eval",
            "--index",
            "x.colidx",
            "--queries",
            "odd.xyz",
            "--qrels",
            "qrels.tsv",
        ],
    ] {
        place.colidx(call).args(&fields).run().succeeds();
        // Without a file of queries they would be ignored.
        let call = [&[call[0], "--index", "x.colidx"][..], &fields].concat();
        place.colidx(&call).run().refuses_usage();
    }
    let encode = [
        "encode", "odd.xyz", "--as", "queries", "--out", "v", "--model",
    ];
    let encode = place.colidx(&encode).arg(model()).args(&fields);
    encode.run().succeeds();
}

#[test]
fn flags_without_effect_are_refused() {
    let place = Place::new();
    place.write("q.jsonl", "{\"_id\": \"1\", \"text\": \"moon\"}\n");
    for flags in [
        &["--skip-bad-lines"][..],
        &["--title-field", "name"],
        &["--passage-words", "50"],
    ] {
        let call = [
            "encode", "q.jsonl", "--as", "queries", "--out", "v", "--model",
        ];
        let run = place.colidx(&call).arg(model()).args(flags).run();
        run.refuses_usage().says(&[flags[0], "--as queries"]);
    }
}
