//! The golden indexes: committed, opened forever, and rebuilt to the byte.
//!
//! `v5` was written before there were columns and words, and stays as it is.
//! `COLIDX_BLESS=1 cargo test -p colidx-core --test golden` writes anew `v5-features`, which has
//! both, `v5-pooled`, and the hex dump in `index-format.md`; that belongs in a commit which also
//! changes the format's version or adds a feature.

#[path = "golden/features.rs"]
mod features;
#[path = "golden/pooled.rs"]
mod pooled;

use colidx_core::*;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const DIM: usize = 12;
const MARK: &str = "<!-- made by tests/golden.rs -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden() -> PathBuf {
    root().join("tests/golden/v5")
}

fn blessing() -> bool {
    std::env::var_os("COLIDX_BLESS").is_some()
}

/// Two with vectors, one without text and vectors.
const DOCUMENTS: [NewDocument<'static>; 3] = [
    NewDocument::new("b")
        .title("Ant")
        .text("An ant.")
        .metadata(r#"{"legs":6}"#),
    NewDocument::new("a").text("A bee flies."),
    NewDocument::new("c"),
];

/// Vectors of an ant, of a bee and of what has no text: the first four dimensions. The others are
/// no more than it takes for bits to depend on each other.
const VECTORS: [&[[f32; 4]]; 3] = [
    &[[0.8, 0.6, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
    &[
        [0.6, 0.8, 0.0, 0.0],
        [0.0, 0.6, 0.8, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ],
    &[],
];

fn unit_vector(first: &[f32; 4]) -> Vec<f32> {
    let others = (0..DIM - 4).map(|i| 0.1 * ((i as f32 * first[0] + first[1] * 5.0) % 1.0 - 0.5));
    let mut vector: Vec<f32> = first.iter().copied().chain(others).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

const TOKENS: [&[u32]; 3] = [&[7, 9], &[7, 9, 11], &[]];

/// Makes vectors by what a text speaks of.
struct Insects;

impl VectorSource for Insects {
    fn dim(&self) -> usize {
        DIM
    }

    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for d in documents {
            let number = match d.text {
                "" => 2,
                text if text.contains("bee") => 1,
                _ => 0,
            };
            let vectors = VECTORS[number];
            out.lens.push(vectors.len() as u32);
            out.vectors.extend(vectors.iter().flat_map(unit_vector));
            out.token_ids.extend_from_slice(TOKENS[number]);
        }
        Ok(())
    }
}

fn model() -> ModelInfo {
    ModelInfo::new("tiny", 300, 32)
        .location("models/tiny")
        .fingerprint("00112233445566778899aabbccddeeff")
        .architecture("bert")
        .document_marker("[D]")
        .query_marker("[Q]")
        .skiplist(vec![".".into()])
}

/// Builds an index, and replaces the document that has the key of `replaced` by that.
fn build(path: &Path, documents: &[NewDocument<'_>], replaced: NewDocument<'_>) {
    let options = BuildOptions::default().nbits(2).centroids(3).seed(1);
    let mut builder = IndexWriter::create(path, options.model(model())).unwrap();
    for document in documents {
        builder.add(document).unwrap();
    }
    builder.commit(&mut Insects, &NoProgress).unwrap();
    drop(builder);
    let options = WriterOptions::default().model(model()).merge(false);
    let mut writer = IndexWriter::open(path, options).unwrap();
    assert!(writer.update(replaced).unwrap());
    writer.commit(&mut Insects, &NoProgress).unwrap();
}

/// These files are in both directories, with the same bytes. Another version of zstd may compress
/// text differently, which the manifest then records.
fn assert_same_bytes(now: &Path, then: &Path, names: &[String]) {
    let exact = |name: &&String| !name.starts_with("text") && *name != "manifest";
    for name in names.iter().filter(exact) {
        let [now, then] = [now, then].map(|folder| std::fs::read(folder.join(name)).unwrap());
        assert!(now == then, "{name}");
    }
}

const KINDS: [&str; 7] = [
    "codebook",
    "documents",
    "codes",
    "residuals",
    "means",
    "postings",
    "text",
];

/// The files of `v5` that are shown.
fn shown() -> Vec<String> {
    let first = KINDS.iter().map(|kind| format!("{kind}-00000001.clx"));
    let mut names = vec!["manifest".to_owned()];
    names.extend(first);
    names.push("deletions-00000003.clx".to_owned());
    names
}

/// Those of `v5-features` that are shown.
const ALSO_SHOWN: [&str; 2] = ["columns-00000001.clx", "words-00000001.clx"];

/// The files of `v5`.
fn names() -> Vec<String> {
    let second = KINDS[1..].iter().map(|kind| format!("{kind}-00000002.clx"));
    shown().into_iter().chain(second).collect()
}

#[test]
fn the_golden_index_opens_verifies_and_is_searched() {
    if blessing() {
        return;
    }
    let index = Index::open(golden()).unwrap();
    index.verify().unwrap();
    let info = index.info().unwrap();
    assert_eq!(
        (info.documents, info.vectors, info.dim, info.nbits),
        (3, 5, DIM, 2)
    );
    assert_eq!((info.segments.len(), info.deleted_documents), (2, 1));
    assert_eq!(
        index.model().unwrap().fingerprint,
        "00112233445566778899aabbccddeeff"
    );
    for document in &DOCUMENTS {
        let doc = index.find(document.key).unwrap().unwrap();
        let stored = index.document(doc).unwrap();
        assert_eq!(stored.title, document.title);
        assert_eq!(stored.text, document.text);
        assert_eq!(stored.metadata, document.metadata);
    }
    let tokens = [[0.0, 0.0, 0.0, 1.0], [0.6, 0.8, 0.0, 0.0]];
    let query = Query::new(
        &tokens.iter().flat_map(unit_vector).collect::<Vec<_>>(),
        DIM,
    )
    .unwrap();
    let hits = index
        .search(&query, &SearchOptions::default())
        .unwrap()
        .hits;
    assert_eq!(
        hits.iter().map(|h| &h.key[..]).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!((hits[0].score - 2.0).abs() < 0.1, "{}", hits[0].score);
}

#[test]
fn the_same_input_still_gives_the_same_bytes() {
    let tmp = tempfile::tempdir().unwrap();
    build(tmp.path(), &DOCUMENTS, DOCUMENTS[1]);
    if blessing() {
        features::bless();
        pooled::bless();
        let path = root().join("index-format.md");
        let document = std::fs::read_to_string(&path).unwrap();
        let (before, _) = document.split_once(MARK).unwrap();
        std::fs::write(&path, format!("{before}{MARK}\n{}", dump())).unwrap();
    }
    assert_same_bytes(tmp.path(), &golden(), &names());
}

#[test]
fn the_specification_shows_the_golden_index() {
    if blessing() {
        return;
    }
    let document = std::fs::read_to_string(root().join("index-format.md")).unwrap();
    let (_, shown) = document.split_once(MARK).unwrap();
    assert_eq!(shown.trim(), dump().trim());
}

/// A commented hex dump of every file.
fn dump() -> String {
    let mut out = String::new();
    let of_v5 = shown().into_iter().map(|name| golden().join(name));
    let others = ALSO_SHOWN.map(|name| features::golden().join(name));
    for path in of_v5.chain(others) {
        let name = path.file_name().unwrap().display();
        let bytes = std::fs::read(&path).unwrap();
        write!(out, "\n### `{name}`, {} bytes\n\n", bytes.len()).unwrap();
        let mut last_was_zero = false;
        for (at, line) in bytes.chunks(16).enumerate() {
            let (at, comment) = (at * 16, comment(&bytes, at * 16));
            // A run of zero lines without a comment shows nothing.
            if line.iter().all(|b| *b == 0) && comment.is_empty() {
                if !last_was_zero {
                    out.push_str("    *\n");
                }
                last_was_zero = true;
                continue;
            }
            last_was_zero = false;
            let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
            let text = format!("    {at:04x}  {:<47}  {comment}", hex.join(" "));
            writeln!(out, "{}", text.trim_end()).unwrap();
        }
    }
    out
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// What begins in the 16 bytes at `at`.
fn comment(bytes: &[u8], at: usize) -> String {
    let footer = bytes.len() - 64;
    let directory = u32_at(bytes, footer);
    let tag = |at: usize| String::from_utf8_lossy(&bytes[at..at + 4]).into_owned();
    let sections = u32_at(bytes, footer + 8);
    let entry = |i: usize| directory + 32 * i;
    match at {
        0 => format!("header: magic, kind {}, version 5", tag(8)),
        48 => "header checksum".into(),
        _ if at == footer => format!("footer: directory at {directory:04x}, {sections} sections"),
        _ if at == footer + 16 => "directory checksum, file length".into(),
        _ if at == footer + 48 => "footer checksum, end magic".into(),
        _ if (directory..entry(sections)).contains(&at) => {
            let i = (at - directory) / 32;
            match (at - directory) % 32 {
                0 => format!(
                    "directory: {} at {:04x}",
                    tag(entry(i)),
                    u32_at(bytes, entry(i) + 8)
                ),
                _ => format!("  length {}, checksum", u32_at(bytes, entry(i) + 16)),
            }
        }
        _ => (0..sections)
            .find(|&i| u32_at(bytes, entry(i) + 8) == at && u32_at(bytes, entry(i) + 16) > 0)
            .map(|i| format!("{}: {}", tag(entry(i)), meaning(&tag(entry(i)), &tag(8))))
            .unwrap_or_default(),
    }
}

fn meaning(section: &str, kind: &str) -> &'static str {
    match (section, kind) {
        ("FLDS", _) => "path in PATH and first column of each of 11 fields",
        ("PATH", _) => "the paths",
        ("COLS", _) => "kind and documents, then F, T and D of each column",
        ("INTS", _) => "-2, 1; -2^63; 0; 6",
        ("FLTS", _) => "2.5, ...",
        ("STRS", _) => "where each string begins, and the end",
        ("STRB", _) => "the strings",
        ("STRT", _) => "where the documents of each value begin, in their column",
        ("DOCS", "COLS") => "documents of each value",
        ("WLST", _) => "lists",
        ("WPOS", _) => "positions",
        ("WTRM", _) => "terms",
        ("WIDX", _) => "first term of a block, and where it, its list and positions begin",
        ("WLEN", _) => "lengths of 4 documents",
        ("WINF", _) => "positions are stored, 4 documents, ...",
        ("HEAD", _) => "generation 2, seed 1, dim 12, nbits 2, K 3, next file 4, ...",
        ("FILE", _) => "kind, number, length, footer checksum of each file",
        ("SEGM", _) => "file number 1, 3 documents, 5 vectors, 1 deleted, with 3 vectors; then 2",
        ("MODL", _) => "JSON",
        ("CENT", _) => "[3, 12] i8",
        ("STEP", _) => "12 steps",
        ("CELL", _) => "first centroid of each cell, and the end",
        ("CCEN", _) => "a row of 12 i8 for each cell",
        ("GRPH", _) => "no graph",
        ("GRUP", _) => "token id, first entry of MEMB, entries",
        ("MEMB", _) => "3 numbers of centroids",
        ("WGHT", _) => "two rows of 4 weights",
        ("GAIN", _) => "16 gains",
        ("SCAL", _) => "12 scales",
        ("FIT.", _) => "mean squared error of the sample",
        ("VOFF", _) => "0, 2, 5, 5: vectors of documents 0, 1, 2",
        ("KOFF", _) => "0, 1, 2, 3",
        ("KEYS", _) => "\"b\" \"a\" \"c\"",
        ("SORT", _) => "1, 0, 2: \"a\", \"b\", \"c\"",
        ("CODE", _) => "5 codes of 6 bits, 8 zero bytes",
        ("RESI", _) => "5 vectors, 3 bytes each: 12 dimensions of 2 bits",
        ("LIST", _) => "3 lists, 8 zero bytes",
        ("LCEN", _) => "no names: every centroid has a list",
        ("DEAD", _) => "document 1 of segment 1",
        ("LOFF", _) => "where each list begins, and the end",
        ("DATA", _) => "one zstd frame",
        ("BLKS", _) => "block at 0, first document 0, length",
        _ => "",
    }
}
