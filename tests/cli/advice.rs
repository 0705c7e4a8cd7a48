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
        "text-is-words.jsonl",
        "{\"_id\": \"1\", \"words\": \"moon\"}\n",
    );
    place.write("id-is-nr.jsonl", "{\"nr\": \"1\", \"text\": \"moon\"}\n");
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
        "text-is-words.jsonl",
        "id-is-nr.jsonl",
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
            &["rerank", "moon", file, "--model", model],
            &["tune", "--index", "x.colidx", "--queries", file],
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

/// Calls, with the flag that would be without effect and what it is refused for.
#[test]
fn flags_without_effect_are_refused() {
    let place = Place::with_index();
    place.write("q.jsonl", "{\"_id\": \"1\", \"text\": \"moon\"}\n");
    for (call, flag, reason) in [
        (
            "encode q.jsonl --as queries --skip-bad-lines",
            "--skip-bad-lines",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --title-field a",
            "--title-field",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --passage-words 5",
            "--passage-words",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --overlap 5",
            "--overlap",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --long split",
            "--long",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --hidden",
            "--hidden",
            "--as queries",
        ),
        (
            "encode q.jsonl --as queries --document-length 9",
            "--document-length",
            "--as queries",
        ),
        (
            "encode q.jsonl --query-length 9",
            "--query-length",
            "--as documents",
        ),
        (
            "encode q.jsonl --query-prompt a",
            "--query-prompt",
            "--as documents",
        ),
        (
            "build q.jsonl --vectors-field a",
            "--vectors-field",
            "--embeddings",
        ),
        (
            "build q.jsonl --embedding-keys a",
            "--embedding-keys",
            "--embeddings",
        ),
        (
            "build --embeddings v --precision int8",
            "--precision",
            "--embeddings",
        ),
        (
            "add --embeddings v --device cpu",
            "--device",
            "--embeddings",
        ),
        ("compact --model m", "--model", "without --from-text"),
        (
            "compact --retrain --precision int8",
            "--precision",
            "without --from-text",
        ),
        (
            "export --as fast-plaid --out e --dtype f16",
            "--dtype",
            "--as fast-plaid",
        ),
        ("search moon --force", "--force", "without --run-out"),
        ("search moon --format tsv", "--format", "without --queries"),
        (
            "search moon --id-field a",
            "--id-field",
            "without --queries",
        ),
        (
            "search moon --lexical --n-probe 3",
            "--n-probe",
            "--lexical",
        ),
        (
            "search moon --lexical --candidates 3",
            "--candidates",
            "--lexical",
        ),
        ("search moon --lexical --rerank 3", "--rerank", "--lexical"),
        (
            "search moon --lexical --recall 0.9",
            "--recall",
            "--lexical",
        ),
        ("search moon --lexical --model m", "--model", "--lexical"),
        (
            "search moon --lexical --query-prompt a",
            "--query-prompt",
            "--lexical",
        ),
        (
            "search moon --hybrid --fusion rrf --weight 0.3",
            "--weight",
            "--fusion rrf",
        ),
        (
            "search moon --hybrid --fusion rerank --weight 0.3",
            "--weight",
            "--fusion rerank",
        ),
        (
            "search --query-embeddings v --model m",
            "--model",
            "--query-embeddings",
        ),
        (
            "search --query-embeddings v --query-length 9",
            "--query-length",
            "--query-embeddings",
        ),
        (
            "eval --queries q.jsonl --qrels q --lexical --vs-exact",
            "--vs-exact",
            "--lexical",
        ),
        (
            "eval --query-embeddings v --qrels q --precision int8",
            "--precision",
            "--query-emb",
        ),
        (
            "bench --query-embeddings v --model m",
            "--model",
            "--query-embeddings",
        ),
        (
            "tune --query-embeddings v --model m",
            "--model",
            "--query-embeddings",
        ),
        (
            "explain --query-embeddings v moon --device cpu",
            "--device",
            "--query-embeddings",
        ),
        (
            "rerank moon q.jsonl --query-embeddings v",
            "--query-embeddings",
            "with TEXTS",
        ),
        (
            "rerank moon q.jsonl --queries q.jsonl",
            "--queries",
            "with TEXTS",
        ),
    ] {
        let command = call.split(' ').next().unwrap();
        let mut call = place.colidx(&call.split(' ').collect::<Vec<_>>());
        let line = format!("{:?}", call.command);
        if !matches!(command, "encode" | "rerank") {
            call = call.args(&["--index", "x.colidx"]);
        }
        if matches!(command, "build" | "encode") && !line.contains("--embeddings") {
            call = call.arg("--model").arg(model());
        }
        if command == "encode" {
            call = call.args(&["--out", "v"]);
        }
        let run = call.run().refuses_usage();
        assert!(
            run.stderr.contains(&format!("{flag} has no effect")),
            "{line}: {run:#?}"
        );
        assert!(run.stderr.contains(reason), "{line}: {run:#?}");
    }
}

