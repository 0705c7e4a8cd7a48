//! The prompt, fed by a pipe: queries and commands a line.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::harness::{Place, Run, model};

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
        "3 hits per query",
        "every document is scored",
        "4 documents screened",
        "search",
        "encode",
    ]);
}

#[test]
fn what_is_searched_and_how_can_change() {
    let place = Place::with_index();
    let typed = ":by words\ncoffee\n:by hybrid\ncoffee\n:by vectors\n:filter nonsense = 1\n\
                 :filter EXISTS nonsense\n:filter off\n:recall 0.9\n:recall 1\ncoffee\n";
    let run = type_lines(&place, typed);
    // One document has the word.
    assert_eq!(run.stdout.lines().count(), 1 + 2 + 2, "{run:#?}");
    run.says(&[
        "searching by words",
        "searching by vectors and words",
        "searching by vectors",
        ":filter: no document has a field nonsense",
        "  | ^^^^^^^^",
        "no filter",
        ":recall: measure first",
        "a recall of 1",
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
        ":k: expected a whole number",
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

/// Copies the tiny checkpoint; with `change` it is another one, that makes other vectors.
fn checkpoint(place: &Place, to: &str, change: bool) {
    for folder in [".", "1_Dense"] {
        for file in fs::read_dir(model().join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap();
                place.write(&format!("{to}/{folder}/{name}"), fs::read(&path).unwrap());
            }
        }
    }
    if change {
        let weights = place.path(to).join("model.safetensors");
        let mut bytes = fs::read(&weights).unwrap();
        let middle = bytes.len() / 2;
        bytes.copy_within(middle..middle + 20_000, middle - 30_000);
        fs::write(&weights, bytes).unwrap();
    }
}

/// What is typed at a prompt, before and after something else is done.
struct Typing {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Typing {
    fn start(place: &Place, more: &[&str]) -> Typing {
        let mut call = place
            .colidx(&["search", "--index", "x.colidx", "--json", "-k", "1"])
            .args(more);
        let mut child = call.command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Typing {
            child,
            stdin,
            stdout,
        }
    }

    /// The hit of a query.
    fn ask(&mut self, query: &str) -> String {
        writeln!(self.stdin, "{query}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// What was told in the end.
    fn end(mut self) -> String {
        drop(self.stdin);
        let mut told = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        assert!(self.child.wait().unwrap().success(), "{told}");
        told
    }
}

fn rebuild(place: &Place, model: &str) {
    let build = [
        "build",
        "corpus.jsonl",
        "--index",
        "x.colidx",
        "--force",
        "--model",
        model,
    ];
    place.colidx(&build).run().succeeds();
}

/// The hit that a prompt gives which is opened now.
fn fresh(place: &Place, query: &str) -> String {
    let search = ["search", "--index", "x.colidx", "--json", "-k", "1", query];
    place.colidx(&search).run().succeeds().stdout
}

#[test]
fn a_reload_takes_the_checkpoint_that_the_index_names() {
    let place = Place::with_index();
    checkpoint(&place, "one", false);
    checkpoint(&place, "other", true);
    rebuild(&place, "one");
    let mut typing = Typing::start(&place, &[]);
    let query = "the moon and the sun";
    let before = typing.ask(query);
    assert_eq!(before, fresh(&place, query));
    rebuild(&place, "other");
    assert_eq!(typing.ask(query), before);
    let after = typing.ask(&format!(":reload\n{query}"));
    assert_eq!(after, fresh(&place, query));
    assert_ne!(after, before, "the other checkpoint makes other vectors");
    // The same one again, in another place.
    checkpoint(&place, "moved", true);
    rebuild(&place, "moved");
    fs::remove_dir_all(place.path("other")).unwrap();
    assert_eq!(typing.ask(&format!(":reload\n{query}")), after);
    let told = typing.end();
    assert!(
        told.contains("another checkpoint, now loaded: other from "),
        "{told}"
    );
    assert_eq!(told.matches("another checkpoint").count(), 1, "{told}");
}

#[test]
fn a_reload_that_does_not_fit_changes_nothing() {
    let place = Place::with_index();
    checkpoint(&place, "one", false);
    checkpoint(&place, "other", true);
    rebuild(&place, "one");
    let query = "the moon and the sun";
    let vectors = [
        "encode",
        "corpus.jsonl",
        "--model",
        "one",
        "--out",
        "vectors",
    ];
    place.colidx(&vectors).run().succeeds();

    // The person named a checkpoint.
    let mut typing = Typing::start(&place, &["--model", "one"]);
    let before = typing.ask(query);
    rebuild(&place, "other");
    assert_eq!(typing.ask(&format!(":reload\n{query}")), before);
    let told = typing.end();
    assert!(
        told.contains("the checkpoint at one is not the one that made x.colidx"),
        "{told}"
    );

    // The checkpoint that the index names is gone, or it names none.
    rebuild(&place, "one");
    let mut typing = Typing::start(&place, &[]);
    rebuild(&place, "other");
    fs::remove_dir_all(place.path("other")).unwrap();
    assert_eq!(typing.ask(&format!(":reload\n{query}")), before);
    let build = [
        "build",
        "--embeddings",
        "vectors",
        "--index",
        "x.colidx",
        "--force",
    ];
    place.colidx(&build).run().succeeds();
    assert_eq!(typing.ask(&format!(":reload\n{query}")), before);
    let told = typing.end();
    assert!(told.contains("no checkpoint at "), "{told}");
    assert!(
        told.contains("was built from vectors and names no checkpoint"),
        "{told}"
    );
}
