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
    run.fails().says(&["it is no directory"]);
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
        run.fails().says(&["device metal:1", "--features metal"]);
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
