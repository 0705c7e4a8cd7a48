//! Building from every kind of corpus.

use std::fs;
use std::io::Write;

use crate::harness::{CORPUS, Place, model};

#[test]
fn a_corpus_becomes_an_index_that_finds_it() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let run = place.build("corpus.jsonl").succeeds();
    assert_eq!(run.stdout, "");
    let run = run.says(&[
        "4 documents",
        "vectors",
        "centroids",
        "bytes a vector",
        "time: read",
    ]);
    assert!(
        !run.stderr.contains("skipped") && !run.stderr.contains("truncated"),
        "{}",
        run.stderr
    );
    assert_eq!(place.keys("Tea and coffee are food for the body")[0], "tea");
    assert_eq!(place.keys("the gene and the protein").len(), 4);
}

#[test]
fn compressed_files_and_standard_input_are_read_alike() {
    let place = Place::with_index();
    let expected = place.keys("light of the sun");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CORPUS.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(CORPUS.as_bytes(), 3).unwrap();
    place.write("corpus.jsonl.gz", &gzip);
    place.write("corpus.jsonl.zst", &zstd);
    for corpus in ["corpus.jsonl.gz", "corpus.jsonl.zst"] {
        place.build_with(corpus, &["--force"]).succeeds();
        assert_eq!(place.keys("light of the sun"), expected, "{corpus}");
    }
    for input in [CORPUS.as_bytes().to_vec(), gzip, zstd] {
        let build = place.colidx(&["build", "-", "--index", "x.colidx", "--force", "--model"]);
        build.arg(model()).input(input).run().succeeds();
        assert_eq!(place.keys("light of the sun"), expected);
    }
}

#[test]
fn tsv_and_other_field_names_are_read() {
    let place = Place::new();
    place.write(
        "corpus.tsv",
        "1\tthe moon and the sun\tsky\n2\tbread and milk\n",
    );
    place.build("corpus.tsv").succeeds();
    assert_eq!(place.keys("bread and milk")[0], "2");
    place.write(
        "names.jsonl",
        "{\"pid\": 7, \"head\": \"sky\", \"body\": \"the moon and the sun\", \"year\": 1969}\n",
    );
    let names = [
        "--id-field",
        "pid",
        "--title-field",
        "head",
        "--text-field",
        "body",
        "--force",
    ];
    place.build_with("names.jsonl", &names).succeeds();
    let hit = place
        .colidx(&["search", "--index", "x.colidx", "--json", "moon"])
        .run()
        .succeeds()
        .json()
        .remove(0);
    assert_eq!((&hit["key"], &hit["title"]), (&"7".into(), &"sky".into()));
}

#[test]
fn folders_of_text_become_passages() {
    let place = Place::new();
    place.write(
        "notes/sky.md",
        "# Sky\n\nThe moon and the sun.\n\n## Night\n\nThe star is small.\n",
    );
    place.write("notes/food.txt", "Bread and milk.\n");
    place.write("notes/picture.png", [0u8, 1, 2]);
    place
        .build("notes")
        .succeeds()
        .says(&["1 file of other formats"]);
    let first = &place.keys("the star is small")[0];
    assert!(first.starts_with("sky.md#"), "{first}");
    assert_eq!(place.keys("bread and milk")[0], "food.txt#1");
}

#[test]
fn one_document_makes_an_index_and_none_does_not() {
    let place = Place::new();
    place.write("none.jsonl", "");
    place
        .build("none.jsonl")
        .fails()
        .says(&["no documents were read"]);
    place.has_no_index();
    place.write("one.jsonl", "{\"_id\": \"a\", \"text\": \"moon\"}");
    place.build("one.jsonl").succeeds().says(&["1 document,"]);
    assert_eq!(place.keys("sun"), ["a"]);
}

