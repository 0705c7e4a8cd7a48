//! Folders as corpora: what is read of them, what is not, and that it is said.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{CORPUS, Place, model};

#[test]
fn a_folder_of_every_format_is_read() {
    let place = Place::new();
    place.write("d/a.jsonl", CORPUS);
    place.write("d/sub/b.tsv", "tsv\tthe moon\n");
    place.write("d/c.md", "the sun");
    place.build("d").succeeds().says(&["6 documents"]);
    let keys = place.keys("the moon");
    for key in ["tea", "tsv", "c.md#1"] {
        assert!(keys.iter().any(|found| found == key), "{key}: {keys:?}");
    }
}

#[test]
fn a_folder_in_which_nothing_was_read_is_an_error_that_says_why() {
    let place = Place::with_index();
    let before = place.keys("moon");
    place.write("d/picture.png", "x");
    place.write("d/settings.json", "{}");
    place.write("d/.hidden.txt", "x");
    place.write("d/empty.txt", "");
    #[cfg(unix)]
    for (target, link) in [("nowhere", "d/broken.txt"), ("/etc/passwd", "d/out.txt")] {
        std::os::unix::fs::symlink(target, place.path(link)).unwrap();
    }
    let words = [
        "no documents were read",
        "1 file of other formats, such as d/picture.png",
        "1 file of JSON or CSV, read if named or if the format is given, such as d/settings.json",
        "1 hidden name, such as d/.hidden.txt",
        "1 file without documents, such as d/empty.txt",
        #[cfg(unix)]
        "1 link to nothing, such as d/broken.txt",
        #[cfg(unix)]
        "1 link out of the folder, such as d/out.txt",
    ];
    place.build_with("d", &["--force"]).fails().says(&words);
    for command in ["add", "update"] {
        let run = place.colidx(&[command, "d", "--index", "x.colidx"]).run();
        run.fails().says(&words);
    }
    let encode = place.colidx(&["encode", "d", "--out", "v", "--model"]);
    encode.arg(model()).run().fails().says(&words);
    assert!(!place.path("v/doc_lens.npy").exists());
    assert_eq!(place.keys("moon"), before);
}

#[test]
fn no_documents_at_all_are_an_error_and_an_index_stays() {
    let place = Place::with_index();
    let before = place.keys("moon");
    place.write("none.jsonl", "\n");
    for force in [&[][..], &["--force"]] {
        let run = place.build_with("none.jsonl", force).fails();
        assert!(
            force.is_empty() || run.stderr.contains("no documents were read"),
            "{run:?}"
        );
    }
    let add = place.colidx(&["add", "none.jsonl", "--index", "x.colidx"]);
    add.run()
        .fails()
        .says(&["none.jsonl: no documents were read"]);
    let add = place.colidx(&["add", "-", "--index", "x.colidx"]).input("");
    add.run().fails().says(&["-: no documents were read"]);
    for role in ["documents", "queries"] {
        let encode = [
            "encode",
            "none.jsonl",
            "--as",
            role,
            "--out",
            "v",
            "--model",
        ];
        place
            .colidx(&encode)
            .arg(model())
            .run()
            .fails()
            .says(&["none.jsonl", "no "]);
    }
    assert_eq!(place.keys("moon"), before);
}

