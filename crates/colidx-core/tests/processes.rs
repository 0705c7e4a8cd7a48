//! One index and several processes: commits are seen across, one writes at a time, and a killed writer is no obstacle.

mod common;

use colidx_core::*;
use common::live::*;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const INDEX: &str = "COLIDX_TEST_INDEX";

/// The other process: takes the index for writing, and a key a line, each of which it adds and commits; a line `stage KEY` is
/// not committed. Answers each line.
#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn other_process() {
    let Some(path) = std::env::var_os(INDEX) else {
        return;
    };
    let mut writer = IndexWriter::open(path, WriterOptions::default()).unwrap();
    println!("\nready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        match line.strip_prefix("stage ") {
            Some(key) => writer.add(&document(key, "never seen")).unwrap(),
            None => {
                writer
                    .add(&document(&line, "from another process"))
                    .unwrap();
                writer.commit(&mut Words, &NoProgress).unwrap();
            }
        }
        println!("done {line}");
    }
}

struct Other {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
}

impl Other {
    fn start(path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "other_process", "--ignored", "--nocapture"])
            .env(INDEX, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut other = Self {
            lines: BufReader::new(process.stdout.take().unwrap()).lines(),
            stdin: process.stdin.take().unwrap(),
            process,
        };
        other.wait_for("ready");
        other
    }

    fn ask(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
        self.wait_for(&format!("done {line}"));
    }

    fn wait_for(&mut self, expected: &str) {
        let found = self.lines.any(|line| line.unwrap() == expected);
        assert!(found, "the other process ended before it said {expected}");
    }

    /// SIGKILL: it can clean up nothing.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn end(self) {
        let Self {
            mut process, stdin, ..
        } = self;
        drop(stdin);
        assert!(process.wait().unwrap().success());
    }
}

fn built(path: &Path) -> Index {
    let map = Map::from([("a".to_owned(), "one two three".to_owned())]);
    build(&Directory::new(path), &map, BuildOptions::default());
    Index::open(path).unwrap()
}

#[test]
fn a_reader_sees_what_another_process_commits() {
    let tmp = tempfile::tempdir().unwrap();
    let index = built(tmp.path());
    let mut other = Other::start(tmp.path());
    assert!(index.reload().unwrap().is_none());
    other.ask("b");
    let newer = index.reload().unwrap().expect("another commit");
    assert_eq!((index.num_documents(), newer.num_documents()), (1, 2));
    assert!(index.find("b").unwrap().is_none());
    let doc = newer.find("b").unwrap().unwrap();
    assert_eq!(newer.document(doc).unwrap().text, "from another process");
    other.ask("stage c");
    assert!(newer.reload().unwrap().is_none());
    other.end();
    assert!(newer.reload().unwrap().is_none());
}

#[test]
fn the_second_writer_is_refused_and_a_killed_one_is_no_obstacle() {
    let tmp = tempfile::tempdir().unwrap();
    built(tmp.path());
    let open = || IndexWriter::open(tmp.path(), WriterOptions::default());
    let mut other = Other::start(tmp.path());
    other.ask("b");
    other.ask("stage c");
    assert!(matches!(open(), Err(Error::Locked { .. })));
    let force = BuildOptions {
        force: true,
        ..Default::default()
    };
    let builder = IndexBuilder::create(tmp.path(), force);
    assert!(matches!(builder.err(), Some(Error::Locked { .. })));
    other.kill();

    let mut writer = open().unwrap();
    assert!(writer.index().find("c").unwrap().is_none());
    let files: Vec<String> = std::fs::read_dir(tmp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let named = writer.index().info().unwrap().files;
    // Beside the files of the index there is the lock: what the other had staged is gone.
    assert_eq!(files.len(), named.len() + 1, "{files:?}");
    writer.add(&document("c", "again")).unwrap();
    writer.commit(&mut Words, &NoProgress).unwrap();
    assert_eq!(Index::open(tmp.path()).unwrap().num_documents(), 3);
}
