//! Where the system starts no threads, every command does its work without or says so.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Colidx, Place, Run, model};

/// Someone who has no other processes; the limits do not hold for root.
const SOMEONE: u32 = 64_123;

/// Lets the command have so many processes and threads.
fn limited(colidx: &Colidx, most: u32, as_root: bool) -> Output {
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--nproc={most}:{most}"))
        .arg(colidx.command.get_program())
        .args(colidx.command.get_args())
        .stdin(Stdio::null());
    if let Some(folder) = colidx.command.get_current_dir() {
        command.current_dir(folder);
    }
    if as_root {
        command.uid(SOMEONE).gid(SOMEONE);
    }
    command.output().expect("prlimit was found before")
}

fn open_to_all(path: &Path) {
    let metadata = path.metadata().expect("it is there");
    let mode = if metadata.is_dir() { 0o777 } else { 0o666 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    if metadata.is_dir() {
        for entry in path.read_dir().expect("it can be read") {
            open_to_all(&entry.expect("an entry").path());
        }
    }
}

#[test]
fn no_command_panics_where_no_thread_can_be_started() {
    let place = Place::with_index();
    open_to_all(&place.path("."));
    let id = Command::new("id").arg("-u").output().expect("id runs");
    let as_root = id.stdout == b"0\n";
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: there is no prlimit");
        return;
    }
    if !limited(&place.colidx(&["--version"]), 100_000, as_root)
        .status
        .success()
    {
        println!("skipped: only root can run the binary where it is");
        return;
    }
    let model = model().display().to_string();
    let run = |line: &str, most| {
        let words: Vec<&str> = line.split(' ').collect();
        let words = words
            .into_iter()
            .map(|word| if word == "MODEL" { &model } else { word });
        let words: Vec<&str> = words.collect();
        let run = Run::new(limited(&place.colidx(&words), most, as_root));
        assert!(matches!(run.code, Some(0 | 1)), "{line}, {most}: {run:#?}");
        assert!(!run.stderr.contains("panicked"), "{line}, {most}: {run:#?}");
        assert!(
            run.code == Some(0) || run.stderr.contains("colidx: "),
            "{run:#?}"
        );
        run
    };
    for most in [1, 2, 3] {
        run("--version", most).succeeds();
        run("info --index x.colidx", most).succeeds();
        for line in [
            "search --index x.colidx moon",
            "search --index x.colidx --queries corpus.jsonl",
            "explain --index x.colidx moon tea",
            "bench --index x.colidx --queries corpus.jsonl --threads 8",
            "model MODEL",
            "verify --index x.colidx",
            "encode corpus.jsonl --model MODEL --out v --force",
            "build corpus.jsonl --index new --force --model MODEL",
            // faiss has threads of its own.
            "build corpus.jsonl --index new --force --model MODEL --threads 1",
            "update corpus.jsonl --index x.colidx",
            "compact --index x.colidx",
            "delete --skip-missing nobody --index x.colidx",
        ] {
            run(line, most);
        }
        for line in [
            "search --threads 1 --index x.colidx moon",
            "bench --index x.colidx --queries corpus.jsonl --threads 1",
            "encode corpus.jsonl --model MODEL --out v --force --threads 1",
            "build corpus.jsonl --index new --force --model MODEL --threads 1 --clustering builtin",
            "update corpus.jsonl --index x.colidx --threads 1",
            "compact --index x.colidx --threads 1",
        ] {
            run(line, most).succeeds();
        }
    }
}

#[test]
fn no_command_panics_where_memory_for_threads_is_short() {
    let place = Place::with_index();
    // Sizes at which 64 threads do not fit, and few others.
    for kibibytes in (100_000..500_000).step_by(13_000) {
        for command in ["search --index x.colidx moon", "verify --index x.colidx"] {
            let script = format!("ulimit -v {kibibytes} && exec \"$0\" {command}");
            let run = place.shell(&script).env("RAYON_NUM_THREADS", "64").run();
            assert!(!run.stderr.contains("panicked"), "{command}: {run:#?}");
        }
    }
}

#[test]
fn a_million_threads_are_not_started() {
    let place = Place::with_index();
    let began = Instant::now();
    let search = ["search", "--index", "x.colidx", "moon"];
    let run = place.colidx(&search).env("RAYON_NUM_THREADS", "1000000");
    let run = run.run();
    assert!(matches!(run.code, Some(0 | 1)), "{run:#?}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// It would start threads in every command.
#[test]
fn the_binary_loads_no_blas_before_it_trains() {
    let Ok(output) = Command::new("ldd")
        .arg(env!("CARGO_BIN_EXE_colidx"))
        .output()
    else {
        println!("skipped: there is no ldd");
        return;
    };
    let libraries = String::from_utf8_lossy(&output.stdout);
    assert!(libraries.contains("libc."), "{libraries}");
    assert!(!libraries.contains("blas"), "{libraries}");
}