#[cfg(unix)]
#[test]
fn links_stay_within_the_folder() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write("secret.txt", "the moon");
    place.write("notes/a.txt", "the sun");
    place.write("notes/.store/b.txt", "bread and milk");
    symlink(place.path("secret.txt"), place.path("notes/out.txt")).unwrap();
    symlink("..", place.path("notes/up")).unwrap();
    symlink(".", place.path("notes/loop")).unwrap();
    symlink(".store/b.txt", place.path("notes/b.txt")).unwrap();
    let run = place.build("notes").succeeds();
    run.says(&[
        "2 documents",
        "2 links out of the folder, such as notes/out.txt",
        "1 link to what is read anyway, such as notes/loop",
    ]);
    let mut keys = place.keys("the moon");
    keys.sort();
    assert_eq!(keys, ["a.txt#1", "b.txt#1"]);
    // A file that is named may be a link to anywhere, and so may a folder.
    symlink("notes", place.path("link")).unwrap();
    for (corpus, documents) in [("notes/out.txt", "1 document,"), ("link", "2 documents")] {
        place
            .build_with(corpus, &["--force"])
            .succeeds()
            .says(&[documents]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_read_by_name_as_in_a_folder() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    fs::create_dir(place.path("e")).unwrap();
    let path = place.path("e").join(OsStr::from_bytes(b"caf\xe9.txt"));
    fs::write(&path, "honey\n").unwrap();
    for corpus in [place.path("e"), path] {
        let build = place.colidx(&["build", "--index", "x.colidx", "--force", "--model"]);
        build.arg(model()).arg(&corpus).run().succeeds();
        assert_eq!(place.keys("honey"), ["caf%E9.txt#1"]);
    }
}

/// Files of a source tree, the flags, and the keys that are found.
#[test]
fn source_trees_are_read_as_ripgrep_reads_them() {
    let tree = [
        ("src/moon.rs", "fn moon() {}\n\nfn sun() {}\n"),
        ("Makefile", "moon:\n\techo moon\n"),
        ("script", "#!/bin/sh\necho moon\n"),
        ("target/moon.d", "moon\n"),
        (".gitignore", "/target\n"),
        (".github/moon.yml", "moon: 1\n"),
        ("tool", "moon\0"),
    ];
    let usual = ["Makefile#1:1-2", "script#1:1-2", "src/moon.rs#1:1-3"];
    for (flags, more, said) in [
        (
            &[][..],
            &[][..],
            &[
                "1 ignored name, such as d/target",
                "2 hidden names, such as d/.git",
                "1 file that is not text, such as d/tool",
            ][..],
        ),
        (
            &["--no-ignore"],
            &["target/moon.d#1:1-1"],
            &["2 hidden names"],
        ),
        (
            &["--hidden"],
            &[".github/moon.yml#1:1-1", ".gitignore#1:1-1"],
            &["1 ignored name, such as d/target"],
        ),
    ] {
        let place = Place::new();
        for (name, content) in tree {
            place.write(&format!("d/{name}"), content);
        }
        place.build_with("d", flags).succeeds().says(said);
        let mut keys = place.keys("moon");
        keys.sort();
        let mut expected = [&usual, more].concat();
        expected.sort();
        assert_eq!(keys, expected, "{flags:?}");
    }
}

/// The keys of all documents, sorted.
fn all_keys(place: &Place) -> Vec<String> {
    let run = place.colidx(&[
        "search", "--index", "x.colidx", "--json", "--exact", "-k", "100",
    ]);
    let hits = run.arg("the moon").run().succeeds().json();
    let keys = hits
        .iter()
        .map(|hit| hit["key"].as_str().unwrap().to_owned());
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

fn update(place: &Place, arguments: &[&str]) -> Value {
    let update = place.colidx(&["update", "--index", "x.colidx", "--json"]);
    let run = update.args(arguments).run().succeeds();
    run.json().remove(0)
}

const SHORT: &[&str] = &["--passage-words", "5"];

#[test]
fn an_update_leaves_nothing_of_what_a_file_was() {
    let place = Place::new();
    place.write(
        "d/a.txt",
        "The moon and the sun.\n\nTea is food.\n\nA cell is small.\n",
    );
    place.write("d/sub/b.txt", "The earth and the moon.\n");
    place.write("d/e.txt", "Milk is food.\n");
    place.build_with("d", SHORT).succeeds();
    assert_eq!(
        all_keys(&place),
        ["a.txt#1", "a.txt#2", "a.txt#3", "e.txt#1", "sub/b.txt#1"]
    );

    place.write("d/a.txt", "The moon and the sun.\n");
    place.write("d/e.txt", "");
    let line = update(&place, &[&["d"], SHORT].concat());
    assert_eq!((&line["replaced"], &line["stale"]), (&json!(2), &json!(3)));
    assert_eq!(all_keys(&place), ["a.txt#1", "sub/b.txt#1"]);

    // The path of the one file begins at another folder, and so does its key.
    let line = update(&place, &[&["d/sub/b.txt"], SHORT].concat());
    assert_eq!(line["stale"], 1);
    assert_eq!(all_keys(&place), ["a.txt#1", "b.txt#1"]);
    let verify = place.colidx(&["verify", "--index", "x.colidx"]);
    verify.run().succeeds();
}

#[test]
fn an_update_leaves_nothing_of_what_source_code_was() {
    let place = Place::new();
    let code = "fn moon() {\n}\n\nfn sun() {\n}\n\nfn earth() {\n}\n";
    place.write("d/a.rs", code);
    let words: &[&str] = &["--passage-words", "4"];
    place.build_with("d", words).succeeds();
    let before = all_keys(&place);
    place.write("d/a.rs", format!("use star;\n\n{code}"));
    update(&place, &[&["d"], words].concat());
    let after = all_keys(&place);
    assert!(
        after.iter().all(|key| !before.contains(key)),
        "{before:?} {after:?}"
    );
    place
        .colidx(&["add", "d", "--index", "x.colidx"])
        .args(words)
        .run()
        .fails();
    assert_eq!(all_keys(&place), after);
}

#[test]
fn an_update_leaves_nothing_of_what_a_long_record_was() {
    let place = Place::new();
    let record = |key: &str, text: &str| json!({"_id": key, "text": text}).to_string() + "\n";
    let long = "The moon and the sun.\n\nTea and milk are food.\n\nA cell is small.";
    place.write(
        "c.jsonl",
        &(record("a", long) + &record("b", long) + &record("c", "The sun.")),
    );
    let split = &["--long", "split", "--passage-words", "5"];
    place.build_with("c.jsonl", split).succeeds();
    assert_eq!(all_keys(&place).len(), 7);
    place.write("c.jsonl", &(record("a", "The moon.") + &record("c", long)));
    let line = update(&place, &[&["c.jsonl"], &split[..]].concat());
    assert_eq!(line["stale"], 4);
    assert_eq!(
        all_keys(&place),
        ["a", "b#1", "b#2", "b#3", "c#1", "c#2", "c#3"]
    );
}
