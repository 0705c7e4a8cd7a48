use super::*;
use crate::LineFault;
use crate::files::{gzip, zst};
use std::fs;
use std::io;

fn lines(text: &str) -> Corpus {
    reader(
        text.as_bytes().to_vec(),
        Format::JSONL,
        CorpusOptions::default(),
    )
}

fn reader(bytes: Vec<u8>, format: Format, options: CorpusOptions) -> Corpus {
    Corpus::from_reader(io::Cursor::new(bytes), "corpus", format, options).unwrap()
}

fn skipping() -> CorpusOptions {
    CorpusOptions::new().skip_bad_lines(true)
}

fn keys(corpus: &mut Corpus) -> Vec<String> {
    corpus.map(|document| document.unwrap().key).collect()
}

fn files(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn documents_carry_their_place_and_empty_ones_count() {
    let mut corpus = lines(
        "{\"_id\":\"a\",\"text\":\"x\",\"n\":1}\r\n\n  \n{\"_id\":2,\"title\":\"T\",\"text\":\" \"}",
    );
    let documents: Vec<Document> = corpus.by_ref().map(Result::unwrap).collect();
    assert_eq!(documents[0].metadata["n"], 1);
    assert_eq!(
        (documents[1].key.as_str(), documents[1].title.as_str()),
        ("2", "T")
    );
    assert_eq!(documents[1].place.to_string(), "corpus:4");
    let expected = CorpusReport {
        documents: 2,
        empty: 1,
        files: 1,
        records: 2,
        titled: 1,
        ..CorpusReport::default()
    };
    assert_eq!(corpus.report(), &expected);
}

#[test]
fn a_bad_line_ends_the_corpus_by_default() {
    let mut corpus =
        lines("{\"_id\":\"a\",\"text\":\"x\"}\n{\"_id\":\"b\"}\n{\"_id\":\"c\",\"text\":\"x\"}\n");
    assert!(corpus.next().unwrap().is_ok());
    let error = corpus.next().unwrap().unwrap_err().to_string();
    assert!(
        error.starts_with("corpus:2: missing field \"text\""),
        "{error}"
    );
    assert!(!error.contains("--"), "{error}");
    assert!(corpus.next().is_none());
}

#[test]
fn bad_lines_can_be_counted_instead() {
    let mut text: Vec<u8> =
        b"oops\n[]\n{\"_id\":\"a\",\"text\":\"x\"}\n\xFF\n{}\n\"\"\n{\"_id\":\"\",\"text\":\"\"}\n"
            .to_vec();
    text.extend([b'x'; 100]);
    text.extend(b"\n{\"_id\":\"b\",\"text\":\"x\"}");
    let mut corpus = reader(text, Format::JSONL, skipping().line_limit(50));
    assert_eq!(keys(&mut corpus), ["a", "b"]);
    let report = corpus.report();
    assert_eq!(
        (
            report.documents,
            report.bad_lines,
            report.bad_line_messages.len()
        ),
        (2, 7, 5)
    );
    assert!(report.bad_line_messages[2].starts_with("corpus:4: invalid UTF-8 at byte"));
}

#[test]
fn nothing_is_read_ahead_of_need() {
    // A corpus without end: only streaming can get anywhere.
    struct Endless {
        line: &'static [u8],
        at: usize,
    }
    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            for byte in out.iter_mut() {
                *byte = self.line[self.at];
                self.at = (self.at + 1) % self.line.len();
            }
            Ok(out.len())
        }
    }
    let text = b"# Heading\n\nSome words of text.\n\n{\"_id\":1,\"text\":\"\"}\n";
    for format in [Format::TEXT, Format::MARKDOWN] {
        let endless = Endless { line: text, at: 0 };
        let mut corpus =
            Corpus::from_reader(endless, "x", format, CorpusOptions::default()).unwrap();
        assert_eq!(corpus.by_ref().take(100).filter(Result::is_ok).count(), 100);
        assert!(corpus.bytes_read() < 1 << 20);
    }
    let mut corpus = Corpus::from_reader(
        Endless {
            line: &text[31..],
            at: 1,
        },
        "x",
        Format::JSONL,
        CorpusOptions::default(),
    )
    .unwrap();
    assert_eq!(
        corpus.by_ref().take(10_000).filter(Result::is_ok).count(),
        10_000
    );
    assert!(corpus.bytes_read() < 1 << 20);
    // One line without end: refused as soon as the limit is passed.
    for (format, options) in [
        (Format::JSONL, CorpusOptions::default()),
        (Format::TEXT, CorpusOptions::default()),
    ] {
        let mut corpus =
            Corpus::from_reader(Endless { line: b"xy", at: 0 }, "x", format, options).unwrap();
        let error = corpus.next().unwrap().unwrap_err();
        assert!(matches!(
            error,
            InputError::BadLine {
                fault: LineFault::TooLong { limit: 16_777_216 },
                ..
            }
        ));
        assert!(corpus.bytes_read() < (17 << 20));
    }
}

