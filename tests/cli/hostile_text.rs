//! Text that would act on the terminal, from every source and through every output.

use std::error::Error;
use std::fs;

use colidx::{
    BuildOptions, IndexWriter, ModelInfo, NewDocument, NoProgress, SourceDocument, VectorBatch,
    VectorSource,
};

use crate::harness::{Place, Run, model};

/// A window title, a bell, a blinking color, C1, DEL, a carriage return, a direction override and
/// line separators.
const HOSTILE: &str =
    "x\u{1b}]0;OWNED\u{7}\u{1b}[6m\u{9b}31m\u{7f}\r\u{202e}\u{2066}\u{2028}\u{85}\nFORGED";

/// The same within one line, for texts, whose lines are shown as lines.
fn in_text() -> String {
    HOSTILE.replace('\n', " ")
}

fn is_hostile(c: char) -> bool {
    let direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && !"\n\t".contains(c)) || direction || "\u{2028}\u{2029}".contains(c)
}

#[track_caller]
fn is_clean(what: &str, run: &Run) {
    assert!(matches!(run.code, Some(0..=2)), "{what}: {run:?}");
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(is_hostile), "{what}: {run:?}");
        let forged = text.lines().any(|line| line.starts_with("FORGED"));
        assert!(!forged, "{what}: {run:?}");
    }
}

/// One vector for each document.
struct One;

impl VectorSource for One {
    fn dim(&self) -> usize {
        16
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        for document in documents {
            out.lens.push(1);
            out.token_ids.push(document.ordinal);
            out.vectors
                .extend((0..16).map(|d| if d == 0 { 1.0 } else { 0.0 }));
        }
        Ok(())
    }
}

/// An index that comes from elsewhere: all that it says of its checkpoint is hostile.
fn forged(place: &Place) {
    let model = ModelInfo::new(HOSTILE, 48, 16)
        .location(format!("/none{HOSTILE}"))
        .fingerprint(HOSTILE)
        .architecture(HOSTILE)
        .document_marker(HOSTILE)
        .query_marker(HOSTILE)
        .document_prompt(HOSTILE)
        .query_prompt(HOSTILE)
        .skiplist(vec![HOSTILE.to_owned()])
        .precision(HOSTILE);
    let options = BuildOptions::default().model(Some(model));
    let mut builder = IndexWriter::create(place.path("forged"), options).unwrap();
    for n in 0..3 {
        let key = format!("{HOSTILE}{n}");
        let document = NewDocument::new(&key)
            .title(HOSTILE)
            .text(HOSTILE)
            .metadata("{}");
        builder.add(document).unwrap();
    }
    builder.commit(&mut One, &NoProgress).unwrap();
}

/// A file of vectors whose header is hostile.
fn npy() -> Vec<u8> {
    let header = format!("{{'descr': '{HOSTILE}', 'fortran_order': False, 'shape': (1, 2), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes
}

fn json(fields: &[(&str, &str)]) -> String {
    let object: serde_json::Map<_, _> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    format!("{}\n", serde_json::Value::Object(object))
}

/// Everything hostile that a folder can hold.
fn place() -> Place {
    let place = Place::new();
    let text = format!("the moon {}", in_text());
    let document = json(&[("_id", HOSTILE), ("title", HOSTILE), ("text", &text)]);
    place.write("one.jsonl", &document);
    place.write("two.jsonl", format!("{document}{document}"));
    place.write("fields.jsonl", json(&[("_id", "a"), (HOSTILE, "b")]));
    place.write(
        "twice.jsonl",
        format!(
            "{{\"_id\": \"a\", {0}: 1, {0}: 2}}",
            serde_json::json!(HOSTILE)
        ),
    );
    place.write("broken.jsonl", format!("{HOSTILE}\n"));
    place.write("queries.jsonl", json(&[("_id", "q"), ("text", &text)]));
    place.write("keys.jsonl", json(&[("_id", HOSTILE), ("text", "moon")]));
    place.write(
        "same.jsonl",
        json(&[("_id", HOSTILE), ("text", "moon")]).repeat(2),
    );
    place.write("qrels.tsv", format!("q\t{}\tmany\n", in_text()));
    place.write("keys.txt", format!("{}\n", in_text()));
    place.write("vectors/doc_embeddings.npy", npy());
    place.write("vectors/doc_lens.npy", npy());
    place.write("vectors/doc_keys.txt", in_text());
    place.write(&format!("folder/{HOSTILE}.png"), "x");
    place.write(
        &format!("passages/{HOSTILE}.md"),
        format!("# {}\n\nmoon", in_text()),
    );
    for entry in ["1_Dense", "."] {
        for file in fs::read_dir(model().join(entry)).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap();
                let to = format!("{HOSTILE}model/{entry}/{name}");
                place.write(&to, fs::read(&path).unwrap());
            }
        }
    }
    forged(&place);
    place
}