#[test]
fn empty_documents_are_counted_and_identical_ones_are_ordered_by_key() {
    let place = Place::new();
    let line = |key: &str, text: &str| format!("{{\"_id\": \"{key}\", \"text\": \"{text}\"}}\n");
    let corpus = [
        line("c", "the moon"),
        line("e", ""),
        line("a", "the moon"),
        line("b", "the moon"),
    ]
    .concat();
    place.write("corpus.jsonl", corpus);
    place
        .build("corpus.jsonl")
        .succeeds()
        .says(&["4 documents", "empty: 1 document without text"]);
    let keys = place.keys("the moon");
    let same: Vec<&String> = keys.iter().filter(|key| *key != "e").collect();
    assert_eq!(same, ["a", "b", "c"]);
}

#[test]
fn documents_without_vectors_are_counted_and_kept() {
    let place = Place::new();
    // Special tokens have vectors too; only this skiplist leaves none of a text without words.
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "modules.json",
    ]
    .into_iter()
    .chain(["sentence_bert_config.json", "model.safetensors"])
    .chain(["1_Dense/config.json", "1_Dense/model.safetensors"])
    {
        place.write(
            &format!("model/{name}"),
            fs::read(model().join(name)).unwrap(),
        );
    }
    let settings = fs::read(model().join("config_sentence_transformers.json")).unwrap();
    let mut settings: serde_json::Value = serde_json::from_slice(&settings).unwrap();
    settings["skiplist_words"] = ["[CLS]", "[unused1]", "[SEP]", "."][..].into();
    place.write(
        "model/config_sentence_transformers.json",
        settings.to_string(),
    );
    let corpus = concat!(
        "{\"_id\": \"moon\", \"text\": \"the moon\"}\n",
        "{\"_id\": \"dots\", \"text\": \"...\"}\n",
        "{\"_id\": \"control\", \"text\": \"\\u0001\\u0002\"}\n",
        "{\"_id\": \"empty\", \"text\": \"\"}\n",
    );
    place.write("corpus.jsonl", corpus);
    let build = [
        "build",
        "corpus.jsonl",
        "--index",
        "x.colidx",
        "--model",
        "model",
    ];
    let run = place.colidx(&build).run().succeeds();
    run.says(&[
        "4 documents, 2 vectors",
        "empty: 1 document without text, 3 without vectors",
    ]);
    assert_eq!(place.keys("the moon"), ["moon"]);
    let explain = ["explain", "--index", "x.colidx", "moon", "dots"];
    let explained = place.colidx(&explain).run().succeeds().stdout;
    assert!(explained.contains("no token vectors"), "{explained}");
}

#[test]
fn long_documents_are_counted() {
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        format!("{{\"_id\": \"a\", \"text\": \"{}\"}}", "moon ".repeat(300)),
    );
    place
        .build("corpus.jsonl")
        .succeeds()
        .says(&["truncated: 1 document", "first 48 tokens"]);
}

#[test]
fn the_same_input_gives_the_same_bytes_for_any_number_of_threads() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let bytes = |threads: &str| {
        place
            .build_with("corpus.jsonl", &["--force", "--threads", threads])
            .succeeds();
        let mut names: Vec<_> = fs::read_dir(place.path("x.colidx"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let all: Vec<Vec<u8>> = names
            .iter()
            .filter(|path| !path.ends_with("lock"))
            .map(|path| fs::read(path).unwrap())
            .collect();
        fs::remove_dir_all(place.path("x.colidx")).unwrap();
        all
    };
    assert_eq!(bytes("1"), bytes("3"));
}

#[test]
fn build_and_info_say_the_same_of_the_size() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let run = place.build("corpus.jsonl").succeeds();
    let size = run
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("size: "));
    let size = size.expect("build tells the size");
    let info = place
        .colidx(&["info", "--index", "x.colidx"])
        .run()
        .succeeds();
    assert!(info.stdout.contains(size), "{size}: {info:#?}");
}

