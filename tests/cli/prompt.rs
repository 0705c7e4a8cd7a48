//! The prompt, fed by a pipe: queries and commands a line.

use crate::harness::{Place, Run};

fn type_lines(place: &Place, lines: &str) -> Run {
    place
        .colidx(&["search", "--index", "x.colidx", "-k", "2"])
        .input(lines)
        .run()
        .succeeds()
}

#[test]
fn every_line_is_a_query() {
    let place = Place::with_index();
    let run = type_lines(
        &place,
        "Tea and coffee are food for the body\n\n  Rust is a fast language for computer code\r\n",
    );
    let keys: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    assert_eq!((keys.len(), keys[0], keys[2]), (4, "tea", "rust"));
}

#[test]
fn commands_change_what_follows() {
    let place = Place::with_index();
    let run = type_lines(
        &place,
        ":k 3\nmoon\n:stats on\n:exact on\n:k 1\nmoon\n:quit\nmoon\n",
    );
    assert_eq!(run.stdout.lines().count(), 4);
    run.says(&[
        "3 hits a query",
        "every document is scored",
        "4 documents screened",
        "search",
        "encode",
    ]);
}

#[test]
fn hits_can_be_opened_and_explained() {
    let place = Place::with_index();
    let run = type_lines(
        &place,
        "Tea and coffee are food for the body\n:open 1\n:explain 1\n:open 3\n",
    );
    assert!(
        run.stdout.contains("milk and sugar go with both"),
        "{run:#?}"
    );
    assert!(
        run.stdout.contains("query token") && run.stdout.contains("coffee"),
        "{run:#?}"
    );
    run.says(&["there is no hit 3", "hits 1 to 2"]);
}

#[test]
fn mistakes_are_told_and_the_prompt_goes_on() {
    let place = Place::with_index();
    let run = type_lines(&place, ":open 1\n:nonsense\n:k none\n:help\nmoon");
    assert_eq!(run.stdout.lines().count(), 2);
    run.says(&[
        "no hits yet",
        ":nonsense: no such command",
        ":k: expected a number",
        ":explain N",
    ]);
}

#[test]
fn json_works_here_too() {
    let place = Place::with_index();
    let run = place
        .colidx(&["search", "--index", "x.colidx", "--json", "-k", "1"])
        .input("moon\nsun\n")
        .run()
        .succeeds();
    let queries: Vec<_> = run
        .json()
        .iter()
        .map(|hit| hit["query"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(queries, ["moon", "sun"]);
}
