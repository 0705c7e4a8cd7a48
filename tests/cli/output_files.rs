//! Files that a person names to be written: `--run-out` of `search` and `bench`, `encode --out`.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::harness::{Place, Run, model};

const QUERIES: &str = "q1\tthe moon\n";

fn place() -> Place {
    let place = Place::with_index();
    place.write("queries.tsv", QUERIES);
    place
}

const COMMANDS: [&str; 2] = ["search", "bench"];

fn run_out(place: &Place, command: &str, out: &str, more: &[&str]) -> Run {
    place
        .colidx(&[command, "--index", "x.colidx", "--queries", "queries.tsv"])
        .args(&["-k", "2", "--run-out", out])
        .args(more)
        .run()
}

fn encode(place: &Place, out: &str, more: &[&str]) -> Run {
    place
        .colidx(&["encode", "corpus.jsonl", "--out", out, "--model"])
        .arg(model())
        .args(more)
        .run()
}

/// Every file of a folder with its content.
fn contents(place: &Place, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(place.path(folder)).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files
        .filter(|path| path.is_file())
        .map(|path| (name(&path), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn no_file_of_an_index_and_no_input_is_written_over() {
    let place = place();
    fs::create_dir(place.path("sub")).unwrap();
    symlink("x.colidx", place.path("folder-link")).unwrap();
    symlink("x.colidx/manifest", place.path("file-link")).unwrap();
    symlink("x.colidx/new", place.path("dangling-link")).unwrap();
    symlink("queries.tsv", place.path("queries-link")).unwrap();
    fs::hard_link(place.path("x.colidx/manifest"), place.path("hard")).unwrap();
    fs::hard_link(place.path("queries.tsv"), place.path("queries-hard")).unwrap();
    place.build_with("corpus.jsonl", &["--force"]).succeeds();
    let other = [
        "build",
        "corpus.jsonl",
        "--index",
        "other.colidx",
        "--model",
    ];
    place.colidx(&other).arg(model()).run().succeeds();
    fs::hard_link(
        place.path("other.colidx/manifest"),
        place.path("hard-other"),
    )
    .unwrap();
    let before = (
        contents(&place, "x.colidx"),
        contents(&place, "other.colidx"),
    );
    for out in [
        "x.colidx/manifest",
        "x.colidx/lock",
        "x.colidx/run.trec",
        "sub/../x.colidx/manifest",
        "folder-link/new",
        "file-link",
        "dangling-link",
        "other.colidx/new",
        "other.colidx/manifest",
        "hard-other",
    ] {
        for command in COMMANDS {
            for force in [&[][..], &["--force"]] {
                let run = run_out(&place, command, out, force).fails();
                run.says(&["would be written into the index", "outside"]);
            }
        }
    }
    for out in [
        "queries.tsv",
        "queries-link",
        "queries-hard",
        "sub/../queries.tsv",
    ] {
        for command in COMMANDS {
            let run = run_out(&place, command, out, &["--force"]).fails();
            run.says(&["which this command reads"]);
        }
    }
    for out in [
        "x.colidx",
        "folder-link",
        "x.colidx/vectors",
        "other.colidx",
    ] {
        let run = encode(&place, out, &["--force"]).fails();
        run.says(&["would be written into the index"]);
    }
    for out in ["corpus.jsonl", model().to_str().unwrap()] {
        encode(&place, out, &["--force"]).fails();
    }
    assert_eq!(
        (
            contents(&place, "x.colidx"),
            contents(&place, "other.colidx")
        ),
        before
    );
    assert_eq!(place.read("queries.tsv"), QUERIES);
    place
        .colidx(&["verify", "--index", "x.colidx"])
        .run()
        .succeeds();
}

#[test]
fn a_folder_that_is_encoded_is_not_written_to() {
    let place = Place::new();
    place.write("notes/a.txt", "moon");
    let encode = |out: &str| {
        place
            .colidx(&["encode", "notes", "--force", "--out", out, "--model"])
            .arg(model())
            .run()
    };
    encode("notes").fails().says(&["which this command reads"]);
    // A file that would be read is one that is not written, whatever folder it is written from.
    encode("notes/vectors").succeeds();
    encode("notes/vectors")
        .fails()
        .says(&["vectors/doc_", "which this command reads"]);
    assert_eq!(place.read("notes/a.txt"), "moon");
}

#[test]
fn what_is_there_is_replaced_only_with_force_and_keeps_its_mode() {
    let place = place();
    for command in COMMANDS {
        place.write("run", "ten years of work");
        fs::set_permissions(place.path("run"), fs::Permissions::from_mode(0o600)).unwrap();
        let run = run_out(&place, command, "run", &[]).fails();
        run.says(&["run is already there", "--force"]);
        assert_eq!(place.read("run"), "ten years of work");
        run_out(&place, command, "run", &["--force"]).succeeds();
        assert_eq!(place.read("run").lines().count(), 2);
        let mode = place.path("run").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // What has nothing in it has nothing to lose.
        place.write("empty", "");
        run_out(&place, command, "empty", &[]).succeeds();
        fs::remove_file(place.path("empty")).unwrap();
    }
    place.write("v/doc_lens.npy", "ten years of work");
    encode(&place, "v", &[]).fails().says(&["--force"]);
    encode(&place, "v", &["--force"]).succeeds();
    assert!(
        contents(&place, ".")
            .keys()
            .chain(contents(&place, "v").keys())
            .all(|name| !name.contains("part"))
    );
}

#[test]
fn links_are_followed_and_stay_links() {
    let place = place();
    fs::create_dir(place.path("there")).unwrap();
    symlink("there/run", place.path("link")).unwrap();
    for (more, lines) in [(&[][..], 2), (&["--force"], 2)] {
        run_out(&place, "search", "link", more).succeeds();
        assert!(place.path("link").is_symlink());
        assert_eq!(place.read("there/run").lines().count(), lines);
    }
    symlink("there/vectors", place.path("out")).unwrap();
    encode(&place, "out", &[]).succeeds();
    assert!(place.path("out").is_symlink());
    assert_eq!(contents(&place, "there/vectors").len(), 4);
}

#[test]
fn special_files_are_written_through() {
    let place = place();
    symlink("/dev/stdout", place.path("stdout")).unwrap();
    for out in ["/dev/stdout", "stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        if !std::path::Path::new(out).exists() && out.starts_with('/') {
            continue;
        }
        for (script, lines) in [
            ("> captured", 2),
            (">> captured", 3),
            ("| cat > captured", 2),
        ] {
            place.write("captured", if lines == 3 { "before\n" } else { "" });
            let script = format!(
                "\"$0\" search --index x.colidx --queries queries.tsv -k 2 --run-out {out} {script}"
            );
            place.shell(&script).run().succeeds();
            let captured = place.read("captured");
            assert_eq!(captured.lines().count(), lines, "{script}: {captured}");
            assert_eq!(captured.starts_with("before\n"), lines == 3, "{script}");
        }
    }
    assert!(place.path("stdout").is_symlink());
    let script = "\"$0\" search --index x.colidx --queries queries.tsv --run-out /dev/fd/5 5>five";
    place.shell(script).run().succeeds();
    assert_eq!(place.read("five").lines().count(), 4);
    // Behind a descriptor too, what is read is not written.
    let script = "\"$0\" search --index x.colidx --queries queries.tsv --run-out /dev/stdout >>";
    for file in ["queries.tsv", "x.colidx/manifest", "x.colidx/lock"] {
        place.shell(&format!("{script} {file}")).run().fails();
    }
    assert_eq!(place.read("queries.tsv"), QUERIES);
    place
        .colidx(&["verify", "--index", "x.colidx"])
        .run()
        .succeeds();

    let fifo = place.path("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let script = "cat fifo > read & \"$0\" search --index x.colidx --queries queries.tsv --run-out fifo && wait";
    place.shell(script).run().succeeds();
    assert_eq!(place.read("read").lines().count(), 4);
    run_out(&place, "search", "/dev/null", &[]).succeeds();
    run_out(&place, "bench", "/dev/null", &[]).succeeds();
}

#[test]
fn what_cannot_be_written_is_told_before_the_work() {
    let place = place();
    fs::create_dir(place.path("folder")).unwrap();
    // Nothing of the queries or the checkpoint was looked at: neither is there.
    for (out, says) in [
        ("folder", "expected a file"),
        ("absent/run", "folder exists"),
        ("corpus.jsonl", "--force"),
    ] {
        for command in COMMANDS {
            let call = [command, "--index", "x.colidx", "--queries", "nowhere.tsv"];
            let run = place.colidx(&call).args(&["--run-out", out]).run();
            run.fails().says(&[out, says]);
        }
    }
    place.write("v/doc_keys.txt", "a\n");
    let encode = [
        "encode",
        "nowhere.jsonl",
        "--out",
        "v",
        "--model",
        "no-model",
    ];
    place
        .colidx(&encode)
        .run()
        .fails()
        .says(&["doc_keys.txt", "--force"]);
}