#[test]
fn an_index_that_is_there_is_replaced_only_with_force() {
    let place = Place::with_index();
    place.write("other.jsonl", "{\"_id\": \"only\", \"text\": \"moon\"}");
    place
        .build("other.jsonl")
        .fails()
        .says(&["already holds an index", "--force"]);
    assert_eq!(place.keys("moon").len(), 4);
    place.build_with("other.jsonl", &["--force"]).succeeds();
    assert_eq!(place.keys("moon"), ["only"]);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place.write("x.colidx/thesis.txt", "ten years of work");
    for more in [&[][..], &["--force"]] {
        place
            .build_with("corpus.jsonl", more)
            .fails()
            .says(&["thesis.txt"]);
        assert_eq!(place.read("x.colidx/thesis.txt"), "ten years of work");
    }
}

/// Documents longer than the checkpoint reads: flags, the number of documents, and what is said.
#[test]
fn long_documents_are_named_or_split() {
    let long = "The moon and the earth go around the sun. ".repeat(200);
    let corpus = |key: &str, text: &str| {
        let line = serde_json::json!({"_id": key, "title": "Sky", "text": text, "lang": "en"});
        format!("{line}\n")
    };
    let corpus = corpus("short", "moon") + &corpus("a", &long) + &corpus("b", &long);
    let place = Place::new();
    place.write("c.jsonl", &corpus);
    let run = place.build("c.jsonl").succeeds();
    run.says(&[
        "3 documents",
        "truncated: 2 documents, such as `a`, `b`, of which the first",
    ]);
    let run = place
        .build_with("c.jsonl", &["--force", "--long", "split"])
        .succeeds();
    assert!(!run.stderr.contains("truncated"), "{run:?}");
    let search = [
        "search", "--index", "x.colidx", "--json", "-k", "1000", "moon",
    ];
    let hits = place.colidx(&search).run().succeeds().json();
    assert!(hits.len() > 5);
    for hit in &hits {
        let key = hit["key"].as_str().unwrap();
        assert!(
            key == "short" || key.starts_with("a#") || key.starts_with("b#"),
            "{key}"
        );
        assert_eq!(
            (&hit["title"], &hit["metadata"]["lang"]),
            (&"Sky".into(), &"en".into())
        );
    }
    // With an overlap there are more of them.
    let overlap = ["--force", "--long", "split", "--overlap", "20"];
    place.build_with("c.jsonl", &overlap).succeeds();
    assert!(place.colidx(&search).run().succeeds().json().len() > hits.len());
    place
        .build_with("c.jsonl", &["--force", "--long", "cut"])
        .refuses_usage();
}

/// Files of other formats: key, title, text and a field of the hit.
#[test]
fn pages_and_front_matter_are_read() {
    let place = Place::new();
    place.write(
        "d/sky.html",
        "<title>The sky</title><script>milk()</script><p>The moon &amp; the sun",
    );
    place.write(
        "d/food.md",
        "---\ntitle: Food\nlang: en\n---\nbread and milk\n",
    );
    place.write("d/paper.pdf", "%PDF-1.7");
    place
        .build("d")
        .succeeds()
        .says(&["2 documents", "1 PDF file (`pdftotext` makes text of them)"]);
    let search = ["search", "--index", "x.colidx", "--json", "moon and milk"];
    let hits = place.colidx(&search).run().succeeds().json();
    for (key, title, text, lang) in [
        ("sky.html#1", "The sky", "The moon & the sun", None),
        ("food.md#1", "Food", "bread and milk", Some("en")),
    ] {
        let hit = hits.iter().find(|hit| hit["key"] == key).expect(key);
        assert_eq!((&hit["title"], &hit["text"]), (&title.into(), &text.into()));
        assert_eq!(hit["metadata"]["lang"].as_str(), lang);
    }
    let run = place.build_with("d/paper.pdf", &["--force"]).fails();
    run.says(&[
        "PDF is not read",
        "pdftotext",
        "colidx build - --format text",
    ]);
}
