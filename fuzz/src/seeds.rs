//! Good inputs to begin from: parts of good files, small, and made here rather than kept.

use std::fs;
use std::path::Path;

use crate::checkpoint::SETTINGS;
use crate::foreign::{numpy_seeds, pickle_seeds, torch_seeds};
use crate::index::{packed, packed_raw, whole};
use crate::pack::pack;
use crate::requests::requests_seeds;
use crate::scratch::checkpoint;

/// Writes the seeds of a target to where `cargo fuzz run` looks for inputs.
pub fn write(target: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder).expect("a folder can be made in fuzz");
    for (number, seed) in of(target).iter().enumerate() {
        let path = folder.join(format!("seed-{number}"));
        fs::write(path, seed).expect("a file can be written in fuzz");
    }
}

/// The seeds of a target; none for a name that is no target's.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "frame" => vec![whole("manifest"), whole("documents"), whole("postings")],
        "index" => vec![packed(&[""])],
        "index_raw" => vec![packed_raw()],
        "manifest" | "codebook" | "documents" | "postings" | "text" | "columns" | "words" => {
            vec![packed(&[target])]
        }
        "metadata" => vec![METADATA.as_bytes().to_vec()],
        "lexical" => LEXICAL.map(|query| query.as_bytes().to_vec()).into(),
        "requests" => requests_seeds(),
        "filter" => FILTERS.map(|filter| filter.as_bytes().to_vec()).into(),
        "word_query" => WORD_QUERIES.map(|query| query.as_bytes().to_vec()).into(),
        "deletions" => vec![packed(&["deletions", "manifest"])],
        "vectors" => vec![packed(&["codes", "residuals"])],
        "npy" => arrays(),
        "embeddings" => vec![embeddings(true), embeddings(false)],
        "vector_file" => vector_files(),
        "corpus" => corpora(),
        "queries" => [
            &b"\0{\"_id\": 1, \"text\": \"first\"}\n\n{\"_id\": \"b\", \"text\": \"\"}\n"[..],
            b"\x01qid\tquery\n1\tfirst query\r\nb\t\n",
        ]
        .map(<[u8]>::to_vec)
        .into(),
        "qrels" => [
            &b"query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n"[..],
            b"q1 0 d1 1\nq2 Q0 d1 -2\n",
            b"q Q0 b 9 1 t\nq Q0 a 1 1.0 t\nr\tQ0\tc\t2\t2e-3\tt\n",
        ]
        .map(<[u8]>::to_vec)
        .into(),
        "checkpoint_config" => vec![
            settings(0, "tiny-bert"),
            settings(1, "tiny-modernbert"),
            settings(2, "tiny-lfm2"),
            settings(3, "tiny-qwen3-causal"),
            settings(4, "tiny-gte"),
        ],
        "safetensors" => vec![fixture("tiny-bert", "1_Dense/model.safetensors")],
        "pickle" => {
            let folder = checkpoint("../../hostile");
            let hostile = ["short-tuple.bin", "short-storage.bin"];
            let mut seeds = vec![fixture("tiny-stanford-bin", "pytorch_model.bin")];
            seeds.extend(hostile.map(|name| fs::read(folder.join(name)).unwrap_or_default()));
            seeds
        }
        "tokenizer" => vec![
            [&[0], &fixture("tiny-plain", "vocab.txt")[..]].concat(),
            [&[1], &fixture("tiny-bert", "tokenizer.json")[..]].concat(),
            [&[1], &fixture("tiny-modernbert", "tokenizer.json")[..]].concat(),
            [&[1], &fixture("tiny-xlm-roberta", "tokenizer.json")[..]].concat(),
        ],
        "foreign_torch" => torch_seeds(),
        "foreign_numpy" => numpy_seeds(),
        "foreign_pickle" => pickle_seeds(),
        _ => Vec::new(),
    }
}

const METADATA: &str = r#"{"n": 1, "s": "a", "t": [true, null, {}], "o": {"p": -2.5, "q": []}}

{"n": 9007199254740993, "s": "\u00e9", "a.b": {"": 1e300}}
{"n": 1.0, "s": ["a", "b"]}"#;

/// The first byte chooses the analyzer; then come query and documents.
const LEXICAL: [&str; 4] = [
    "\0+fox -dog \"red hen\" x-ray\0The red hens and the Fox's x-ray.\0dogs",
    "\u{1}\"日本語\" tea\0日本語の緑茶\0ชา tea",
    "\u{2}parseHTTPRequest -\"fn main\"\0fn parse_http_request(x: u32) {}\0fn main() {}",
    "\u{7}Häuser \"der Maus\"\0Das Haus der Maus\0Mäuse",
];

const FILTERS: [&str; 5] = [
    "n >= 1 AND (s = 'a''b' OR NOT t IS TRUE) AND o.p BETWEEN -2 AND 0.5",
    "\"in\" IN (1, -2, 1e3, 'x') OR s NOT LIKE 'a\\%_%' AND 2019 <= n",
    "a.b EXISTS AND \"a.b\" IS NOT NULL OR TRUE AND NOT FALSE AND t <> 'é'",
    r#"{"op": "and", "args": [{"op": "=", "field": "s", "value": "a"}, {"op": "is_null", "field": "n"}]}"#,
    r#"{"op": "not", "arg": {"op": "between", "field": "n", "low": 1, "high": 2.5}}"#,
];