/// Calls of every command, with what they read.
fn calls() -> Vec<(Vec<String>, String)> {
    let index = format!("{HOSTILE}index");
    let model = format!("{HOSTILE}model");
    let absent = format!("absent{HOSTILE}");
    let i: &str = &index;
    let m: &str = &model;
    let build = ["--index", "scratch", "--model", m];
    let search = ["search", "--index", i];
    let queries = ["--queries", "queries.jsonl"];
    let mut calls: Vec<Vec<&str>> = vec![
        vec!["build", "one.jsonl", "--index", i, "--model", m],
        vec!["build", "one.jsonl", "--index", i, "--model", m],
    ];
    for corpus in [
        "two.jsonl",
        "fields.jsonl",
        "twice.jsonl",
        "broken.jsonl",
        "folder",
        "passages",
        &absent,
    ] {
        calls.push([&["build", corpus][..], &build].concat());
        calls.push(
            [
                &["build", corpus, "--skip-bad-lines", "--force"][..],
                &build,
            ]
            .concat(),
        );
    }
    let rest: [&[&str]; 43] = [
        &["build", "--embeddings", "vectors", "--index", "scratch"],
        &[
            "build",
            "one.jsonl",
            "--index",
            "scratch2",
            "--model",
            &absent,
        ],
        &[
            "build",
            "one.jsonl",
            "--index",
            "scratch2",
            "--model",
            "owner/\u{1b}[2J",
        ],
        &["build", "one.jsonl", "--index", "folder", "--model", m],
        &[
            "build",
            "one.jsonl",
            "--index",
            "x",
            "--model",
            m,
            "--nbits",
            HOSTILE,
        ],
        &[
            "build",
            "one.jsonl",
            "--index",
            "x",
            "--model",
            m,
            "--memory",
            HOSTILE,
        ],
        &[
            "build",
            "one.jsonl",
            "--index",
            "x",
            "--model",
            m,
            "--format",
            HOSTILE,
        ],
        &[
            "build",
            "one.jsonl",
            "--index",
            "x",
            "--model",
            m,
            "--id-field",
            HOSTILE,
        ],
        &["build", &absent, "--index", "x", "--model", m],
        &[HOSTILE],
        &["search", HOSTILE, HOSTILE, HOSTILE],
        &["add", "one.jsonl", "--index", i],
        &["add", "one.jsonl", "--index", i, "--replace", "--json"],
        &["update", "passages", "--index", i],
        &["add", "one.jsonl", "--index", "forged"],
        &["delete", "--index", i, &absent],
        &["delete", "--index", i, "--keys", "keys.txt"],
        &[
            "delete",
            "--index",
            "forged",
            &absent,
            "--skip-missing",
            "--json",
        ],
        &["search", "--index", i, HOSTILE],
        &[
            "search",
            "--index",
            i,
            "moon",
            "--json",
            "--explain",
            "--stats",
        ],
        &["search", "--index", i, "moon", "--explain", "--stats"],
        &["search", "--index", "forged", "moon"],
        &["search", "--index", &absent, "moon"],
        &["search", "--index", i, "--queries", "keys.jsonl"],
        &["search", "--index", i, "--queries", "same.jsonl"],
        &["search", "--index", i, "--queries", "broken.jsonl"],
        &[
            "search",
            "--index",
            i,
            "--query-embeddings",
            "vectors/doc_lens.npy",
        ],
        &["search", "--index", i, "--model", &absent, "moon"],
        &["explain", "--index", i, "moon", HOSTILE],
        &["explain", "--index", i, "moon", HOSTILE, "--json"],
        &["explain", "--index", i, HOSTILE, &absent],
        &["info", "--index", i],
        &["info", "--index", i, "--json"],
        &["info", "--index", "forged"],
        &["info", "--index", "forged", "--json"],
        &["verify", "--index", i],
        &["verify", "--index", "forged", "--json"],
        &["model", m],
        &["model", m, "--json"],
        &["model", &absent],
        &["compact", "--index", i, "--json"],
        &["compact", "--index", "forged", "--retrain", "--from-text"],
        &["encode", "one.jsonl", "--model", m, "--out", &absent],
    ];
    calls.extend(rest.iter().map(|call| call.to_vec()));
    for more in [
        &[][..],
        &["--json"],
        &["--run-out", i],
        &["--run-out", &absent],
    ] {
        calls.push([&search[..], &queries, more].concat());
    }
    for more in [&[][..], &["--metrics", HOSTILE]] {
        let eval = ["eval", "--index", i, "--qrels", "qrels.tsv"];
        calls.push([&eval[..], &queries, more].concat());
    }
    calls.push([&["bench", "--index", i, "--run-out", &absent][..], &queries].concat());
    calls.push([&["tune", "--index", i][..], &queries].concat());
    let owned = |call: Vec<&str>| call.into_iter().map(str::to_owned).collect();
    let mut calls: Vec<(Vec<String>, String)> = calls
        .into_iter()
        .map(|call| (owned(call), String::new()))
        .collect();
    let typed = format!(
        "moon\n:open 1\n:explain 1\n{0}\n:{0}\n:k {0}\n:reload\n",
        in_text()
    );
    calls.push((owned(search.to_vec()), typed));
    calls
}

