//! What is wrong with a corpus.

use super::*;

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
