//! Tests of every form but the folder of one array and its lengths.

use crate::array::tests::{archive, f32s, npy_bytes, safetensors_bytes, torch_list};
use crate::embeddings::*;
use std::fs;
use zip::CompressionMethod::Stored;

/// Keys, lengths and vectors of all documents.
fn all(embeddings: &mut Embeddings) -> (Vec<String>, Vec<u32>, Vec<f32>) {
    let documents: Vec<u64> = (0..embeddings.documents()).collect();
    let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    embeddings
        .read(&documents, &mut vectors, &mut lens, &mut ids)
        .unwrap();
    let keys = embeddings.keys().unwrap().map(Result::unwrap).collect();
    (keys, lens, vectors)
}

fn opened(path: &Path) -> (Vec<String>, Vec<u32>, Vec<f32>) {
    all(&mut Embeddings::open(path).unwrap())
}

fn error(path: &Path) -> String {
    Embeddings::open(path).err().unwrap().to_string()
}

fn npy(rows: usize, values: &[f32]) -> Vec<u8> {
    npy_bytes("<f4", &[rows, 2], &f32s(values))
}

#[test]
fn a_folder_of_a_file_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("page10.npy"), npy(1, &[5., 6.])).unwrap();
    fs::write(path.join("page9.npy"), npy(2, &[1., 2., 3., 4.])).unwrap();
    let tensor = safetensors_bytes(&[("embedding", "F32", &[1, 1, 2], f32s(&[7., 8.]))]);
    fs::write(path.join("x.safetensors"), tensor).unwrap();
    torch_list(&path.join("y.pt"), "FloatStorage", &[(1, f32s(&[9., 10.]))]);
    fs::write(path.join("readme.md"), "no vectors").unwrap();
    let values: Vec<f32> = (1..11).map(|n| n as f32).collect();
    let keys = ["page9", "page10", "x", "y"].map(str::to_owned);
    assert_eq!(opened(path), (keys.to_vec(), vec![2, 1, 1, 1], values));
    let embeddings = Embeddings::open(path).unwrap();
    assert_eq!((embeddings.rows(), embeddings.has_keys()), (Some(5), true));

    fs::write(
        path.join("z.npy"),
        npy_bytes("<f4", &[1, 3], &f32s(&[0.; 3])),
    )
    .unwrap();
    assert!(error(path).contains("document 4 has vectors of dimension 3, expected 2"));
    fs::write(path.join("z.npy"), npy_bytes("<i4", &[1, 2], &[0; 8])).unwrap();
    assert!(
        error(path).contains("expected f16, bf16, f32 or f64, got i32"),
        "{}",
        error(path)
    );
    fs::write(path.join("z.npy"), npy_bytes("<f4", &[2], &[0; 8])).unwrap();
    assert!(error(path).contains("[tokens, dim] or [documents, tokens, dim], got (2,)"));
    let empty = tempfile::tempdir().unwrap();
    assert!(error(empty.path()).contains("no files of vectors"));
}

#[test]
fn a_folder_of_json_lines_with_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let records = path.join("documents.jsonl");
    let lines =
        "{\"_id\": \"a\", \"vectors\": [[1, 2]]}\n{\"_id\": \"b\", \"vectors\": [[3, 4]]}\n";
    fs::write(&records, lines).unwrap();
    let embeddings = Embeddings::open(path).unwrap();
    assert_eq!(embeddings.documents(), 2);
    assert_eq!(embeddings.records(), Some((&*records, "vectors")));
    assert_eq!(opened(path).2, [1., 2., 3., 4.]);
    // Arrays come first: the records then only say what the documents are.
    fs::write(path.join("a.npy"), npy(1, &[5., 6.])).unwrap();
    assert_eq!(opened(path).2, [5., 6.]);
}

#[test]
fn one_file_of_an_array_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v");
    let arrays = [("b.npy", npy(1, &[3., 4.])), ("a.npy", npy(1, &[1., 2.]))];
    archive(&path, Stored, &arrays);
    let keys = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(opened(&path), (keys(), vec![1, 1], vec![1., 2., 3., 4.]));
    let tensors = [
        ("b", "F32", &[1usize, 2][..], f32s(&[3., 4.])),
        ("a", "F32", &[1, 2], f32s(&[1., 2.])),
    ];
    fs::write(&path, safetensors_bytes(&tensors)).unwrap();
    assert_eq!(opened(&path), (keys(), vec![1, 1], vec![1., 2., 3., 4.]));
    torch_list(
        &path,
        "FloatStorage",
        &[(1, f32s(&[1., 2.])), (1, f32s(&[3., 4.]))],
    );
    let numbers = vec!["0".to_owned(), "1".to_owned()];
    assert_eq!(opened(&path), (numbers, vec![1, 1], vec![1., 2., 3., 4.]));
}

