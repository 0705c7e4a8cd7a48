//! Bad input: the message names the place and what to do, and no index is left behind.

use crate::harness::{CORPUS, Place, model};

#[track_caller]
fn refuses(content: impl AsRef<[u8]>, words: &[&str]) {
    let place = Place::new();
    place.write("corpus.jsonl", content);
    let run = place.build("corpus.jsonl").fails().says(words);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    place.has_no_index();
}

#[test]
fn a_line_that_is_not_json() {
    refuses(
        format!("{CORPUS}nonsense\n"),
        &["corpus.jsonl:5: not JSON", "--skip-bad-lines"],
    );
}

#[test]
fn a_missing_field() {
    refuses(
        "{\"_id\": \"a\", \"words\": \"moon\"}",
        &[
            "corpus.jsonl:1: missing field \"text\"",
            "\"words\"",
            "--text-field",
        ],
    );
}

#[test]
fn a_key_that_occurs_twice() {
    refuses(
        format!("{CORPUS}{CORPUS}"),
        &["corpus.jsonl:5: ", "`rust` occurs more than once"],
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    refuses(
        b"{\"_id\": \"a\", \"text\": \"caf\xe9\"}",
        &["corpus.jsonl:1: invalid UTF-8 at byte", "UTF-8"],
    );
}

#[test]
fn a_field_that_appears_twice() {
    refuses(
        "{\"_id\": \"a\", \"text\": \"moon\", \"text\": \"sun\"}",
        &["corpus.jsonl:1: the field \"text\" appears twice"],
    );
}

#[test]
fn a_line_of_keys_without_an_end() {
    let place = Place::with_index();
    place.write("keys.txt", "k".repeat(17 << 20));
    let delete = ["delete", "--index", "x.colidx", "--keys", "keys.txt"];
    let run = place.colidx(&delete).run().fails();
    assert!(!run.stderr.contains("document"), "{run:#?}");
    run.says(&["keys.txt:1: the line is longer than"]);
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    place.write("closed/modules.json", "[]");
    let mode = std::fs::Permissions::from_mode;
    std::fs::set_permissions(place.path("closed"), mode(0)).unwrap();
    if std::fs::read_dir(place.path("closed")).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let run = place.colidx(&["model", "closed"]).run().fails();
    std::fs::set_permissions(place.path("closed"), mode(0o700)).unwrap();
    run.says(&["closed", "ermission denied"]);
}

#[test]
fn a_line_without_an_end() {
    let text = "moon ".repeat(4 << 20);
    refuses(
        format!("{{\"_id\": \"a\", \"text\": \"{text}\"}}"),
        &["corpus.jsonl:1: the line is longer than"],
    );
}

#[test]
fn a_key_that_is_too_long() {
    let line = format!("{{\"_id\": \"{}\", \"text\": \"moon\"}}", "k".repeat(5000));
    refuses(line, &["corpus.jsonl:1: ", "5000 bytes"]);
}

#[test]
fn bad_lines_are_skipped_and_counted_when_asked() {
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        format!("{CORPUS}nonsense\n{{\"text\": \"no key\"}}\n{CORPUS}"),
    );
    let run = place
        .build_with("corpus.jsonl", &["--skip-bad-lines"])
        .succeeds();
    run.says(&[
        "4 documents",
        "skipped: 6 bad lines",
        "corpus.jsonl:5: not JSON",
        "corpus.jsonl:7: ",
        "occurs more than once",
    ]);
    assert_eq!(place.keys("moon").len(), 4);
}

#[test]
fn a_truncated_gzip_file() {
    let place = Place::new();
    place.write(
        "corpus.jsonl.gz",
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab],
    );
    place
        .build("corpus.jsonl.gz")
        .fails()
        .says(&["corpus.jsonl.gz", "gzip"]);
    place.has_no_index();
}

#[test]
fn a_corpus_that_is_not_there() {
    let place = Place::new();
    place
        .build("absent.jsonl")
        .fails()
        .says(&["absent.jsonl", "cannot be read"]);
    place.has_no_index();
}

#[test]
fn a_checkpoint_without_weights_or_none_at_all() {
    let place = Place::new();
    place.write("corpus.jsonl", CORPUS);
    let build = |model: &str| {
        place
            .colidx(&[
                "build",
                "corpus.jsonl",
                "--index",
                "x.colidx",
                "--model",
                model,
            ])
            .run()
    };
    for name in [
        "config.json",
        "modules.json",
        "config_sentence_transformers.json",
        "tokenizer.json",
        "1_Dense/config.json",
    ] {
        place.write(
            &format!("hollow/{name}"),
            std::fs::read(model().join(name)).unwrap(),
        );
    }
    build("hollow").fails().says(&["hollow", "weights"]);
    place.write("nothing/README.md", "empty");
    build("nothing").fails().says(&["nothing"]);
    build("absent")
        .fails()
        .says(&["absent", "no such directory"]);
    build("nobody/no-such-checkpoint")
        .fails()
        .says(&["nobody/no-such-checkpoint", "HF_HUB_OFFLINE"]);
    place.has_no_index();
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    let place = Place::new();
    let documents: String = (0..400)
        .map(|n| {
            format!(
                "{{\"_id\": \"{n}\", \"text\": \"number {n} {}\"}}\n",
                "of the moon and the sun ".repeat(5)
            )
        })
        .collect();
    place.write("corpus.jsonl", documents);
    // Blocks of 512 bytes: the limit stops the build in the middle of the vectors.
    for blocks in [1, 60, 400] {
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" build corpus.jsonl --index x.colidx --model \"$MODEL\""
        );
        place
            .shell(&script)
            .run()
            .fails()
            .says(&["cannot write", "x.colidx"]);
        place.has_no_index();
    }
}
