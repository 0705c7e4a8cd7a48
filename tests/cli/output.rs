//! Standard output that is closed or full.

#![cfg(unix)]

use crate::harness::Place;

/// Enough hits to fill any pipe.
fn place() -> Place {
    let place = Place::new();
    let text = "the moon and the sun and the star ".repeat(20);
    let corpus: String = (0..300)
        .map(|n| format!("{{\"_id\": \"{n}\", \"text\": \"{text}\"}}\n"))
        .collect();
    place.write("corpus.jsonl", corpus);
    place.write(
        "queries.tsv",
        (0..20)
            .map(|n| format!("{n}\tmoon {n}\n"))
            .collect::<String>(),
    );
    place.build("corpus.jsonl").succeeds();
    place
}

#[test]
fn a_closed_pipe_is_silent() {
    let place = place();
    for search in [
        "--json -k 300 moon",
        "-k 300 moon",
        "--queries queries.tsv -k 300",
        "--queries queries.tsv -k 300 --json",
        "< queries.tsv",
    ] {
        let script = format!(
            "{{ \"$0\" search --index x.colidx {search}; echo \"status $?\" >&2; }} | head -n 1"
        );
        let run = place.shell(&script).run().succeeds();
        assert_eq!(run.stdout.lines().count(), 1, "{search}: {run:#?}");
        let said: Vec<&str> = run
            .stderr
            .lines()
            .filter(|line| !line.starts_with("searching"))
            .collect();
        assert_eq!(said, ["status 0"], "{search}: {run:#?}");
    }
    for command in ["info --json", "info", "verify"] {
        let run = place
            .shell(&format!(
                "{{ sleep 0.2; \"$0\" {command} --index x.colidx; echo \"status $?\" >&2; }} | true"
            ))
            .run();
        assert_eq!(run.succeeds().stderr, "status 0\n", "{command}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let place = place();
    for search in [
        "--json moon",
        "moon",
        "--queries queries.tsv",
        "--queries queries.tsv --run-out /dev/full",
    ] {
        let run = place
            .shell(&format!(
                "exec \"$0\" search --index x.colidx {search} > /dev/full"
            ))
            .run();
        run.fails().says(&["No space left on device"]);
    }
}