/// Calls whose flags depend on what is read: what of them is told to be without effect.
#[test]
fn flags_that_nothing_was_made_of_are_told() {
    let place = Place::new();
    place.write("a.jsonl", CORPUS);
    place.write("a.md", "# The moon\n\nThe moon.\n");
    place.write("d/a.txt", "The moon.\n");
    let model = model().display().to_string();
    for (call, told) in [
        ("a.jsonl --overlap 5", &["--overlap: nothing was split"][..]),
        (
            "a.jsonl --passage-words 5",
            &["--passage-words: nothing was split"],
        ),
        (
            "a.jsonl --hidden --no-ignore",
            &["--hidden: no folder", "--no-ignore: no folder"],
        ),
        (
            "a.jsonl --title-field heading",
            &["--title-field: no record has a title there"],
        ),
        (
            "a.jsonl --long split --overlap 2",
            &["--overlap: nothing was split"],
        ),
        ("a.jsonl --id-field _id", &[]),
        (
            "a.md --id-field a",
            &["--id-field: no JSON Lines, TSV or CSV"],
        ),
        (
            "a.md --text-field a --title-field b",
            &["--title-field: no JSON", "--text-field: no J"],
        ),
        (
            "a.md --long split",
            &["--long split: no JSON Lines, TSV or CSV"],
        ),
        ("a.md --overlap 5 --passage-words 9", &[]),
        ("d --hidden --no-ignore --overlap 5", &[]),
        ("a.jsonl d --title-field title", &[]),
    ] {
        let words: Vec<&str> = call.split(' ').collect();
        for command in ["build", "encode"] {
            let to = match command {
                "build" => ["--index", "x.colidx"],
                _ => ["--out", "v"],
            };
            let run = place.colidx(&[command]).args(&words).args(&to);
            let run = run.args(&["--force", "--model", &model]).run().succeeds();
            assert_eq!(
                run.stderr.matches("not used: ").count(),
                told.len(),
                "{call}: {run:#?}"
            );
            for words in told {
                let words = format!("not used: {words}");
                assert!(run.stderr.contains(&words), "{call}: {run:#?}");
            }
        }
    }
}

/// Names of fields and columns that no file has.
#[test]
fn a_field_that_is_not_there_is_an_error_that_names_the_flag() {
    let place = Place::with_index();
    place.write("head.tsv", "id\ttext\n1\tmoon\n");
    place.write("none.tsv", "1\tthe moon\n");
    let index = ["--index", "x.colidx"];
    for (file, flag) in [
        ("head.tsv", "--id-field"),
        ("head.tsv", "--text-field"),
        ("head.tsv", "--title-field"),
        ("none.tsv", "--id-field"),
        ("none.tsv", "--text-field"),
        ("none.tsv", "--title-field"),
    ] {
        let said = ["no column is called \"foo\"", &format!("({flag})")];
        let add = place.colidx(&["add", file, flag, "foo"]).args(&index);
        add.run().fails().says(&said);
        if flag != "--title-field" {
            let search = place.colidx(&["search", "--queries", file, flag, "foo"]);
            search.args(&index).run().fails().says(&said);
        }
        let rerank = place.colidx(&["rerank", "moon", file, flag, "foo", "--model"]);
        if flag != "--title-field" {
            rerank.arg(model()).run().fails().says(&said);
        }
    }
}