#[test]
fn tsv_with_and_without_header() {
    let mut corpus = reader(
        b"id\ttext\ttitle\n1\tx\tT\n\n2\ty\n".to_vec(),
        Format::TSV,
        CorpusOptions::default(),
    );
    assert_eq!(keys(&mut corpus), ["1", "2"]);
    let mut corpus = reader(
        b"1\tx\nid\ttext\n3\n".to_vec(),
        Format::TSV,
        CorpusOptions::default(),
    );
    assert_eq!(corpus.next().unwrap().unwrap().key, "1");
    assert_eq!(corpus.next().unwrap().unwrap().key, "id");
    let error = corpus.next().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("corpus:3: expected 2 or 3 columns"),
        "{error}"
    );
}

#[test]
fn any_mix_of_inputs() {
    let folder = files(&[
        ("c.jsonl.gz", &gzip(b"{\"_id\":\"j\",\"text\":\"x\"}")),
        ("c.tsv.zst", &zst(b"t\tx")),
        ("docs/a.md", b"# A\none\n# B\ntwo"),
        ("docs/sub/b.txt.gz", &gzip(b"text")),
        ("docs/.hidden.md", b"x"),
        ("docs/image.png", b"x"),
    ]);
    let inputs = ["c.jsonl.gz", "c.tsv.zst", "docs"].map(|name| folder.path().join(name));
    let mut corpus = Corpus::open(&inputs, CorpusOptions::default()).unwrap();
    let total = corpus.bytes_total().unwrap();
    assert_eq!(
        keys(&mut corpus),
        [
            "j",
            "t",
            "docs/a.md#1",
            "docs/a.md#2",
            "docs/sub/b.txt.gz#1"
        ]
    );
    assert_eq!(
        (
            corpus.report().files,
            corpus.report().skipped.count(SkipReason::Format),
            corpus.report().skipped.count(SkipReason::Hidden)
        ),
        (4, 1, 1)
    );
    assert_eq!(corpus.bytes_read(), total);
}

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
fn a_format_overrides_names() {
    let folder = files(&[
        ("corpus.data", b"{\"_id\":\"a\",\"text\":\"\"}"),
        ("d/e.jsonl", b"{\"_id\":\"b\",\"text\":\"\"}"),
    ]);
    let inputs = ["corpus.data", "d"].map(|name| folder.path().join(name));
    let error = Corpus::open(&inputs, CorpusOptions::default())
        .err()
        .unwrap();
    let error = error.to_string();
    assert!(error.contains("corpus.data") && error.contains("say which format it has"));
    let options = CorpusOptions::new().format(Format::JSONL);
    assert_eq!(
        keys(&mut Corpus::open(&inputs, options).unwrap()),
        ["a", "b"]
    );
}

#[test]
fn every_input_is_looked_at_before_any_is_read() {
    let folder = files(&[("a.jsonl", b"{\"_id\":\"a\",\"text\":\"\"}")]);
    let inputs = ["a.jsonl", "absent.jsonl"].map(|name| folder.path().join(name));
    let error = Corpus::open(&inputs, CorpusOptions::default())
        .err()
        .unwrap();
    assert!(
        matches!(&error, InputError::Unreadable { file, .. } if file.ends_with("absent.jsonl"))
    );
    assert!(matches!(
        Corpus::open(&["-", "-"], CorpusOptions::default()),
        Err(InputError::StandardInputTwice)
    ));
    assert!(matches!(
        Corpus::open::<&str>(&[], CorpusOptions::default()),
        Err(InputError::NoInput)
    ));
}

