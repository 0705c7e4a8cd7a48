use crate::embeddings::{Embeddings, EmbeddingsError, QueryEmbeddings};
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/embeddings/testdata");
    folder.join(format!("{name}.parquet"))
}

fn read(embeddings: &mut Embeddings, documents: &[u64]) -> (Vec<u32>, Vec<f32>) {
    let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    embeddings
        .read(documents, &mut vectors, &mut lens, &mut ids)
        .unwrap();
    (lens, vectors)
}

fn refused(name: &str) -> String {
    let opened = Embeddings::open(&file(name)).and_then(|mut embeddings| {
        let all: Vec<u64> = (0..embeddings.documents()).collect();
        embeddings.read(&all, &mut Vec::new(), &mut Vec::new(), &mut Vec::new())
    });
    opened.unwrap_err().to_string()
}

#[test]
fn columns_that_pyarrow_writes_are_read_in_any_order() {
    let all: Vec<f32> = (1..11).map(|n| n as f32).collect();
    for (name, keys) in [
        ("lists", Some(["one", "two", "three", "four", "five"])),
        ("halves", Some(["10", "11", "12", "13", "14"])),
        ("doubles", None),
    ] {
        let mut embeddings = Embeddings::open(&file(name)).unwrap();
        assert_eq!((embeddings.documents(), embeddings.dim()), (5, 2), "{name}");
        let (lens, vectors) = read(&mut embeddings, &[0, 1, 2, 3, 4]);
        assert_eq!((lens, &vectors), (vec![2, 0, 0, 1, 2], &all), "{name}");
        assert_eq!(embeddings.padding(), 1, "{name}");
        let (lens, vectors) = read(&mut embeddings, &[4, 0, 3]);
        assert_eq!((lens, &vectors[..2]), (vec![2, 2, 1], &[7.0, 8.0][..]));
        assert_eq!(embeddings.has_keys(), keys.is_some(), "{name}");
        let found: Vec<String> = embeddings.keys().unwrap().map(Result::unwrap).collect();
        assert_eq!(found, keys.unwrap_or(["0", "1", "2", "3", "4"]), "{name}");
    }
    let mut queries = QueryEmbeddings::open(&file("lists")).unwrap();
    let mut query = Vec::new();
    queries.read(3, &mut query).unwrap();
    assert_eq!((queries.queries(), query), (5, vec![5.0, 6.0]));
}

#[test]
fn a_folder_is_read_by_its_table_and_not_by_the_records_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file("lists"), folder.path().join("vectors.parquet")).unwrap();
    std::fs::write(
        folder.path().join("documents.jsonl"),
        "{\"_id\": \"one\"}\n",
    )
    .unwrap();
    let embeddings = Embeddings::open(folder.path()).unwrap();
    assert_eq!((embeddings.documents(), embeddings.records()), (5, None));
    let keys: Vec<String> = embeddings.keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(keys, ["one", "two", "three", "four", "five"]);
}

#[test]
fn what_holds_no_vectors_is_refused() {
    assert!(refused("ragged").contains("document 1 has vectors of dimension 3, expected 2"));
    assert!(refused("nulls").contains("a number that is null in row 1"));
    assert!(refused("flat").contains("a column `vectors.list.element` of another type"));
    let missing = Embeddings::open_field(&file("flat"), "v").err().unwrap();
    let said = missing.to_string();
    assert!(said.contains("no column `v` but vectors, n"), "{said}");
}

/// Every file with one byte changed, and every beginning of one, is read or refused.
#[test]
fn damaged_files_are_refused_without_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        if let Ok(mut embeddings) = Embeddings::open(&path) {
            for document in 0..embeddings.documents().min(9) {
                let mut out = (Vec::new(), Vec::new(), Vec::new());
                let _ = embeddings.read(&[document], &mut out.0, &mut out.1, &mut out.2);
            }
        }
    };
    for name in ["lists", "halves"] {
        let good = std::fs::read(file(name)).unwrap();
        for at in 0..good.len() {
            for change in [0x01, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= change;
                check(&bytes);
            }
            if at.is_multiple_of(7) {
                check(&good[..at]);
            }
        }
    }
    assert!(matches!(
        Embeddings::open(&file("flat")),
        Err(EmbeddingsError::Parquet { .. })
    ));
}
