//! What other programs read about this one: completions, manual pages, AGENTS.md, the version.

use std::fs;

use crate::harness::Place;

#[test]
fn every_shell_gets_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place
            .colidx(&["completions", shell])
            .run()
            .succeeds()
            .stdout;
        assert!(
            script.contains("--n-probe") || script.contains("n-probe"),
            "{shell}: {script}"
        );
    }
    place.colidx(&["completions", "tcsh"]).run().refuses_usage();
}

#[test]
fn bash_takes_the_completions() {
    let place = Place::new();
    let script = "\"$0\" completions bash > c.sh && bash -n c.sh";
    place.shell(script).run().succeeds();
}

#[test]
fn every_command_has_a_manual_page() {
    let place = Place::new();
    place.colidx(&["man", "pages"]).run().succeeds();
    let search = place.read("pages/colidx-search.1");
    assert!(
        search.contains(".TH colidx-search 1") && search.contains("n\\-probe"),
        "{search}"
    );
    assert!(
        search.contains("colidx search [OPTIONS]") && search.contains(".SH EXAMPLES\n.nf"),
        "{search}"
    );
    assert!(!search.contains(".SH EXTRA"), "{search}");
    assert!(place.read("pages/colidx.1").contains("colidx"));
    for command in ["build", "add", "eval", "completions"] {
        place.read(&format!("pages/colidx-{command}.1"));
    }
}

#[test]
fn agents_are_told_how_to_search() {
    let place = Place::with_index();
    fs::rename(place.path("x.colidx"), place.path("my docs.colidx")).unwrap();
    let missing = place.colidx(&["agents", "missing.colidx"]).run();
    missing.fails().says(&["missing.colidx"]);
    let text = place
        .colidx(&["agents", "my docs.colidx"])
        .run()
        .succeeds()
        .stdout;
    assert!(
        text.contains("colidx search --index 'my docs.colidx' -k 5 --json"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 110), "{text}");
}

#[test]
fn the_version_says_what_this_program_is() {
    let place = Place::new();
    let long = place.colidx(&["--version"]).run().succeeds().stdout;
    assert!(
        long.contains("instruction sets: scalar") && long.contains("index format: 5"),
        "{long}"
    );
    let short = place.colidx(&["-V"]).run().succeeds().stdout;
    assert_eq!(short.lines().count(), 1, "{short}");
}
