//! `--memory`: what is too little is refused before anything is changed.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

use crate::harness::{Place, Run, model};

fn on_index(place: &Place, arguments: &[&str]) -> Run {
    place
        .colidx(&[arguments, &["--index", "x.colidx"]].concat())
        .run()
}

/// What is in the folder of `x.colidx`.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.path("x.colidx")).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Asserts that a command refuses too little memory, names the minimum and changes nothing. Returns
/// the least.
#[track_caller]
fn refuses_little_memory(place: &Place, arguments: &[&str], memory: &str) -> String {
    let before = place.path("x.colidx").exists().then(|| files(place));
    let little = ["--threads", "1", "--memory", memory];
    let run = on_index(place, &[arguments, &little].concat()).fails();
    let said = format!("{memory} of memory is too little for ");
    let run = run.says(&[&said, " documents", "; give at least ", " (--memory)"]);
    match before {
        Some(before) => assert!(files(place) == before, "the index was changed"),
        None => place.has_no_index(),
    }
    let (_, least) = run.stderr.split_once("give at least ").unwrap();
    let (least, _) = least.split_once(' ').unwrap();
    least.to_owned()
}

#[test]
fn too_little_memory_is_refused_with_what_would_do() {
    let place = Place::new();
    let documents = |keys: Range<usize>| -> String {
        let line = |key| format!("{{\"_id\": \"{key}\", \"text\": \"the sun {key}\"}}\n");
        keys.map(line).collect()
    };
    place.write("corpus.jsonl", documents(0..200));
    place.write("more.jsonl", documents(200..300));
    let model = model();
    let build = ["build", "corpus.jsonl", "--model", model.to_str().unwrap()];
    let add = ["add", "more.jsonl"];
    let retrain = ["compact", "--retrain"];
    for (command, documents) in [
        (&build[..], 200),
        (&add, 300),
        // Both segments become one, and then the vectors of all are divided anew.
        (&["compact"], 300),
        (&retrain, 300),
    ] {
        let least = refuses_little_memory(&place, command, "1MiB");
        let mib: u32 = least.strip_suffix("MiB").unwrap().parse().unwrap();
        let less = format!("{}MiB", mib - 1);
        assert_eq!(refuses_little_memory(&place, command, &less), least);
        let enough = ["--threads", "1", "--memory", &least];
        on_index(&place, &[command, &enough].concat()).succeeds();
        on_index(&place, &["verify"]).succeeds();
        let info = on_index(&place, &["info", "--json"]).succeeds();
        assert_eq!(info.json()[0]["documents"], documents);
    }
}

/// What is done to long texts: a line of a corpus or of queries may have 16 MiB.
#[cfg(target_os = "linux")]
mod long {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use serde_json::json;

    use crate::harness::{Colidx, Place, Run, model};

    /// What texts are made of: words, and what a tokenizer makes many tokens of, one, or none.
    const PIECES: [&str; 8] = [
        "the sun ",
        ". ,",
        "日本",
        " ",
        "\t\u{1}",
        "x",
        "e\u{301}\u{323}",
        "👩\u{200d}👧\u{ad}\u{feff}\r\n",
    ];
    const BYTES: usize = (16 << 20) - 256;
    const MEMORY: u64 = 256 << 20;

    /// A run, the most memory it held, and the time it took.
    struct Measured {
        run: Run,
        peak: u64,
        time: Duration,
    }

