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

mod faults;
mod folders;
mod trees;
