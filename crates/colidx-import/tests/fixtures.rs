//! Indexes that the engines themselves wrote, with what they answered, if they lie in
//! `../shared/foreign-indexes` beside the repository, or where `COLIDX_FOREIGN_INDEXES` says;
//! otherwise these tests print that they skip.

use std::path::{Path, PathBuf};

use colidx_data::npy::NpyReader;
use colidx_import::{ForeignIndex, ImportOptions, NoteKind};
use serde_json::Value;

fn fixture(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("COLIDX_FOREIGN_INDEXES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/foreign-indexes"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// An opened fixture, what is expected of it, and all that it holds.
struct Fixture {
    path: PathBuf,
    expected: Value,
    index: ForeignIndex,
    keys: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

fn open(name: &str, options: &ImportOptions) -> Option<Fixture> {
    let path = fixture(name)?;
    let expected = std::fs::read(path.join("expected.json")).unwrap();
    let before = listing(&path.join("index"));
    let mut index = ForeignIndex::open_with(&path.join("index"), options).unwrap();
    let keys = index.documents().map(|document| document.unwrap().key);
    let keys: Vec<String> = keys.collect();
    assert_eq!(keys.len(), index.len());
    let mut reader = index.vectors();
    let vectors = (0..index.len()).map(|document| {
        let mut out = Vec::new();
        let tokens = reader.read(document, &mut out).unwrap() as usize;
        assert_eq!(out.len(), tokens * index.dim());
        out
    });
    let vectors = vectors.collect();
    assert_eq!(
        listing(&path.join("index")),
        before,
        "the folder was changed"
    );
    Some(Fixture {
        path,
        expected: serde_json::from_slice(&expected).unwrap(),
        index,
        keys,
        vectors,
    })
}

fn decoded(name: &str) -> Option<Fixture> {
    open(name, &ImportOptions::default().originals(false))
}

/// Every file with its size and time.
fn listing(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let file = file.unwrap();
            let metadata = file.metadata().unwrap();
            let written = metadata.modified().unwrap();
            format!("{:?} {} {written:?}", file.path(), metadata.len())
        })
        .collect();
    files.sort();
    files
}

fn floats(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let mut reader = NpyReader::open(path).unwrap();
    let header = reader.header().clone();
    let mut out = Vec::new();
    reader
        .read_floats(0, header.elements() as usize, &mut out)
        .unwrap();
    (header.shape, out)
}

fn maxsim(query: &[f32], document: &[f32], dim: usize, least: f32) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    query
        .chunks(dim)
        .map(|token| {
            let scores = document.chunks(dim).map(|vector| dot(token, vector));
            scores.fold(least, f32::max)
        })
        .sum()
}