    fn measure(mut colidx: Colidx) -> Measured {
        let began = Instant::now();
        let child = colidx.command.spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let ended = AtomicBool::new(false);
        let (output, peak) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut peak = 0;
                while !ended.load(Ordering::Relaxed) {
                    let status = std::fs::read_to_string(&status).unwrap_or_default();
                    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
                    let kib: Option<u64> = kib.and_then(|kib| kib.trim().parse().ok());
                    peak = peak.max(kib.unwrap_or(0) << 10);
                    std::thread::sleep(Duration::from_millis(2));
                }
                peak
            });
            let output = child.wait_with_output().unwrap();
            ended.store(true, Ordering::Relaxed);
            (output, watch.join().unwrap())
        });
        assert!(peak > 0);
        Measured {
            run: Run::new(output),
            peak,
            time: began.elapsed(),
        }
    }

    fn long(piece: &str, bytes: usize) -> String {
        // The escapes of a control character make its line longer than its text.
        let written = json!(piece).to_string().len() - 2;
        piece.repeat((bytes - 40) / written)
    }

    #[track_caller]
    fn within_memory(measured: &Measured) {
        let mib = measured.peak >> 20;
        assert!(measured.peak <= MEMORY, "{mib} MiB: {:?}", measured.run);
    }

    #[test]
    fn long_lines_keep_to_the_memory_that_is_given() {
        let place = Place::new();
        for (name, prefix) in [("a.jsonl", "a"), ("b.jsonl", "b")] {
            let lines = PIECES.iter().enumerate().map(|(at, piece)| {
                // Half of a line may be title, or metadata.
                let text = format!("cell {}", long(piece, BYTES));
                json!({"_id": format!("{prefix}{at}"), "text": text}).to_string() + "\n"
            });
            let (title, more) = ("moon ".repeat(1 << 20), "m".repeat(5 << 20));
            let other =
                json!({"_id": prefix, "title": title, "text": long("日", 5 << 20), "more": more});
            place.write(name, lines.collect::<String>() + &other.to_string());
        }
        let model = model();
        let index = [
            "--index",
            "x.colidx",
            "--memory",
            "256MiB",
            "--threads",
            "2",
        ];
        for command in [
            &["build", "a.jsonl", "--model", model.to_str().unwrap()][..],
            &["add", "b.jsonl"],
            &["update", "a.jsonl"],
            &["compact"],
        ] {
            let measured = measure(place.colidx(&[command, &index].concat()));
            within_memory(&measured);
            measured.run.succeeds();
        }
        let encode = [
            "encode",
            "a.jsonl",
            "--out",
            "v",
            "--threads",
            "2",
            "--model",
        ];
        let measured = measure(place.colidx(&encode).arg(&model));
        within_memory(&measured);
        measured.run.succeeds();
    }

    #[test]
    fn a_long_query_costs_little_more_than_a_short_one() {
        let place = Place::with_index();
        let queries = |name: &str, bytes: usize| {
            let lines = PIECES.iter().enumerate().map(|(at, piece)| {
                json!({"_id": at.to_string(), "text": format!("sun {}", long(piece, bytes))})
                    .to_string()
                    + "\n"
            });
            place.write(name, lines.collect::<String>());
        };
        queries("short.jsonl", 400);
        queries("long.jsonl", BYTES);
        let search = |queries: &str| {
            let search = [
                "search",
                "--index",
                "x.colidx",
                "--queries",
                queries,
                "--run-out",
                "r",
                "--force",
            ];
            measure(place.colidx(&search))
        };
        let (short, long) = (search("short.jsonl"), search("long.jsonl"));
        // The file of queries is held whole, and each line once more while it is read.
        let held = (PIECES.len() + 3) * BYTES;
        assert!(
            long.peak < short.peak + held as u64,
            "{} MiB",
            long.peak >> 20
        );
        assert!(
            long.time < short.time + Duration::from_secs(20),
            "{:?}",
            long.time
        );
        long.run.succeeds();
    }

    #[test]
    fn a_long_hit_costs_a_person_no_more_than_a_program() {
        let place = Place::new();
        let lines = (0..10).map(|at| {
            let text = format!("the moon and the sun {at} ").repeat(1 << 16);
            json!({"_id": at.to_string(), "text": text}).to_string() + "\n"
        });
        place.write("corpus.jsonl", lines.collect::<String>());
        place.build("corpus.jsonl").succeeds();
        let search = |more: &[&str]| {
            let search = ["search", "--index", "x.colidx", "moon"];
            measure(place.colidx(&[&search, more].concat()))
        };
        let (json, person) = (search(&["--json"]), search(&[]));
        assert!(
            person.time < json.time + Duration::from_secs(2),
            "{:?}",
            person.time
        );
        assert!(
            person.peak < json.peak + (16 << 20),
            "{} MiB",
            person.peak >> 20
        );
        let hits = person.run.succeeds().stdout;
        assert_eq!(hits.lines().count(), 10);
        assert!(
            hits.lines()
                .all(|line| line.contains("moon") && line.len() < 400),
            "{hits}"
        );
    }
}
