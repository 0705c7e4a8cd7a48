//! `colidx model`, and how a checkpoint computes.

use crate::harness::{CORPUS, Place, fields, model};

#[test]
fn model_tells_what_a_checkpoint_is() {
    let place = Place::new();
    let page = place.shell(r#""$0" model "$MODEL""#).run().succeeds();
    for word in [
        "tiny-bert\n",
        "bert, 2 layers of 32 dimensions",
        "16 dimensions",
        "48 tokens, marked with [unused1]",
        "32 words: ! \" #",
        "16 tokens, marked with [unused0]",
        "padded with [MASK], which the others do not attend to",
        "not lower-cased",
        "fingerprint",
        "f32 on cpu",
    ] {
        assert!(page.stdout.contains(word), "{word}: {page:#?}");
    }
    assert_eq!(page.stderr, "");
    let json = place.shell(r#""$0" model "$MODEL" --json"#).run();
    let line = json.succeeds().stdout;
    let names = fields(&line);
    for name in ["name", "architecture", "dim", "skiplist", "fingerprint"] {
        assert!(names.iter().any(|n| n == name), "{name}: {line}");
    }
    assert!(
        line.contains(r#""precision":"f32","device":"cpu""#),
        "{line}"
    );
}

#[test]
fn an_encoder_without_projection_works_and_says_so() {
    let place = Place::new();
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../colidx-encoder/tests/fixtures/tiny-plain"
    );
    let page = place.colidx(&["model", model]).run().succeeds();
    for word in ["sentence-transformers", "no projection", "no marker"] {
        assert!(page.stdout.contains(word), "{word}: {page:#?}");
    }
    assert!(
        page.stderr.contains("not trained for late interaction"),
        "{page:#?}"
    );
    place.write("one.jsonl", "{\"_id\": \"a\", \"text\": \"water\"}\n");
    let build = place
        .colidx(&[
            "build",
            "one.jsonl",
            "--index",
            "plain.colidx",
            "--model",
            model,
        ])
        .run();
    build.succeeds();
    let hits = place
        .colidx(&["search", "--index", "plain.colidx", "--json", "water"])
        .run();
    assert!(hits.succeeds().stdout.contains("\"key\":\"a\""));
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let place = Place::new();
    place.write("broken/modules.json", "[]");
    let run = place.colidx(&["model", "broken"]).run().fails();
    run.says(&["broken/modules.json"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    let run = place.colidx(&["model", "empty"]).run().fails();
    run.says(&["empty"]);
    let run = place.colidx(&["model", "broken/modules.json"]).run();
    run.fails().says(&["is a file, not a model checkpoint"]);
}

#[test]
fn every_command_takes_precision_and_device() {
    let place = Place::with_index();
    place.write("queries.tsv", "1\tthe moon\n");
    place.write("qrels.tsv", "1\t0\tmoon\t1\n");
    let model = model().display().to_string();
    let index = ["--index", "x.colidx"];
    let queries = ["--queries", "queries.tsv"];
    let calls = [
        [&["model", &model][..], &[]].concat(),
        [
            &["build", "corpus.jsonl", "--force", "--model", &model][..],
            &index,
        ]
        .concat(),
        [&["search", "the moon"][..], &index].concat(),
        [&["search"][..], &queries, &index].concat(),
        [&["eval", "--qrels", "qrels.tsv"][..], &queries, &index].concat(),
        [&["bench"][..], &queries, &index].concat(),
        [&["tune"][..], &queries, &index].concat(),
        [&["explain", "the moon", "tea"][..], &index].concat(),
        [
            "encode",
            "corpus.jsonl",
            "--out",
            "v",
            "--force",
            "--model",
            &model,
        ]
        .to_vec(),
    ];
    for call in calls {
        for precision in ["f32", "int8"] {
            let run = place.colidx(&call).args(&["--precision", precision]).run();
            run.succeeds();
        }
        let run = place.colidx(&call).args(&["--device", "metal:1"]).run();
        run.fails()
            .says(&["device metal:1", "feature `cuda` or `metal`"]);
        for wrong in [["--device", "gpu"], ["--precision", "f16"]] {
            let run = place.colidx(&call).args(&wrong).run().refuses_usage();
            run.says(&["none of"]);
        }
    }
}

#[test]
fn int8_builds_an_index_that_finds_the_same() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place
        .build_with("corpus.jsonl", &["--precision", "int8"])
        .succeeds();
    assert_eq!(place.keys("Tea and coffee are food for the body")[0], "tea");
    let info = place.colidx(&["info", "--index", "x.colidx"]).run();
    let page = info.succeeds().stdout;
    assert!(page.contains("computed in int8"), "{page}");
}

fn fixture(name: &str) -> String {
    format!(
        "{}/../colidx-encoder/tests/fixtures/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

#[test]
fn model_tells_every_setting_and_where_it_comes_from() {
    let place = Place::new();
    let model = fixture("mve-prompts-min-modernbert");
    let page = place.colidx(&["model", &model]).run().succeeds().stdout;
    for words in [
        &["MultiVectorEncoder"][..],
        &[
            "query prompt",
            "search_query: ",
            "config_sentence_transformers.json: prompts.query",
        ],
        &[
            "query skiplist",
            ". ,",
            "2_MultiVectorMask/config.json: skiplist_words",
        ],
        &[
            "expanded to",
            "16",
            "sentence_bert_config.json: query_expansion: length",
        ],
        &["to 16 tokens at least"],
        &[
            "lower-cased first",
            "no",
            "default of sentence-transformers",
        ],
        &[
            "module 1_Dense",
            "16 to 8",
            "1_Dense/config.json: activation_function",
        ],
    ] {
        let line = page
            .lines()
            .find(|line| words.iter().all(|word| line.contains(word)));
        assert!(line.is_some(), "{words:?}: {page}");
    }
    let json = place
        .colidx(&["model", &model, "--json"])
        .run()
        .succeeds()
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["query_prompt"], "search_query: ");
    let settings = json["settings"].as_array().unwrap();
    assert!(
        settings
            .iter()
            .any(|setting| setting["name"] == "query prompt"
                && setting["origin"] == "config_sentence_transformers.json: prompts.query")
    );
    // A key that colidx does not know is told, on the page of errors and in JSON.
    let stale = fixture("stanford-stale-modules-json");
    let run = place.colidx(&["model", &stale, "--json"]).run().succeeds();
    assert!(run.stderr.contains("modules.json"), "{run:#?}");
    assert!(run.stdout.contains("\"notes\":[\"modules.json"), "{run:#?}");
}

/// An index remembers prompts and lengths, and queries are made as it expects.
#[test]
fn an_index_remembers_prompts_and_lengths() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let model = fixture("pylate-prompts-behind-markers");
    let build = |index: &str, options: &[&str]| {
        let call = ["build", "corpus.jsonl", "--index", index, "--model", &model];
        place.colidx(&call).args(options).run().succeeds();
        let info = place.colidx(&["info", "--json", "--index", index]).run();
        let info: serde_json::Value = serde_json::from_str(&info.succeeds().stdout).unwrap();
        info["model"].clone()
    };
    let own = build("own.colidx", &[]);
    assert_eq!(own["query_prompt"], "search query: ");
    assert_eq!(own["document_prompt"], "search document: ");
    let other = build(
        "other.colidx",
        &[
            "--query-prompt",
            "",
            "--document-prompt",
            "the ",
            "--document-length",
            "20",
            "--query-length",
            "14",
        ],
    );
    assert_eq!(other["document_prompt"], "the ");
    assert_eq!(
        (&other["document_length"], &other["query_length"]),
        (&20.into(), &14.into())
    );
    assert!(other.get("query_prompt").is_none());
    let page = place
        .colidx(&["info", "--index", "other.colidx"])
        .run()
        .succeeds()
        .stdout;
    assert!(
        page.contains("documents of 20 tokens") && page.contains("then \"the \""),
        "{page}"
    );

    // Both are searched as they were built, without a word.
    let scores = |index: &str, options: &[&str]| {
        let call = ["search", "--index", index, "--json", "the moon and the sun"];
        let run = place.colidx(&call).args(options).run().succeeds();
        (run.stdout, run.stderr)
    };
    let (kept, said) = scores("other.colidx", &[]);
    assert!(
        !said.contains("prompt") && !said.contains("length"),
        "{said}"
    );
    let (same, _) = scores(
        "other.colidx",
        &["--query-prompt", "", "--query-length", "14"],
    );
    let score = |hits: &str| -> f64 {
        let first: serde_json::Value = serde_json::from_str(hits.lines().next().unwrap()).unwrap();
        first["score"].as_f64().unwrap()
    };
    assert_eq!(score(&kept), score(&same));
    // Other queries are made when they are asked for, and that is told.
    let (others, said) = scores(
        "other.colidx",
        &["--query-prompt", "search query: ", "--query-length", "16"],
    );
    assert!(
        said.contains("the query prompt") && said.contains("the query length"),
        "{said}"
    );
    assert_ne!(score(&kept), score(&others));
    // Documents of two kinds are refused.
    place.write("more.jsonl", "{\"_id\": \"more\", \"text\": \"water\"}\n");
    let add = ["add", "more.jsonl", "--index", "other.colidx"];
    let run = place
        .colidx(&add)
        .args(&["--document-prompt", "a "])
        .run()
        .refuses_usage();
    run.says(&["document prompt", "rebuild the index"]);
    let run = place
        .colidx(&add)
        .args(&["--document-length", "30"])
        .run()
        .refuses_usage();
    run.says(&["document length 30", "20"]);
    place.colidx(&add).run().succeeds();
}
