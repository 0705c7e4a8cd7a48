//! Wrong usage, help and version.

use crate::harness::Place;

#[test]
fn wrong_flags_end_with_2() {
    let place = Place::new();
    for call in [
        &[][..],
        &["fly"],
        &["build", "corpus.jsonl"],
        &["build", "corpus.jsonl", "--index", "x.colidx"],
        &["build", "--index", "x.colidx", "--model", "m"],
        &[
            "build", "c.jsonl", "--index", "x", "--model", "m", "--nbits", "3",
        ],
        &[
            "build", "c.jsonl", "--index", "x", "--model", "m", "--memory", "2",
        ],
        &[
            "build",
            "c.jsonl",
            "--index",
            "x",
            "--model",
            "m",
            "--threads",
            "0",
        ],
        &[
            "build", "c.jsonl", "--index", "x", "--model", "m", "--format", "pdf",
        ],
        &["build", "--index", "x", "--embeddings", "v", "--model", "m"],
        &["search", "moon"],
        &["search", "--index", "x", "-k", "0", "moon"],
        &["search", "--index", "x", "moon", "--queries", "q.jsonl"],
        &["search", "--index", "x", "--run-out", "run.trec"],
        &["search", "--index", "x", "--fast", "moon"],
        &["eval", "--index", "x", "--qrels", "q.tsv"],
        &["bench", "--index", "x"],
        &["tune", "--index", "x"],
        &["explain", "--index", "x", "moon"],
    ] {
        let run = place.colidx(call).run().refuses_usage();
        assert!(
            run.stdout.is_empty() && !run.stderr.is_empty(),
            "{call:?}: {run:#?}"
        );
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let place = Place::new();
    for command in [
        "build", "search", "eval", "bench", "tune", "encode", "model", "info", "verify", "explain",
    ] {
        let run = place.colidx(&[command, "--help"]).run().succeeds();
        assert!(
            run.stdout.contains("Example") && run.stderr.is_empty(),
            "{run:#?}"
        );
    }
    let help = place.colidx(&["--help"]).run().succeeds().stdout;
    assert!(help.contains("colidx search"), "{help}");
    assert!(
        place
            .colidx(&["--version"])
            .run()
            .succeeds()
            .stdout
            .starts_with("colidx ")
    );
}

#[test]
fn search_effort_has_its_old_names_too() {
    let place = Place::with_index();
    let search = ["search", "--index", "x.colidx", "--json", "moon"];
    let hits = |flags: &[&str]| place.colidx(&search).args(flags).run().succeeds().stdout;
    let new = hits(&["--n-probe", "2", "--candidates", "3", "--rerank", "2"]);
    let old = hits(&["--probes", "2", "--candidates", "3", "--finalists", "2"]);
    assert_eq!(new, old);
    let help = place.colidx(&["search", "--help"]).run().succeeds().stdout;
    assert!(
        help.contains("--n-probe") && help.contains("--rerank"),
        "{help}"
    );
    assert!(
        !help.contains("--probes") && !help.contains("--finalists"),
        "{help}"
    );
}
