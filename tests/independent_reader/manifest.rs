//! Sections 4 and 13: the manifest, deletions, and what belongs to an index.

use super::Document;
use super::bytes::{number, numbers};
use super::codebook::codebook;
use super::frame::{Frame, frame};
use super::segment::segment;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the index has beyond what every index has.
pub struct Features {
    pub columns: bool,
    /// Name and version, in an index with words.
    pub analyzer: Option<(String, u64)>,
}

/// All documents that are not deleted. Every rule of sections 4 to 13 is asserted.
pub fn read(path: &Path) -> Vec<Document> {
    let manifest = frame(&path.join("manifest"), "MANI");
    let (features, optional) = (manifest.features, manifest.optional);
    let manifest = manifest.sections;
    if features & 4 == 4 {
        pooling(&manifest["POOL"]);
    }
    if optional & 1 == 1 {
        recall(&manifest["RECL"]);
    }
    let features = Features {
        columns: features & 1 == 1,
        analyzer: (features & 2 == 2).then(|| analyzer(&manifest["WORD"])),
    };
    let head = &manifest["HEAD"];
    let (dim, nbits) = (number(head, 16, 4) as usize, number(head, 20, 4) as usize);
    let centroids = number(head, 24, 4) as usize;
    let segments: Vec<&[u8]> = manifest["SEGM"].chunks(40).collect();
    assert_eq!(number(head, 36, 4), segments.len() as u64);
    assert!(number(head, 0, 8) >= 1 && number(head, 28, 4) <= 100_000_000);
    assert_eq!((number(head, 40, 8) >> 1, number(head, 48, 8)), (0, 0));
    model(&manifest["MODL"]);

    let names = BTreeMap::from([
        ("BOOK", "codebook"),
        ("DOCS", "documents"),
        ("CODE", "codes"),
        ("RESI", "residuals"),
        ("MEAN", "means"),
        ("POST", "postings"),
        ("TEXT", "text"),
        ("COLS", "columns"),
        ("WRDS", "words"),
        ("DELE", "deletions"),
    ]);
    let (mut files, mut book, mut dead) = (BTreeMap::new(), None, BTreeSet::new());
    for record in manifest["FILE"].chunks(32) {
        let kind = std::str::from_utf8(&record[..4]).unwrap().to_owned();
        let file = number(record, 4, 4);
        assert!(file < number(head, 28, 4));
        let name = format!("{}-{file:08}.clx", names[&kind[..]]);
        let Frame { sections, seal, .. } = frame(&path.join(&name), &kind);
        assert_eq!(number(record, 16, 8), seal);
        assert!(kind != "COLS" || features.columns);
        assert!(kind != "WRDS" || features.analyzer.is_some());
        assert_eq!(
            number(record, 8, 8),
            std::fs::metadata(path.join(&name)).unwrap().len()
        );
        match &kind[..] {
            "BOOK" => {
                assert_eq!(file, number(head, 32, 4));
                assert!(book.is_none());
                book = Some(codebook(&sections, dim, nbits, centroids));
            }
            "DELE" => {
                let pairs: Vec<(u64, u64)> = numbers(&sections["DEAD"], 4)
                    .chunks(2)
                    .map(|pair| (pair[1], pair[0]))
                    .collect();
                assert!(pairs.is_sorted_by(|a, b| a < b));
                assert!(pairs.into_iter().all(|pair| dead.insert(pair)));
            }
            _ => assert!(files.insert((kind, file), sections).is_none()),
        }
    }
    let book = book.unwrap();
    let unit_length = number(head, 40, 8) == 1;
    let owners: BTreeSet<u64> = segments.iter().map(|s| number(s, 0, 4)).collect();
    assert_eq!(owners.len(), segments.len());
    assert!(files.keys().all(|(_, file)| owners.contains(file)));
    let mut documents = Vec::new();
    for record in segments {
        let file = number(record, 0, 4);
        let files = files.iter().filter(|((_, number), _)| *number == file);
        let files = files
            .map(|((kind, _), sections)| (&kind[..], sections))
            .collect();
        let read = segment(record, &files, &book, unit_length, &features);
        let is_dead = |document: usize| dead.contains(&(file, document as u64));
        let (gone, live): (Vec<_>, Vec<_>) = read
            .into_iter()
            .enumerate()
            .partition(|(at, _)| is_dead(*at));
        let vectors = gone
            .iter()
            .map(|(_, d)| d.vectors.len() / dim)
            .sum::<usize>();
        assert_eq!(number(record, 16, 4), gone.len() as u64);
        assert_eq!(number(record, 24, 8), vectors as u64);
        documents.extend(live.into_iter().map(|(_, document)| document));
    }
    assert_eq!(number(head, 56, 8), documents.len() as u64);
    let keys: BTreeSet<&String> = documents.iter().map(|d| &d.key).collect();
    assert_eq!(keys.len(), documents.len());
    documents
}

/// `MODL`.
fn model(json: &[u8]) {
    if json.is_empty() {
        return;
    }
    assert!(json.len() <= 1 << 20);
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).unwrap();
    for name in ["document_length", "query_length"] {
        assert!((1..=65_536).contains(&fields[name].as_u64().unwrap()));
    }
    let mut strings: Vec<&serde_json::Value> =
        fields["skiplist"].as_array().unwrap().iter().collect();
    strings.extend(fields.get("precision"));
    for name in [
        "name",
        "location",
        "fingerprint",
        "architecture",
        "document_marker",
        "query_marker",
    ] {
        strings.push(&fields[name]);
    }
    assert!(strings.iter().all(|s| s.as_str().unwrap().len() <= 4096));
}

/// `POOL`.
fn pooling(values: &[u8]) {
    assert_eq!(values.len(), 8);
    assert!((2..=1000).contains(&number(values, 0, 4)) && number(values, 4, 4) <= 1000);
}

/// `RECL`.
fn recall(json: &[u8]) {
    let table: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert!(table["documents"].is_u64() && table["queries"].is_u64());
    let mut before = (0, 0.0);
    for row in table["rows"].as_array().unwrap() {
        let k = row["k"].as_u64().unwrap();
        let [effort, recall, time] =
            ["effort", "recall", "milliseconds"].map(|name| row[name].as_f64().unwrap());
        assert!(k < 1 << 32 && effort > 0.0 && effort <= 1e6);
        assert!((0.0..=1.0).contains(&recall) && time >= 0.0);
        assert!((k, effort) > before);
        before = (k, effort);
    }
}

/// `WORD`.
fn analyzer(json: &[u8]) -> (String, u64) {
    let fields: serde_json::Value = serde_json::from_slice(json).unwrap();
    let name = fields["analyzer"].as_str().unwrap();
    let version = fields["version"].as_u64().unwrap();
    assert!(name.len() <= 64 && version < 1 << 32);
    (name.to_owned(), version)
}