#[test]
fn nothing_that_acts_on_a_terminal_gets_through() {
    let place = place();
    for (call, input) in calls() {
        let arguments: Vec<&str> = call.iter().map(String::as_str).collect();
        let run = place.colidx(&arguments).input(input).run();
        is_clean(&format!("{call:?}"), &run);
    }
    // Damage, told by the path.
    let index = place.path(&format!("{HOSTILE}index"));
    fs::write(index.join("manifest"), "no manifest").unwrap();
    for more in [&[][..], &["--json"]] {
        let run = place
            .colidx(&["verify", "--index"])
            .arg(&index)
            .args(more)
            .run();
        is_clean("verify", &run.fails());
    }
}

#[test]
fn keys_that_act_on_a_terminal_are_escaped_in_a_run() {
    let place = place();
    place.build("one.jsonl").succeeds();
    place.write("good.tsv", "q\tmoon\n");
    let search = |queries: &str, more: &[&str]| {
        place
            .colidx(&["search", "--index", "x.colidx", "--queries", queries])
            .args(more)
            .run()
    };
    for queries in ["good.tsv", "keys.jsonl"] {
        let run = search(queries, &[]).succeeds();
        is_clean("search", &run);
        assert!(run.stdout.is_ascii() && run.stdout.contains("%1B"));
        assert!(run.stdout.lines().all(|line| line.split(' ').count() == 6));
        run.says(&["control characters", "percent-encoded"]);
    }
    // In JSON they are what they were.
    let hits = search("good.tsv", &["--json"]).succeeds();
    is_clean("search --json", &hits);
    assert_eq!(hits.json()[0]["key"], HOSTILE);
    assert_eq!(hits.json()[0]["title"], HOSTILE);
}

/// All of it again where both outputs are a terminal, with colours and bars.
#[cfg(target_os = "linux")]
#[test]
fn nothing_gets_through_to_a_real_terminal_either() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        eprintln!("skipped: there is no /usr/bin/script");
        return;
    }
    let place = place();
    let quote = |argument: &String| format!("'{}'", argument.replace('\'', r"'\''"));
    let mut all = String::new();
    for (call, _) in calls().into_iter().filter(|(_, input)| input.is_empty()) {
        let arguments: Vec<String> = call.iter().map(quote).collect();
        all.push_str(&format!("\"$COLIDX\" {} </dev/null\n", arguments.join(" ")));
    }
    place.write("all.sh", all);
    let script =
        "COLIDX=\"$0\" TERM=xterm-256color exec script -qec 'stty -echo; sh all.sh' /dev/null";
    let shown = place.shell(script).run().stdout;
    assert!(
        shown.contains("\u{1b}[1m") && shown.contains("moon"),
        "{shown}"
    );
    let shown = without_links(&shown);
    let mut rest = shown.as_str();
    let mut outside = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        outside.push_str(before);
        let end = after.find(|c: char| !"0123456789;?".contains(c)).unwrap();
        let (code, then) = after.split_at(end + 1);
        // Colours and weights of ours, and what moves a bar.
        let ours = ["0m", "1m", "2m", "2K", "1A", "1B", "?25l", "?25h"];
        assert!(
            ours.contains(&code) || code.contains("38;5;"),
            "{code}: {before:?}"
        );
        rest = then;
    }
    outside.push_str(rest);
    let outside = outside.replace('\r', "");
    assert!(!outside.contains(is_hostile), "{outside:?}");
    assert!(
        !outside.lines().any(|line| line.starts_with("FORGED")),
        "{outside}"
    );
}

/// What is shown without our links, whose addresses must be of plain characters.
#[cfg(target_os = "linux")]
fn without_links(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some((before, after)) = rest.split_once("\u{1b}]8;;") {
        let (address, then) = after.split_once("\u{1b}\\").expect("a link ends");
        let plain = |c: char| c.is_ascii_alphanumeric() || "/%-._~#:".contains(c);
        assert!(address.chars().all(plain), "{address:?}");
        out.push_str(before);
        rest = then;
    }
    out + rest
}