/// Rounds a vector as engines do that compute with 8 bits.
fn to_8_bits(vector: &mut [f32]) {
    let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let step = most / 127.0;
    let round = |x: &mut f32| *x = (*x / step).round_ties_even() * step;
    vector.iter_mut().for_each(round);
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

impl Fixture {
    /// The greatest difference of our scores from `answers`, of every document to every query; a
    /// token counts at least `least`. `name` makes an engine's id a key.
    fn difference(&self, answers: &str, least: f32, name: impl Fn(&Value) -> String) -> f32 {
        let (shape, mut queries) = floats(&self.path.join("queries.npy"));
        let dim = self.index.dim();
        if answers.ends_with("int8") {
            queries.chunks_mut(dim).for_each(to_8_bits);
        }
        assert_eq!(shape[2], dim as u64);
        let answers = self.expected[answers].as_array().unwrap();
        assert_eq!(answers.len() as u64, shape[0]);
        let mut difference = 0.0f32;
        let size = shape[1] as usize * dim;
        for (query, answer) in queries.chunks(size).zip(answers) {
            let ids = answer["ids"].as_array().unwrap();
            let scores = answer["scores"].as_array().unwrap();
            for (id, score) in ids.iter().zip(scores) {
                let key = name(id);
                let at = self.keys.iter().position(|known| *known == key);
                let at = at.unwrap_or_else(|| panic!("no document {key}"));
                let ours = maxsim(query, &self.vectors[at], dim, least);
                difference = difference.max((ours - score.as_f64().unwrap() as f32).abs());
            }
            // All documents, unless the engine leaves some out of even its longest answer.
            assert!(
                ids.len() + 3 >= self.keys.len(),
                "{} of {}",
                ids.len(),
                self.keys.len()
            );
        }
        difference
    }

    fn count(&self, kind: NoteKind) -> u64 {
        self.index.report().get(kind).map_or(0, |note| note.count)
    }

    /// The greatest difference from the vectors that the engine decodes.
    fn decoding_error(&self) -> f32 {
        let (_, decoded) = floats(&self.path.join("decoded.npy"));
        let ours = self.vectors.concat();
        assert_eq!(ours.len(), decoded.len());
        let pairs = ours.iter().zip(&decoded);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    /// Whether the vectors are those of the documents that the engine was given, to half precision.
    fn are_originals(&self) {
        let dim = self.index.dim();
        let source = self
            .path
            .parent()
            .unwrap()
            .join(format!("source-{dim}.npy"));
        let (_, source) = floats(&source);
        const LENS: [usize; 36] = [
            7, 1, 12, 3, 9, 5, 20, 2, 8, 4, 11, 6, 10, 3, 1, 5, 7, 2, 13, 4, 8, 6, 9, 12, 2, 5, 3,
            7, 4, 1, 6, 8, 9, 11, 10, 2,
        ];
        let rows = &self.expected["source_rows"];
        for (rank, key) in self.keys.iter().enumerate() {
            let row = rows
                .get(key)
                .unwrap_or_else(|| &rows[rank])
                .as_u64()
                .unwrap() as usize;
            let first: usize = LENS[..row].iter().sum();
            let given = &source[first * dim..(first + LENS[row]) * dim];
            assert_eq!(self.vectors[rank].len(), given.len(), "{key}");
            for (ours, given) in self.vectors[rank].iter().zip(given) {
                assert!((ours - given).abs() < 5e-4, "{key}: {ours} {given}");
            }
        }
    }

    fn are_numbers(&self, count: u64) {
        let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        assert_eq!(self.keys, numbers);
    }
}

/// These were scored on a CPU, where the engine counts no token below 0.
#[test]
fn stanford() {
    for name in [
        "colbert-ai-0.2.22-1b",
        "colbert-ai-0.2.22-2b",
        "colbert-ai-0.2.22-2b-cuda-tags",
        "colbert-ai-0.2.22-4b-coalesced",
    ] {
        let Some(fixture) = decoded(name) else {
            continue;
        };
        fixture.are_numbers(36);
        assert_eq!(fixture.index.engine().to_string(), "Stanford ColBERT");
        let model = fixture.index.model().unwrap();
        assert_eq!(model.checkpoint, "colbert-ir/colbertv2.0");
        assert_eq!(
            (model.document_length, model.query_length),
            (Some(180), Some(32))
        );
        assert_eq!(model.document_marker.as_deref(), Some("[unused1]"));
        assert_eq!(fixture.index.report().notes(), []);
        assert!(fixture.decoding_error() < 1e-6, "{name}");
        let difference = fixture.difference("exhaustive", 0.0, text);
        assert!(difference < 2e-3, "{name}: {difference}");
        println!("{name}: scores within {difference:.1e}");
    }
}

#[test]
fn stanford_after_updates() {
    let Some(fixture) = decoded("colbert-ai-0.2.22-2b-updated") else {
        return;
    };
    let lens = fixture.expected["doc_lengths"].as_array().unwrap();
    let live = (0..lens.len()).filter(|&number| lens[number] != 0);
    let live: Vec<String> = live.map(|number| number.to_string()).collect();
    assert_eq!(fixture.keys, live);
    assert_eq!(
        fixture.count(NoteKind::Deleted),
        (lens.len() - live.len()) as u64
    );
    assert!(fixture.decoding_error() < 1e-6);
    let difference = fixture.difference("exhaustive", 0.0, text);
    assert!(difference < 2e-3, "{difference}");
}

#[test]
fn ragatouille() {
    for (name, deleted) in [
        ("ragatouille-0.0.9-4b", 0),
        ("ragatouille-0.0.9-4b-deleted", 3),
    ] {
        let Some(mut fixture) = decoded(name) else {
            continue;
        };
        let texts = fixture.expected["texts"].as_array().unwrap();
        let ids = fixture.expected["ids"].as_array().unwrap();
        let mut passages = Vec::new();
        for (text, id) in texts.iter().zip(ids) {
            let parts: Vec<&str> = text.as_str().unwrap().split("||").collect();
            for (part, number) in parts.iter().zip(1..) {
                let key = match parts.len() {
                    1 => id.as_str().unwrap().to_owned(),
                    _ => format!("{}#{number}", id.as_str().unwrap()),
                };
                passages.push((key, part.to_string(), id.as_str().unwrap().to_owned()));
            }
        }
        let lens = fixture.expected["doc_lengths"].as_array().unwrap();
        assert_eq!(lens.len(), passages.len());
        let live: Vec<usize> = (0..lens.len()).filter(|&at| lens[at] != 0).collect();
        assert_eq!(fixture.count(NoteKind::Deleted), deleted);
        assert_eq!(live.len(), fixture.index.len());
        for (&number, document) in live.iter().zip(fixture.index.documents()) {
            let document = document.unwrap();
            let (key, text, id) = &passages[number];
            assert_eq!((&document.key, &document.text), (key, text));
            let metadata: Value = serde_json::from_str(&document.metadata_json).unwrap();
            assert_eq!(metadata["number"], id[4..].parse::<u64>().unwrap());
            assert_eq!(metadata.get("document_id").is_some(), key != id);
        }
        assert_eq!(
            fixture.index.engine().to_string(),
            "RAGatouille 0.0.8 or later"
        );
        let model = fixture.index.model().unwrap();
        assert_eq!(
            (&*model.checkpoint, model.document_length),
            ("ckpt", Some(64))
        );
        assert!(fixture.decoding_error() < 2.5e-4, "{name}");
        let named = |id: &Value| passages[id.as_u64().unwrap() as usize].0.clone();
        let difference = fixture.difference("exhaustive", 0.0, named);
        assert!(difference < 2e-3, "{name}: {difference}");
        println!("{name}: scores within {difference:.1e}");
    }
}

/// fast-plaid decodes in half precision, and so do we; it also sums in it.
#[test]
fn fast_plaid() {
    for (name, documents, version) in [
        ("fast-plaid-1.7.0-4b", 36, "fast-plaid 1.7 or later"),
        ("fast-plaid-1.7.0-2b", 30, "fast-plaid 1.7 or later"),
        ("fast-plaid-1.7.0-2b-updated", 33, "fast-plaid 1.7 or later"),
        ("fast-plaid-1.7.0-2b-shards", 36, "fast-plaid"),
    ] {
        let Some(fixture) = decoded(name) else {
            continue;
        };
        fixture.are_numbers(documents);
        assert_eq!(fixture.index.engine().to_string(), version);
        assert_eq!(fixture.index.model(), None);
        assert_eq!(fixture.decoding_error(), 0.0, "{name}");
        let difference = fixture.difference("exhaustive", f32::NEG_INFINITY, text);
        assert!(difference < 1e-3, "{name}: {difference}");
        println!("{name}: scores within {difference:.1e}");
    }
}

#[test]
fn original_vectors_are_preferred() {
    for name in [
        "fast-plaid-1.7.0-4b",
        "next-plaid-1.8.5-2b",
        "pylate-1.6.0-fast-plaid-4b",
        #[cfg(feature = "sqlite")]
        "pylate-1.4.0-fast-plaid-4b",
    ] {
        let Some(fixture) = open(name, &ImportOptions::default()) else {
            continue;
        };
        assert!(fixture.index.has_originals(), "{name}");
        assert_eq!(fixture.count(NoteKind::OriginalsUnfit), 0);
        fixture.are_originals();
    }
}

#[test]
fn next_plaid() {
    for name in [
        "next-plaid-1.8.5-2b",
        "next-plaid-1.8.5-4b",
        "next-plaid-1.8.5-binary",
    ] {
        let Some(fixture) = decoded(name) else {
            continue;
        };
        fixture.are_numbers(36);
        assert_eq!(fixture.index.engine().to_string(), "next-plaid");
        assert!(fixture.decoding_error() < 1e-6, "{name}");
        // Signs are always scored by a query in 8 bits.
        let answers = match name.ends_with("binary") {
            true => "exhaustive_int8",
            false => "exhaustive",
        };
        let difference = fixture.difference(answers, f32::NEG_INFINITY, text);
        assert!(difference < 2e-3, "{name}: {difference}");
        println!("{name}: scores within {difference:.1e}");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn metadata_of_fast_plaid_and_next_plaid() {
    for name in ["fast-plaid-1.7.0-4b", "next-plaid-1.8.5-4b"] {
        let options = ImportOptions::default()
            .key_column("year")
            .text_column("tag");
        let Some(mut fixture) = open(name, &options) else {
            continue;
        };
        for (n, document) in fixture.index.documents().enumerate() {
            let document = document.unwrap();
            assert_eq!(document.key, (1990 + n).to_string());
            assert_eq!(document.title, format!("Title {n}"));
            let tag = if n % 5 == 0 {
                String::new()
            } else {
                format!("t{}", n % 4)
            };
            assert_eq!(document.text, tag);
            let metadata: Value = serde_json::from_str(&document.metadata_json).unwrap();
            let score = metadata["score"].as_f64().unwrap();
            assert!((score - n as f64 / 7.0).abs() < 1e-9);
            assert_eq!(metadata.as_object().unwrap().len(), 1);
        }
    }
}

#[test]
fn xtr_warp() {
    for (name, documents) in [("xtr-warp-rs-2.1.0-4b", 36), ("xtr-warp-rs-2.1.0-2b", 30)] {
        let Some(fixture) = decoded(name) else {
            continue;
        };
        fixture.are_numbers(documents);
        assert_eq!(
            fixture.index.engine().to_string(),
            "xtr-warp-rs 2.1 or later"
        );
        let difference = fixture.difference("exhaustive", f32::NEG_INFINITY, text);
        assert!(difference < 2e-3, "{name}: {difference}");
        println!("{name}: scores within {difference:.1e}");
    }
}

#[test]
fn xtr_warp_after_updates() {
    let Some(fixture) = decoded("xtr-warp-rs-2.1.0-2b-updated") else {
        return;
    };
    let live = fixture.expected["source_rows"].as_array().unwrap();
    assert_eq!(fixture.keys, live.iter().map(text).collect::<Vec<_>>());
    assert_eq!(fixture.count(NoteKind::Deleted), 3);
    assert_eq!(fixture.count(NoteKind::OldVersion), 1);
    let difference = fixture.difference("exhaustive", f32::NEG_INFINITY, text);
    assert!(difference < 2e-3, "{difference}");
}

#[test]
fn pylate() {
    for (name, engine, limit) in [
        #[cfg(feature = "sqlite")]
        (
            "pylate-1.4.0-fast-plaid-4b",
            "fast-plaid 1.7 or later, in PyLate 1.4 or before",
            2.5e-3,
        ),
        (
            "pylate-1.6.0-fast-plaid-4b",
            "fast-plaid 1.7 or later, in PyLate 1.5 or later",
            2.5e-3,
        ),
        (
            "pylate-1.6.0-warp-4b",
            "xtr-warp-rs 2.1 or later, in PyLate 1.5 or later",
            2e-3,
        ),
        (
            "pylate-1.6.0-stanford-2b",
            "Stanford ColBERT, in PyLate 1.5 or later",
            2e-3,
        ),
    ] {
        let Some(fixture) = decoded(name) else {
            continue;
        };
        assert_eq!(fixture.index.engine().to_string(), engine);
        let rows = fixture.expected["source_rows"].as_object().unwrap();
        let mut sorted = fixture.keys.clone();
        sorted.sort();
        assert_eq!(sorted, rows.keys().cloned().collect::<Vec<_>>());
        let (answers, least) = match fixture.expected.get("exhaustive") {
            Some(_) => ("exhaustive", f32::NEG_INFINITY),
            None => ("by_key", 0.0), // Stanford's
        };
        let difference = fixture.difference(answers, least, text);
        println!("{name}: scores within {difference:.1e}");
        assert!(difference < limit, "{name}: {difference}");
    }
}

#[cfg(not(feature = "sqlite"))]
#[test]
fn ids_in_sqlite_need_the_feature() {
    let Some(path) = fixture("pylate-1.4.0-fast-plaid-4b") else {
        return;
    };
    let error = ForeignIndex::open(&path.join("index")).err().unwrap();
    assert!(matches!(
        error,
        colidx_import::ImportError::NeedsSqlite { .. }
    ));
}

/// Whole fixtures, cut short at many places in every file: an error or another index, and no panic.
#[test]
fn cut_files() {
    for name in [
        "colbert-ai-0.2.22-2b-updated",
        "fast-plaid-1.7.0-4b",
        "xtr-warp-rs-2.1.0-2b-updated",
    ] {
        let Some(path) = fixture(name) else {
            continue;
        };
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(path.join("index")).unwrap() {
            let file = file.unwrap().path();
            std::fs::write(
                copy.path().join(file.file_name().unwrap()),
                std::fs::read(&file).unwrap(),
            )
            .unwrap();
        }
        for file in std::fs::read_dir(copy.path()).unwrap() {
            let file = file.unwrap().path();
            let whole = std::fs::read(&file).unwrap();
            for eighth in 0..8 {
                std::fs::write(&file, &whole[..whole.len() * eighth / 8]).unwrap();
                read_all(copy.path());
            }
            std::fs::write(&file, &whole).unwrap();
        }
        assert!(read_all(copy.path()), "{name}");
    }
}

/// Reads all that there is; whether that works.
fn read_all(path: &Path) -> bool {
    let Ok(mut index) = ForeignIndex::open(path) else {
        return false;
    };
    let mut vectors = index.vectors();
    let read = (0..index.len()).all(|at| vectors.read(at, &mut Vec::new()).is_ok());
    index.documents().all(|document| document.is_ok()) && read
}