const WORD_QUERIES: [&str; 6] = [
    "text of 7",
    "+text -3 \"text of\" 12",
    "-\"of document\" +\"text\" 4 4 4",
    "+ - \"\" \"open +-text",
    "text\"of\"3 x-ray -x-7 +a.b",
    "t\u{e9}xt \u{6587}\u{66f8} \u{1f469}\u{200d}\u{1f467} TEXT's",
];

fn fixture(name: &str, file: &str) -> Vec<u8> {
    fs::read(checkpoint(name).join(file)).unwrap_or_default()
}

fn settings(which: u8, name: &str) -> Vec<u8> {
    let files = SETTINGS.map(|file| fixture(name, file));
    [&[which], &pack(files.iter().map(Vec::as_slice))[..]].concat()
}

fn array(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(bytes);
    file
}

fn arrays() -> Vec<Vec<u8>> {
    vec![
        array("<f4", "2, 3", &[0; 24]),
        array("<f2", "2, 2, 2", &[60; 16]),
        array("<i4", "3,", &[1; 12]),
        array("<i8", "2,", &[1; 16]),
        array("<u4", "0,", &[]),
        array("|u1", "2, 2", &[1; 4]),
    ]
}

/// Three documents of 2, 0 and 1 vectors.
fn embeddings(with_ids: bool) -> Vec<u8> {
    let lens: Vec<u8> = [2i32, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
    let mut files = vec![array("<f2", "3, 4", &[60; 24]), array("<i4", "3,", &lens)];
    if with_ids {
        files.push(array("<i8", "3,", &[0; 24]));
        files.push(b"a\nb\nc\n".to_vec());
        files.push(array("<f4", "2, 1, 4", &[0; 32]));
    }
    pack(files.iter().map(Vec::as_slice))
}

/// An array of two documents, a tensor a document, and JSON Lines.
fn vector_files() -> Vec<Vec<u8>> {
    let header = b"{\"a\":{\"dtype\":\"BF16\",\"shape\":[1,2],\"data_offsets\":[0,4]},\
        \"b\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[4,12]}}";
    let length = (header.len() as u64).to_le_bytes();
    vec![
        array("<f4", "2, 2, 2", &[60; 32]),
        [&length[..], header, &[60; 12]].concat(),
        b"{\"_id\": 1, \"vectors\": [[1, 2.5]]}\n\n{\"vectors\": []}\n".to_vec(),
    ]
}

fn corpora() -> Vec<Vec<u8>> {
    let lines = b"{\"_id\": \"a\", \"title\": \"T\", \"text\": \"x\", \"n\": 1}\r\n\n{\"_id\": 2, \"text\": \"y\"}\n";
    let table = b"id\ttext\ttitle\n7\tsome text\tA title\n8\tmore\n";
    let prose = b"\xEF\xBB\xBFA paragraph of a few words. Another sentence.\n\nA second one.\n";
    let marked = b"---\ntitle: T\ntags: [a, 'b']\ndate: 2020-01-02\n---\n# One\ntext\n\nTwo\n===\n- a\n- b\n| a | b |\n\n```rust\nfn f() {}\n```\n## Three #\nmore text here\n";
    let page = b"<!doctype html><title>T &amp; U</title><script>x<y</script><body><h1>One</h1>\
        <p>text <b>bold</b>&#8212;<!-- no --><ul><li>a<li>b</ul><pre> x\n  y</pre><h2>Two</h2>";
    let source =
        b"use a::b;\n\n/// Adds.\nfn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n\nstruct S;\n";
    // {"_id": "a", "text": "x"} and a line end.
    let gzip = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 171, 86, 138, 207, 76, 81, 178, 82, 80, 74, 84, 210, 81,
        80, 42, 73, 173, 40, 1, 113, 42, 148, 106, 185, 0, 38, 70, 218, 76, 26, 0, 0, 0,
    ];
    // A frame of one raw block: {"_id":"a","text":"x"} and a line end.
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, 23, 0xb9, 0, 0];
    zstd.extend(b"{\"_id\":\"a\",\"text\":\"x\"}\n");
    [
        (0, 0, 0, &lines[..]),
        (1, 0, 0, lines),
        (0, 1, 0, table),
        (3, 1, 0, table),
        (0, 2, 0, prose),
        (4, 2, 0, prose),
        (0, 3, 0, marked),
        (4 + 2, 3, 0, marked),
        (0, 4, 0, page),
        (16 + 4, 4, 0, page),
        (0, 5, 0, source),
        (4, 5, 0, source),
        (0, 0, 1, &gzip),
        (0, 0, 2, &zstd),
    ]
    .map(|(how, format, name, content)| [&[how, format, name], content].concat())
    .into()
}
