//! A library reports what it cannot begin with, and never panics for it.
#![cfg(target_os = "linux")]

mod common;

use colidx_core::*;
use common::*;
use std::process::{Command, Output};

const CHILD: &str = "COLIDX_TEST_CHILD";

/// Runs a test of this program again, as `prepare` says.
fn again(test: &str, program: Option<&[&str]>, kernels: &str) -> Output {
    let me = std::env::current_exe().unwrap();
    let mut command = match program {
        Some([program, arguments @ ..]) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(me);
            command
        }
        _ => Command::new(me),
    };
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("COLIDX_KERNELS", kernels)
        .output()
        .unwrap()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn refused<T>(result: Result<T>) {
    match result.err() {
        Some(Error::Option { option, got, .. }) => {
            assert_eq!((option, &got[..]), ("COLIDX_KERNELS", "fastest"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_instruction_set_is_an_error() {
    if is_child() {
        let directory = Directory::memory();
        refused(IndexBuilder::create_in(&directory, BuildOptions::default()));
        refused(Index::open_in(&directory));
        refused(IndexWriter::open_in(&directory, WriterOptions::default()));
        println!("refused");
        return;
    }
    let output = again("an_unknown_instruction_set_is_an_error", None, "fastest");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}

/// Linux counts the processes of a user, but not those of root: then the child is one of somebody else.
#[test]
fn without_threads_all_is_done_on_the_calling_one() {
    if is_child() {
        let corpus = Corpus::topical(60, 8, 1);
        let directory = Directory::memory();
        corpus
            .build_in(&directory, BuildOptions::default())
            .unwrap();
        let index = Index::open_in(&directory).unwrap();
        index.verify().unwrap();
        let query = Query::new(&corpus.query(4, 2), 8).unwrap();
        let options = SearchOptions::default().parallel(true);
        let one = index.search(&query, &options).unwrap();
        let many = index
            .search_many(&[query.clone(), query], &options)
            .unwrap();
        assert!(many.iter().all(|found| found.hits == one.hits));
        println!("searched");
        return;
    }
    let limit = ["prlimit", "--nproc=1:1"];
    let as_somebody = "setpriv --reuid=64124 --regid=64124 --clear-groups prlimit --nproc=1:1";
    let as_somebody: Vec<&str> = as_somebody.split(' ').collect();
    let id = Command::new("id").arg("-u").output().unwrap();
    let program = if id.stdout == b"0\n" {
        &as_somebody[..]
    } else {
        &limit[..]
    };
    let can_run = Command::new(program[0])
        .args(&program[1..])
        .arg(std::env::current_exe().unwrap())
        .arg("--list")
        .output();
    if !can_run.is_ok_and(|output| output.status.success()) {
        println!("skipped: prlimit or setpriv is missing, or others cannot run this program");
        return;
    }
    let test = "without_threads_all_is_done_on_the_calling_one";
    let output = again(test, Some(program), "");
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("searched"),
        "{output:?}"
    );
}
