//! Files of folders: what is read of each kind, and how it is cut.

use super::*;

/// A tree of source files: what each gives, told by its first key, or that it is left out.
#[test]
fn source_trees_are_read_by_name_or_by_content() {
    for (name, content, key) in [
        (
            "src/lib.rs",
            &b"fn a() {}\n\nfn b() {}\n"[..],
            Some("src/lib.rs#1:1-3"),
        ),
        ("a.py", b"\n\ndef f():\n    pass\n", Some("a.py#1:3-4")),
        ("Makefile", b"all:\n\techo\n", Some("Makefile#1:1-2")),
        ("a.unknown", b"words\n", Some("a.unknown#1:1-1")),
        ("run", b"#!/bin/sh\necho\n", Some("run#1:1-2")),
        ("a.rs.gz", &gzip(b"fn a() {}"), Some("a.rs.gz#1:1-1")),
        ("crlf.c", b"int a;\r\nint b;\r\n", Some("crlf.c#1:1-2")),
        ("README", b"words\n", Some("README#1")),
        ("a.md", b"words\n", Some("a.md#1")),
        // Not UTF-8: read where the name says that it is text, with the bytes replaced.
        ("latin.c", b"/* M\xFCller */\n", Some("latin.c#1:1-1")),
        ("latin.unknown", b"M\xFCller\n", None),
        ("movie.ts", b"G\x40\0\x10", None),
        ("utf16.cs", b"\xFF\xFEu\0s\0", None),
        ("a.out", b"\x7fELF\0", None),
        ("picture.png", b"words", None),
        ("package.json", b"{}", None),
        ("blank.rs", b"\n \n", None),
    ] {
        let folder = files(&[(name, content), ("zz.md", b"last")]);
        let corpus = Corpus::open(&[folder.path()], CorpusOptions::new()).unwrap();
        let found: Vec<String> = corpus.map(|document| document.unwrap().key).collect();
        let expected = key.into_iter().chain(["zz.md#1"]);
        assert_eq!(found, expected.collect::<Vec<_>>(), "{name}");
    }
    let folder = files(&[("latin.c", b"/* M\xFCller */")]);
    let path = folder.path().join("latin.c");
    let mut corpus = Corpus::open(&[path], CorpusOptions::new()).unwrap();
    assert_eq!(corpus.next().unwrap().unwrap().text, "/* M\u{FFFD}ller */");
}

#[test]
fn the_error_of_a_pdf_says_what_to_pipe() {
    let folder = files(&[("a.pdf", b"%PDF-1.7"), ("b.txt", b"x")]);
    let open = |path: &Path| Corpus::open(&[path], CorpusOptions::new());
    let error = open(&folder.path().join("a.pdf"))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("PDF is not read") && error.contains("pdftotext"),
        "{error}"
    );
    let mut corpus = open(folder.path()).unwrap();
    assert_eq!(keys(&mut corpus), ["b.txt#1"]);
    assert_eq!(corpus.report().skipped.count(SkipReason::Pdf), 1);
}

#[test]
fn passages_know_the_way_to_their_file_from_the_index() {
    let folder = files(&[("a/src/b.rs", b"fn b() {}"), ("x", b"")]);
    for (index, root) in [("i.colidx", "../a"), ("a/i", ".."), ("x/y/z", "../../../a")] {
        let options = CorpusOptions::new().index(folder.path().join(index));
        let mut corpus = Corpus::open(&[folder.path().join("a")], options).unwrap();
        let metadata = corpus.next().unwrap().unwrap().metadata;
        let expected = serde_json::json!({
            "path": "src/b.rs", "line_start": 1, "line_end": 1, "root": root
        });
        assert_eq!(Value::Object(metadata), expected);
    }
}

/// Records by their length: what they become, with and without splitting.
#[test]
fn long_records_are_split_where_that_is_wanted() {
    let long = "One two. Three four. Five six.";
    let json = |title: &str, text: &str| {
        serde_json::json!({"_id": "k", "title": title, "text": text, "lang": "en"}).to_string()
    };
    for (format, line, split, expected) in [
        (Format::JSONL, json("T", "a b"), true, &[("k", "a b")][..]),
        (Format::JSONL, json("T", long), false, &[("k", long)]),
        (
            Format::JSONL,
            json("T", long),
            true,
            &[("k#1", "One two. Three four."), ("k#2", "Five six.")],
        ),
        (
            Format::TSV,
            format!("id\ttext\ttitle\tlang\nk\t{long}\tT\ten\nl\tshort\tT\ten"),
            true,
            &[
                ("k#1", "One two. Three four."),
                ("k#2", "Five six."),
                ("l", "short"),
            ],
        ),
        (Format::JSONL, json("T", ""), true, &[("k", "")]),
    ] {
        let options = CorpusOptions::new().passage_words(4).split_long(split);
        let documents = reader(line.into_bytes(), format, options);
        let documents: Vec<Document> = documents.map(Result::unwrap).collect();
        let found = documents.iter().map(|found| (&*found.key, &*found.text));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        for document in documents {
            assert_eq!(
                (&*document.title, &document.metadata["lang"]),
                ("T", &"en".into())
            );
            assert_eq!(document.is_passage, document.key.contains('#'));
        }
    }
    // A title that would fill a passage is not in every one of them whole.
    let words = "w ".repeat(2_000);
    let options = CorpusOptions::new()
        .passage_tokens(50, Arc::new(|text: &str| text.split_whitespace().count()))
        .split_long(true);
    let documents = reader(json(&words, &words).into_bytes(), Format::JSONL, options);
    for document in documents.map(Result::unwrap) {
        let count = |text: &str| text.split_whitespace().count();
        assert!(count(&document.title) + count(&document.text) <= 50);
    }
}

#[test]
fn fields_of_front_matter_are_metadata() {
    let text = b"---\ntitle: T\nauthor: Ada\nyear: 1843\ntags: [a]\npath: x\n---\n# H\ntext\n";
    let mut corpus = reader(text.to_vec(), Format::MARKDOWN, CorpusOptions::new());
    let document = corpus.next().unwrap().unwrap();
    assert_eq!((&*document.title, &*document.text), ("T > H", "text"));
    let expected = serde_json::json!({
        "author": "Ada", "year": 1843, "path": "corpus", "line_start": 9, "line_end": 9
    });
    assert_eq!(Value::Object(document.metadata), expected);
}
