//! Corpora in folders.

use super::*;

#[test]
fn passage_keys_are_relative_to_the_folder_that_holds_all_inputs() {
    let folder = files(&[
        ("x/README.md", b"# T\none"),
        ("y/README.md", b"two"),
        ("y/z/notes.txt", b"three"),
    ]);
    let open = |inputs: &[&str]| {
        let inputs: Vec<_> = inputs.iter().map(|name| folder.path().join(name)).collect();
        let corpus = Corpus::open(&inputs, CorpusOptions::default()).unwrap();
        corpus.map(Result::unwrap).collect::<Vec<_>>()
    };
    let keys = |inputs: &[&str]| {
        open(inputs)
            .into_iter()
            .map(|document| document.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&["x"]), ["README.md#1"]);
    assert_eq!(keys(&["x/README.md"]), ["README.md#1"]);
    assert_eq!(
        keys(&["x", "y"]),
        ["x/README.md#1", "y/README.md#1", "y/z/notes.txt#1"]
    );
    assert_eq!(
        keys(&["x/README.md", "y/../y/README.md"]),
        ["x/README.md#1", "y/README.md#1"]
    );
    assert_eq!(
        keys(&["y", "y/z"]),
        ["README.md#1", "z/notes.txt#1", "z/notes.txt#1"]
    );
    let document = &open(&["x"])[0];
    assert_eq!(
        (document.title.as_str(), document.text.as_str()),
        ("T", "one")
    );
    assert_eq!(
        Value::Object(document.metadata.clone()),
        serde_json::json!({"path": "README.md", "line_start": 2, "line_end": 2})
    );
}

#[test]
fn folders_of_all_formats_are_read() {
    let folder = files(&[
        ("c.jsonl", b"{\"_id\":\"j\",\"text\":\"x\"}"),
        ("c.tsv", b"t\tx"),
        ("d.md", b"x"),
    ]);
    let mut corpus = Corpus::open(&[folder.path()], CorpusOptions::default()).unwrap();
    assert_eq!(keys(&mut corpus), ["j", "t", "d.md#1"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_read_by_name_and_in_a_folder() {
    use std::os::unix::ffi::OsStrExt;
    let folder = files(&[("b.txt", b"x")]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xE9.txt");
    fs::write(folder.path().join(name), "x").unwrap();
    let read = |path: &Path| keys(&mut Corpus::open(&[path], CorpusOptions::default()).unwrap());
    assert_eq!(read(&folder.path().join(name)), ["caf%E9.txt#1"]);
    assert_eq!(read(folder.path()), ["b.txt#1", "caf%E9.txt#1"]);
}

/// What a folder gives with a chosen format: the files that are read, and why others are not.
#[test]
fn a_chosen_format_holds_for_the_files_of_folders() {
    let folder = files(&[
        ("a.rs", b"fn main() {}"),
        ("sub/b.py", b"print(1)"),
        ("c.md", b"# Heading\ntext"),
        ("LICENSE", b"words"),
        ("d.toml.gz", &gzip(b"[a]")),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("zipped.zst", &zst(b"a\0b")),
        (".hidden", b"x"),
    ]);
    let options = CorpusOptions::new().format(Format::TEXT);
    let mut corpus = Corpus::open(&[folder.path()], options).unwrap();
    let expected = ["LICENSE#1", "a.rs#1", "c.md#1", "d.toml.gz#1", "sub/b.py#1"];
    assert_eq!(keys(&mut corpus), expected);
    let skipped = &corpus.report().skipped;
    let counts = [SkipReason::Binary, SkipReason::Hidden, SkipReason::Format];
    assert_eq!(counts.map(|reason| skipped.count(reason)), [2, 1, 0]);
    // Each format holds, whatever the endings are.
    for (format, content, key) in [
        (Format::JSONL, "{\"_id\": \"j\", \"text\": \"x\"}", "j"),
        (Format::TSV, "docid\tbody\nt\tx", "t"),
        (Format::MARKDOWN, "# A\nx", "%#1"),
    ] {
        for name in ["a.md", "b.txt", "c.data", "d", "e.json"] {
            let folder = files(&[(name, content.as_bytes())]);
            let options = CorpusOptions::new().format(format);
            let mut corpus = Corpus::open(&[folder.path()], options).unwrap();
            assert_eq!(
                keys(&mut corpus),
                [key.replace('%', name)],
                "{format} {name}"
            );
        }
    }
    // A folder without text files.
    let folder = files(&[("x.bin", b"a\0"), (".y", b"text")]);
    let options = CorpusOptions::new().format(Format::TEXT);
    let mut corpus = Corpus::open(&[folder.path()], options).unwrap();
    let error = corpus.next().unwrap().unwrap_err().to_string();
    for words in [
        "no documents were read",
        "1 file that is not text",
        "x.bin",
        ".y",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// Collections as they are unpacked: only the corpus is read, and the rest is reported.
#[test]
fn queries_and_judgements_beside_a_corpus_are_left_out() {
    let qrels = b"query-id\tcorpus-id\tscore\nq\td\t1\n";
    let json = b"{\"_id\": \"d\", \"text\": \"x\"}";
    let query = b"{\"_id\": \"q\", \"text\": \"what\"}";
    for collection in [
        files(&[
            ("corpus.jsonl", json),
            ("queries.jsonl", query),
            ("qrels/test.tsv", qrels),
            ("qrels/dev.tsv", qrels),
        ]),
        files(&[
            ("corpus.jsonl.gz", &gzip(json)),
            ("queries.jsonl.gz", &gzip(query)),
            ("qrels.tsv.zst", &zst(qrels)),
        ]),
        files(&[
            ("collection.tsv", b"d\tx"),
            ("queries.dev.small.tsv", b"q\twhat"),
            ("qrels.dev.small.tsv", b"q\t0\td\t1"),
        ]),
        files(&[
            ("scifact/corpus.jsonl", json),
            ("scifact/queries.jsonl", query),
            ("scifact/qrels/test.tsv", qrels),
        ]),
    ] {
        for format in [false, true] {
            let is_json = collection.path().join("corpus.jsonl").exists();
            let format = (format && is_json).then_some(Format::JSONL);
            let options = CorpusOptions::new().format(format);
            let mut corpus = Corpus::open(&[collection.path()], options).unwrap();
            assert_eq!(keys(&mut corpus), ["d"]);
            let skipped = &corpus.report().skipped;
            let counts = [SkipReason::Queries, SkipReason::Judgements];
            assert_eq!(counts.map(|reason| skipped.count(reason)), [1, 1]);
            let lines = skipped.lines().join("\n");
            assert!(lines.contains("of queries beside the corpus") && lines.contains("qrels"));
        }
    }
    // Without a corpus such names are documents like others, but judgements never are.
    let folder = files(&[("queries.md", b"How to write queries")]);
    let mut corpus = Corpus::open(&[folder.path()], CorpusOptions::new()).unwrap();
    assert_eq!(keys(&mut corpus), ["queries.md#1"]);
    let folder = files(&[("qrels/test.tsv", qrels)]);
    let mut corpus = Corpus::open(&[folder.path()], skipping()).unwrap();
    let error = corpus.next().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("test.tsv:1: expected documents or queries, got relevance"),
        "{error}"
    );
}