#[test]
fn truncated_files_stop_the_corpus_even_when_bad_lines_are_skipped() {
    let text: String = (0..30_000)
        .map(|n| format!("{{\"_id\":{n},\"text\":\"{}\"}}\n", n * 7919))
        .collect();
    for (name, bytes) in [
        ("c.jsonl.gz", gzip(text.as_bytes())),
        ("c.jsonl.zst", zst(text.as_bytes())),
    ] {
        let folder = files(&[(name, &bytes[..bytes.len() / 2])]);
        let mut corpus = Corpus::open(&[folder.path().join(name)], skipping()).unwrap();
        let last = corpus.by_ref().last().unwrap();
        assert!(
            matches!(last, Err(InputError::Truncated { .. })),
            "{last:?}"
        );
        assert!(corpus.report().documents > 0);
    }
}

#[test]
fn a_bad_text_file_ends_there_and_the_next_one_is_read() {
    let folder = files(&[("a.txt", b"fine\n\n\xFF\xFE bad\nmore"), ("b.txt", b"good")]);
    let inputs = ["a.txt", "b.txt"].map(|name| folder.path().join(name));
    let mut corpus = Corpus::open(&inputs, skipping()).unwrap();
    assert_eq!(keys(&mut corpus), ["a.txt#1", "b.txt#1"]);
    assert_eq!(corpus.report().bad_lines, 1);
    let mut corpus = Corpus::open(&inputs, CorpusOptions::default()).unwrap();
    assert!(corpus.next().unwrap().is_err());
}

/// Files of a folder: name, bytes, and the text that is read of it, if it is read.
#[test]
fn one_file_in_another_encoding_does_not_end_a_folder() {
    let table: &[(&str, &[u8], Option<&str>)] = &[
        ("a.txt", b"caf\xE9", Some("caf\u{fffd}")),
        ("b.md", b"caf\xE9", Some("caf\u{fffd}")),
        ("c.html", b"<p>caf\xE9", Some("caf\u{fffd}")),
        ("d.rs", b"// caf\xE9", Some("// caf\u{fffd}")),
        ("utf16.txt", b"\xFF\xFEm\0o\0o\0n\0", None),
        ("utf16.md", b"m\0o\0o\0n\0", None),
        ("zero.html", b"<p>\0", None),
        ("unknown", b"caf\xE9 x", None),
        ("z.txt", b"fine", Some("fine")),
    ];
    let all: Vec<(&str, &[u8])> = table
        .iter()
        .map(|&(name, bytes, _)| (name, bytes))
        .collect();
    let folder = files(&all);
    let mut corpus = Corpus::open(&[folder.path()], CorpusOptions::default()).unwrap();
    let texts: Vec<String> = corpus
        .by_ref()
        .map(|document| document.unwrap().text)
        .collect();
    let expected: Vec<&str> = table.iter().filter_map(|&(_, _, text)| text).collect();
    assert_eq!(texts, expected);
    let report = corpus.report();
    assert_eq!(
        (report.replaced, report.skipped.count(SkipReason::Binary)),
        (4, 4)
    );
    assert!(report.replaced_example.as_ref().unwrap().ends_with("a.txt"));
    // A corpus of records has no bytes to spare.
    let folder = files(&[("a.jsonl", b"{\"_id\": \"1\", \"text\": \"caf\xE9\"}")]);
    let mut corpus = Corpus::open(&[folder.path()], CorpusOptions::default()).unwrap();
    assert!(corpus.next().unwrap().is_err());
}