#[test]
fn one_array_of_documents_of_equal_length_with_padding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npy");
    let values = [1., 2., 0., 0., 0., 0., 3., 4., 5., 0., 0., 0.];
    fs::write(&path, npy_bytes("<f4", &[2, 3, 2], &f32s(&values))).unwrap();
    let mut embeddings = Embeddings::open(&path).unwrap();
    let numbers = vec!["0".to_owned(), "1".to_owned()];
    let expected = (numbers, vec![1, 2], vec![1., 2., 3., 4., 5., 0.]);
    assert_eq!(all(&mut embeddings), expected);
    assert_eq!(all(&mut embeddings), expected);
    assert_eq!((embeddings.padding(), embeddings.rows()), (3, Some(6)));

    fs::write(folder.path().join("keys"), "x\ny\n").unwrap();
    let embeddings = embeddings.with_keys(&folder.path().join("keys")).unwrap();
    let keys: Vec<String> = embeddings.keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(keys, ["x", "y"]);
    fs::write(folder.path().join("keys"), "x\n").unwrap();
    let refused = embeddings
        .with_keys(&folder.path().join("keys"))
        .err()
        .unwrap();
    assert!(refused.to_string().contains("has 1 keys"), "{refused}");

    fs::write(&path, npy(6, &values)).unwrap();
    let message = error(&path);
    assert!(
        message.contains("got (6, 2)") && message.contains("where documents end"),
        "{message}"
    );
    let nan = [0., 0., 0., 0., 0., 0., 3., 4., f32::NAN, 0., 0., 0.];
    fs::write(&path, npy_bytes("<f4", &[2, 3, 2], &f32s(&nan))).unwrap();
    let mut embeddings = Embeddings::open(&path).unwrap();
    let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    match embeddings.read(&[0, 1], &mut vectors, &mut lens, &mut ids) {
        Err(EmbeddingsError::NotFinite {
            document: 1,
            vector: 1,
            row: 4,
            column: 0,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_file_of_one_array_and_its_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.npz");
    let lengths: Vec<u8> = [2i32, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
    let ids: Vec<u8> = [7u32, 8, 9].iter().flat_map(|n| n.to_le_bytes()).collect();
    let vectors = npy(3, &[1., 2., 0., 0., 5., 6.]);
    let arrays = [
        ("doc_lens.npy", npy_bytes("<i4", &[3], &lengths)),
        ("doc_embeddings.npy", vectors),
        ("token_ids.npy", npy_bytes("<u4", &[3], &ids)),
    ];
    archive(&path, Stored, &arrays);
    let mut embeddings = Embeddings::open(&path).unwrap();
    let (mut vectors, mut lens, mut ids) = (vec![9.0], vec![1], vec![5]);
    embeddings
        .read(&[0, 1, 2], &mut vectors, &mut lens, &mut ids)
        .unwrap();
    assert_eq!(vectors, [9., 1., 2., 5., 6.]);
    assert_eq!((lens, ids), (vec![1, 1, 0, 1], vec![5, 7, 9]));
}

#[test]
fn json_lines_with_vectors_beside_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.jsonl");
    let text = "\n{\"_id\": \"a\", \"vectors\": [[1, 2.5], [3e0, -4]], \"text\": \"x\"}\n\n  \
        {\"vectors\": null, \"_id\": \"b\"}\r\n{\"vectors\": [[5, 6]]}";
    fs::write(&path, text).unwrap();
    let mut embeddings = Embeddings::open(&path).unwrap();
    let (_, lens, vectors) = all(&mut embeddings);
    assert_eq!(
        (lens, vectors),
        (vec![2, 0, 1], vec![1., 2.5, 3., -4., 5., 6.])
    );
    assert_eq!(embeddings.records(), Some((&*path, "vectors")));
    assert_eq!((embeddings.documents(), embeddings.rows()), (3, None));
    let error = Embeddings::open_field(&path, "v")
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains(":2: field \"v\"") && error.contains("missing"),
        "{error}"
    );
    for (line, expected) in [
        ("{\"vectors\": [1, 2]}", "must be an array of arrays"),
        ("{\"vectors\": \"AAAA\"}", "must be an array of arrays"),
        ("{\"vectors\": [[1, null]]}", "must be an array of arrays"),
        ("{\"vectors\": [[1]], \"vectors\": [[1]]}", "appears twice"),
        ("{\"vectors\": []}", "no documents"),
    ] {
        fs::write(&path, line).unwrap();
        let error = Embeddings::open(&path).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    fs::write(
        &path,
        "{\"vectors\": [[1, 2]]}\n{\"vectors\": [[1, 2, 3]]}\n",
    )
    .unwrap();
    let mut embeddings = Embeddings::open(&path).unwrap();
    let (mut vectors, mut lens, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    match embeddings.read(&[1], &mut vectors, &mut lens, &mut ids) {
        Err(EmbeddingsError::Dimension {
            document: 1,
            expected: 2,
            got: 3,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn queries_in_these_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q");
    fs::write(&path, npy(2, &[1., 2., 3., 4.])).unwrap();
    let mut one = QueryEmbeddings::open(&path).unwrap();
    let mut out = vec![5.0];
    one.read(0, &mut out).unwrap();
    assert_eq!((one.queries(), one.keys().unwrap().is_none()), (1, true));
    assert_eq!(out, [1., 2., 3., 4.]);
    let arrays = [
        ("q2.npy", npy(1, &[3., 4.])),
        ("q1.npy", npy(2, &[1., 2., 0., 0.])),
    ];
    archive(&path, Stored, &arrays);
    let mut ragged = QueryEmbeddings::open(&path).unwrap();
    ragged.read(0, &mut out).unwrap();
    assert_eq!(out, [1., 2.]);
    let keys = ragged.keys().unwrap().unwrap().map(Result::unwrap);
    assert_eq!(keys.collect::<Vec<_>>(), ["q1", "q2"]);
    // The folder of `colidx encode` may have both.
    fs::write(
        folder.path().join("query_embeddings.npy"),
        npy(1, &[5., 6.]),
    )
    .unwrap();
    fs::write(folder.path().join("doc_embeddings.npy"), npy(1, &[7., 8.])).unwrap();
    let mut queries = QueryEmbeddings::open(folder.path()).unwrap();
    queries.read(0, &mut out).unwrap();
    assert_eq!(out, [5., 6.]);
}
