//! On a terminal, which `script` plays: colours, width, line editing and history.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::harness::{Place, model};

fn available() -> bool {
    let there = std::path::Path::new("/usr/bin/script").exists();
    if !there {
        eprintln!("skipped: there is no /usr/bin/script");
    }
    there
}

/// A call on a terminal of 72 columns.
fn script(environment: &str, arguments: &str) -> String {
    script_of(40, environment, arguments)
}

/// The same on a terminal of so many rows.
fn script_of(rows: usize, environment: &str, arguments: &str) -> String {
    format!(
        "exec script -qec \"stty cols 72 rows {rows} -echo; \
         exec env {environment} '$0' {arguments}\" /dev/null"
    )
}

#[test]
fn words_are_lit_where_colours_are_wanted() {
    if !available() {
        return;
    }
    let place = Place::with_index();
    let search = |environment| {
        let call = script(
            environment,
            "search --index x.colidx -k 2 'coffee and milk'",
        );
        place.shell(&call).run().succeeds().stdout
    };
    let shown = search("TERM=xterm-256color");
    assert!(shown.contains("\x1b[1;38;5;"), "{shown:?}");
    assert!(shown.contains("2 of 4 documents in "), "{shown:?}");
    for environment in ["TERM=xterm-256color NO_COLOR=1", "TERM=dumb"] {
        let shown = search(environment);
        assert!(!shown.contains('\x1b'), "{environment}: {shown:?}");
        assert!(
            shown.lines().all(|line| line.chars().count() <= 72),
            "{shown:?}"
        );
    }
}

/// Types a line whenever the prompt shows, as a person would, and gives what the terminal showed.
fn type_at_prompt(place: &Place, rows: usize, arguments: &str, lines: &[&str]) -> String {
    let environment = "TERM=xterm-256color";
    let mut call = place.shell(&script_of(rows, environment, arguments));
    let mut child = call
        .command
        .stdin(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut lines = lines.iter();
    let mut prompts = 0;
    loop {
        let read = stdout.read(&mut buffer).expect("the terminal can be read");
        if read == 0 {
            break;
        }
        shown.extend(&buffer[..read]);
        let seen = String::from_utf8_lossy(&shown)
            .matches("\x1b[?2004h")
            .count();
        if seen > prompts {
            prompts = seen;
            if let Some(line) = lines.next() {
                stdin
                    .write_all(line.as_bytes())
                    .expect("the terminal can be typed at");
            }
        }
    }
    assert!(child.wait().expect("script ends").success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn the_prompt_edits_lines_and_remembers_them() {
    if !available() {
        return;
    }
    let place = Place::with_index();
    let lines = [
        "coffeX\u{7f}e and milk\r",
        ":open 1\r",
        "\u{1b}[A\u{1b}[A\r",
        ":quit\r",
    ];
    let shown = type_at_prompt(&place, 40, "search --index x.colidx -k 1", &lines);
    assert_eq!(shown.matches("1 of 4 documents in ").count(), 2, "{shown}");
    let history = place.read("state/colidx/history");
    assert!(
        history.contains("coffee and milk") && history.contains(":open 1"),
        "{history}"
    );
}

#[test]
fn a_flag_decides_the_colors() {
    if !available() {
        return;
    }
    let place = Place::with_index();
    let search = |environment, flags| {
        let call = format!("search --index x.colidx -k 2 'coffee and milk' {flags}");
        let call = script(environment, &call);
        place.shell(&call).run().succeeds().stdout
    };
    let never = search("TERM=xterm-256color", "--color never");
    assert!(!never.contains('\x1b'), "{never:?}");
    let always = search("TERM=xterm-256color NO_COLOR=1", "--color always");
    assert!(always.contains("\x1b[1;38;5;"), "{always:?}");
    // Through a pipe too, in the layout of a terminal.
    let call = [
        "--color", "always", "search", "--index", "x.colidx", "coffee",
    ];
    let piped = place.colidx(&call).run().succeeds().stdout;
    assert!(
        piped.contains("\x1b[") && !piped.contains('\t'),
        "{piped:?}"
    );
    for color in ["auto", "never"] {
        let call = ["search", "--index", "x.colidx", "coffee", "--color", color];
        let piped = place.colidx(&call).run().succeeds().stdout;
        assert!(!piped.contains('\x1b') && piped.contains('\t'), "{piped:?}");
    }
}

#[test]
fn hits_that_do_not_fit_the_screen_end_with_the_best() {
    if !available() {
        return;
    }
    let place = Place::with_index();
    let rerank = "rerank 'coffee and milk' corpus.jsonl --model ";
    let rerank = format!("{rerank} {}", model().display());
    let search = "search --index x.colidx -k 4 'coffee and milk'";
    let ranks = |rows, call: &str| {
        let call = script_of(rows, "TERM=dumb", call);
        let shown = place.shell(&call).run().succeeds().stdout;
        let rank = |line: &str| line.get(..3)?.trim().parse::<u32>().ok();
        let ranks: Vec<u32> = shown.lines().filter_map(rank).collect();
        (ranks, shown.contains("best last"))
    };
    for call in [search, &rerank] {
        assert_eq!(ranks(40, call), (vec![1, 2, 3, 4], false));
        assert_eq!(ranks(8, call), (vec![4, 3, 2, 1], true));
    }
    // At the prompt the best is nearest to the next line to type.
    let call = "--color never search --index x.colidx -k 4";
    let shown = type_at_prompt(&place, 8, call, &["coffee and milk\r", ":quit\r"]);
    let at = |rank: &str| shown.find(&format!("\n  {rank} ")).expect(&shown);
    assert!(at("4") < at("1") && shown.contains("best last"), "{shown}");
}

#[test]
fn the_key_of_a_passage_links_to_its_file() {
    if !available() {
        return;
    }
    let place = Place::new();
    let file = place.write("code/my lib.rs", "\n\nfn moon() {}\n");
    place.build("code").succeeds();
    let search = |environment| {
        let call = script(environment, "search --index x.colidx -k 1 moon");
        place.shell(&call).run().succeeds().stdout
    };
    let path = file.to_string_lossy().replace(' ', "%20");
    let link = format!("\x1b]8;;file://{path}#3\x1b\\");
    let shown = search("TERM=xterm");
    assert!(
        shown.contains(&link) && shown.contains("my lib.rs#1:3-3"),
        "{shown:?}"
    );
    for environment in ["TERM=xterm NO_COLOR=1", "TERM=dumb"] {
        assert!(!search(environment).contains('\x1b'));
    }
    // A file that is gone is no place to go to.
    std::fs::remove_file(file).unwrap();
    assert!(!search("TERM=xterm").contains("\x1b]8"));
}