#[test]
fn no_documents_at_all_is_an_error_that_says_why() {
    let folder = files(&[
        ("a.jsonl", b""),
        ("b.md", b"\n"),
        ("c.jsonl.gz", &gzip(b"")),
        ("d.tsv", b"\xEF\xBB\xBF"),
        ("full.tsv", b"1\tx"),
        ("empty/x.png", b"x"),
        ("empty/y.json", b"x"),
        ("empty/sub/z.txt", b"\n\n"),
    ]);
    let read = |names: &[&str]| {
        let inputs: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
        let mut corpus = Corpus::open(&inputs, CorpusOptions::default()).unwrap();
        let last = corpus.by_ref().last().unwrap();
        assert!(corpus.next().is_none());
        last.map_err(|error| error.to_string())
    };
    let error = read(&["a.jsonl", "b.md", "c.jsonl.gz", "d.tsv"]).unwrap_err();
    for words in [
        "a.jsonl, ",
        "no documents were read",
        "4 files without documents, such as ",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(read(&["a.jsonl", "full.tsv"]).is_ok());
    // A folder is a promise of its own.
    for inputs in [&["full.tsv", "empty"][..], &["empty", "full.tsv"]] {
        let error = read(inputs).unwrap_err();
        for words in [
            "1 file of other formats, such as ",
            "x.png",
            "1 file of JSON or CSV",
            "y.json",
            "1 file without documents, such as ",
            "z.txt",
        ] {
            assert!(error.contains(words), "{words}: {error}");
        }
        assert!(!error.contains("full.tsv"), "{error}");
    }
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

/// Folders named by mistake, and what the error calls them.
#[test]
fn other_things_in_the_place_of_a_corpus_are_named() {
    let magic = *b"\x8aindex\r\n";
    let folder = files(&[
        ("index/manifest", b"\x8aindex\r\n and more"),
        ("half/build.journal", b"\x8aindex\r\n"),
        ("model/config.json", b"{}"),
        ("model/vocab.txt", b"[PAD]\n"),
        ("vectors/doc_embeddings.npy", b"x"),
        ("vectors/doc_lens.npy", b"x"),
        ("docs/a.txt", b"x"),
        ("docs/config.json", b"{}"),
    ]);
    for (name, kind) in [
        ("index", "an index"),
        ("half", "an index"),
        ("model", "a model"),
        ("vectors", "a folder of token vectors"),
    ] {
        for format in [None, Some(Format::TEXT)] {
            let options = CorpusOptions::new().index_magic(magic).format(format);
            let error = Corpus::open(&[folder.path().join(name)], options)
                .err()
                .unwrap();
            let error = error.to_string();
            assert!(
                error.contains(&format!("{name} is {kind}, expected a corpus")),
                "{error}"
            );
        }
    }
    let options = CorpusOptions::new().index_magic(magic);
    assert!(Corpus::open(&[folder.path().join("docs")], options).is_ok());
}

#[test]
fn a_header_that_is_not_known_ends_the_corpus_even_when_bad_lines_are_skipped() {
    for text in ["id\tsatz\n1\tein Satz\n", "nr\tsatz\n1\tein Satz\n"] {
        let mut corpus = reader(text.as_bytes().to_vec(), Format::TSV, skipping());
        let last = corpus.by_ref().last().unwrap().unwrap_err().to_string();
        assert!(
            last.contains("\"satz\": expected one for the key"),
            "{last}"
        );
    }
    let text = b"nr\tinhalt\n1\tein Satz\n".to_vec();
    let options = CorpusOptions::new().id_field("nr").text_field("inhalt");
    let mut corpus = reader(text, Format::TSV, options);
    let document = corpus.next().unwrap().unwrap();
    assert_eq!((&*document.key, &*document.text), ("1", "ein Satz"));
}

#[test]
fn a_header_behind_blank_lines_or_a_byte_order_mark_is_a_header() {
    for text in [
        "\n \ndocid\ttitle\tbody\r\n1\tT\tx\r\n",
        "\u{feff}docid\ttitle\tbody\n1\tT\tx\n",
    ] {
        let mut corpus = reader(text.as_bytes().to_vec(), Format::TSV, CorpusOptions::new());
        let document = corpus.next().unwrap().unwrap();
        assert_eq!((&*document.title, &*document.text), ("T", "x"));
        assert!(corpus.next().is_none());
    }
}

mod trees;
