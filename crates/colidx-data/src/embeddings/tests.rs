use super::*;
use crate::npy::{Dtype, NpyWriter};
use crate::{OutputFile, Protected};
use std::fs::{self, File};
use std::path::Path;

fn floats(path: &Path, dtype: Dtype, row: &[u64], values: &[f32]) {
    let mut writer = NpyWriter::new(File::create(path).unwrap(), "x.npy", dtype, row).unwrap();
    writer.write_floats(values).unwrap();
    writer.finish().unwrap();
}

fn integers(path: &Path, dtype: Dtype, values: &[u32]) {
    let mut writer = NpyWriter::new(File::create(path).unwrap(), "x.npy", dtype, &[]).unwrap();
    writer.write_integers(values).unwrap();
    writer.finish().unwrap();
}

/// A folder of documents with 2, 0 and 3 vectors of 2 dimensions.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    floats(
        &path.join(VECTORS),
        Dtype::F32,
        &[2],
        &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9.],
    );
    integers(&path.join(LENGTHS), Dtype::I32, &[2, 0, 3]);
    folder
}

type Batch = (Vec<f32>, Vec<u32>, Vec<u32>);

fn read(embeddings: &mut Embeddings, documents: &[u64]) -> Result<Batch, EmbeddingsError> {
    let (mut vectors, mut lens, mut ids) = Batch::default();
    embeddings.read(documents, &mut vectors, &mut lens, &mut ids)?;
    Ok((vectors, lens, ids))
}

fn error(folder: &Path) -> String {
    Embeddings::open(folder).err().unwrap().to_string()
}

#[test]
fn documents_in_any_order() {
    let folder = folder();
    let mut embeddings = Embeddings::open(folder.path()).unwrap();
    assert_eq!(
        (embeddings.documents(), embeddings.rows(), embeddings.dim()),
        (3, Some(5), 2)
    );
    assert!(!embeddings.has_token_ids());
    let all = read(&mut embeddings, &[0, 1, 2]).unwrap();
    assert_eq!(
        all,
        ((0..10).map(|n| n as f32).collect(), vec![2, 0, 3], vec![])
    );
    let (vectors, lens, _) = read(&mut embeddings, &[2, 0, 0, 1]).unwrap();
    assert_eq!(
        vectors,
        [4., 5., 6., 7., 8., 9., 0., 1., 2., 3., 0., 1., 2., 3.]
    );
    assert_eq!(lens, [3, 2, 2, 0]);
    assert!(matches!(
        read(&mut embeddings, &[3]),
        Err(EmbeddingsError::OutOfRange {
            asked: 3,
            available: 3,
            ..
        })
    ));
    let keys: Vec<_> = embeddings.keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(keys, ["0", "1", "2"]);
}

#[test]
fn files_that_do_not_fit_are_refused_at_once() {
    let folder = folder();
    let path = folder.path();
    integers(&path.join(LENGTHS), Dtype::I32, &[2, 4]);
    let message = error(path);
    assert!(
        message.contains("promises 6 vectors for 2 documents") && message.contains("has 5 rows"),
        "{message}"
    );
    integers(&path.join(LENGTHS), Dtype::U32, &[2, 3]);
    integers(&path.join(TOKEN_IDS), Dtype::U32, &[1, 2, 3]);
    assert!(error(path).contains("3 token ids"));
    floats(&path.join(TOKEN_IDS), Dtype::F32, &[], &[1.0; 5]);
    assert!(error(path).contains("expected i32, i64 or u32"));
    fs::remove_file(path.join(TOKEN_IDS)).unwrap();
    for (keys, expected) in [
        ("a\nb\nc\n", "3 keys"),
        ("a\n", "1 keys"),
        ("a\n\n", ":2: the key is empty"),
    ] {
        fs::write(path.join(KEYS), keys).unwrap();
        assert!(error(path).contains(expected), "{}", error(path));
    }
    fs::write(path.join(KEYS), "a\r\nb c").unwrap();
    let embeddings = Embeddings::open(path).unwrap();
    assert_eq!(
        embeddings
            .keys()
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>(),
        ["a", "b c"]
    );
    floats(&path.join(VECTORS), Dtype::F32, &[1, 2], &[0.0; 10]);
    assert!(error(path).contains("expected shape [total_tokens, dim], got (5, 1, 2)"));
    integers(&path.join(VECTORS), Dtype::U32, &[0; 10]);
    assert!(error(path).contains("expected shape"));
    fs::remove_file(path.join(VECTORS)).unwrap();
    assert!(error(path).contains("cannot be read"));
}

#[test]
fn negative_lengths_name_the_document() {
    let folder = folder();
    let mut bytes = fs::read(folder.path().join(LENGTHS)).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&(-3i32).to_le_bytes());
    fs::write(folder.path().join(LENGTHS), bytes).unwrap();
    assert!(error(folder.path()).contains("document 2 has length -3"));
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    let folder = folder();
    let path = folder.path();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for dtype in [Dtype::F32, Dtype::F16] {
            floats(
                &path.join(VECTORS),
                dtype,
                &[2],
                &[0., 1., 2., 3., 4., 5., 6., bad, 8., 9.],
            );
            let mut embeddings = Embeddings::open(path).unwrap();
            assert!(read(&mut embeddings, &[0, 1]).is_ok());
            for documents in [&[0, 1, 2][..], &[2]] {
                match read(&mut embeddings, documents) {
                    Err(EmbeddingsError::NotFinite {
                        document: 2,
                        vector: 1,
                        row: 3,
                        column: 1,
                        ..
                    }) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn token_ids_come_along_and_are_checked() {
    let folder = folder();
    integers(
        &folder.path().join(TOKEN_IDS),
        Dtype::U32,
        &[10, 11, 12, 13, u32::MAX],
    );
    let mut embeddings = Embeddings::open(folder.path()).unwrap();
    assert_eq!(read(&mut embeddings, &[0]).unwrap().2, [10, 11]);
    match read(&mut embeddings, &[1, 2]) {
        Err(EmbeddingsError::TokenId {
            row: 4,
            document: 2,
            got: 4_294_967_295,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_documents_are_found_through_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let lens: Vec<u32> = (0..5000).map(|n| n * 7 % 4).collect();
    let total: u32 = lens.iter().sum();
    let values: Vec<f32> = (0..total).map(|n| n as f32 + 1.0).collect();
    floats(&path.join(VECTORS), Dtype::F32, &[1], &values);
    integers(&path.join(LENGTHS), Dtype::I32, &lens);
    let mut embeddings = Embeddings::open(path).unwrap();
    for document in [4999u64, 0, 1023, 1024, 3000, 2047, 2048] {
        let first: u32 = lens[..document as usize].iter().sum();
        let (vectors, read_lens, _) = read(&mut embeddings, &[document]).unwrap();
        let expected: Vec<f32> = (first..first + lens[document as usize])
            .map(|n| n as f32 + 1.0)
            .collect();
        assert_eq!(
            (vectors, read_lens),
            (expected, vec![lens[document as usize]])
        );
    }
    let everything: Vec<u64> = (0..5000).collect();
    assert_eq!(read(&mut embeddings, &everything).unwrap().0, values);
}

#[test]
fn no_documents_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let writer = EmbeddingsWriter::create(
        folder.path(),
        4,
        Dtype::F16,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap();
    writer.finish().unwrap();
    let mut embeddings = Embeddings::open(folder.path()).unwrap();
    assert_eq!((embeddings.documents(), embeddings.dim()), (0, 4));
    assert!(read(&mut embeddings, &[]).unwrap().0.is_empty());
    assert_eq!(embeddings.keys().unwrap().count(), 0);
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder");
    let mut writer = EmbeddingsWriter::create(
        &path,
        2,
        Dtype::F16,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
    )
    .unwrap();
    writer
        .push("one", &[0.5, -1.0, 0.25, 1.0], &[7, 8])
        .unwrap();
    writer.push("nothing", &[], &[]).unwrap();
    writer.push("zwei drei", &[1.0, 0.0], &[9]).unwrap();
    assert!(matches!(
        writer.push("x", &[1.0], &[1]),
        Err(EmbeddingsError::Mismatch { .. })
    ));
    assert!(matches!(
        writer.push("x\ny", &[], &[]),
        Err(EmbeddingsError::KeyWithLineEnd { .. })
    ));
    assert!(
        Embeddings::open(&path).is_err(),
        "unfinished files must not be readable"
    );
    writer.finish().unwrap();
    let mut embeddings = Embeddings::open(&path).unwrap();
    let batch = read(&mut embeddings, &[0, 1, 2]).unwrap();
    assert_eq!(
        batch,
        (
            vec![0.5, -1.0, 0.25, 1.0, 1.0, 0.0],
            vec![2, 0, 1],
            vec![7, 8, 9]
        )
    );
    let keys: Vec<_> = embeddings.keys().unwrap().map(Result::unwrap).collect();
    assert_eq!(keys, ["one", "nothing", "zwei drei"]);
    assert!(matches!(
        EmbeddingsWriter::create(
            &path,
            2,
            Dtype::F32,
            &Protected::new(*b"\x8aindex\r\n").allow_replacing(false)
        ),
        Err(EmbeddingsError::Output(OutputError::Exists { .. }))
    ));
    let mut writer = EmbeddingsWriter::create(
        &path,
        2,
        Dtype::F32,
        &Protected::new(*b"\x8aindex\r\n").allow_replacing(true),
    )
    .unwrap();
    writer.push("x", &[1.0, 2.0], &[1]).unwrap();
    drop(writer);
    assert_eq!(
        fs::read_dir(&path).unwrap().count(),
        4,
        "an unfinished run leaves the old files alone"
    );
    assert_eq!(Embeddings::open(&path).unwrap().documents(), 3);
}

#[test]
fn query_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.npy");
    let mut writer = QueryEmbeddingsWriter::new(
        OutputFile::create(
            &path,
            &Protected::new(*b"\x8aindex\r\n").allow_replacing(false),
        )
        .unwrap(),
        "q.npy",
        2,
        3,
        Dtype::F16,
    )
    .unwrap();
    writer.push(&[1., 2., 3., 4., 5., 6.]).unwrap();
    writer.push(&[7., 8., 9.]).unwrap();
    assert!(matches!(
        writer.push(&[1.0; 4]),
        Err(EmbeddingsError::Mismatch { .. })
    ));
    assert!(matches!(
        writer.push(&[1.0; 9]),
        Err(EmbeddingsError::Mismatch { .. })
    ));
    writer.push(&[0., 0., 0., 0., f32::NAN, 0.]).unwrap();
    writer.finish().unwrap();
    let mut queries = QueryEmbeddings::open(&path).unwrap();
    assert_eq!(
        (queries.queries(), queries.tokens(), queries.dim()),
        (3, 2, 3)
    );
    let mut out = vec![5.0; 50];
    queries.read(1, &mut out).unwrap();
    assert_eq!(out, [7., 8., 9.]);
    match queries.read(2, &mut out) {
        Err(EmbeddingsError::QueryNotFinite {
            query: 2,
            token: 1,
            column: 1,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        queries.read(3, &mut out),
        Err(EmbeddingsError::OutOfRange { .. })
    ));
    floats(&path, Dtype::F32, &[], &[0.0; 6]);
    let error = QueryEmbeddings::open(&path).err().unwrap().to_string();
    assert!(
        error.contains("[documents, tokens, dim], got (6,)"),
        "{error}"
    );
}

#[test]
fn one_file_of_the_folder_is_not_enough() {
    let folder = folder();
    let file = folder.path().join(VECTORS);
    let message = error(&file);
    assert!(message.contains("where documents end"), "{message}");
    let inside = QueryEmbeddings::open(&file.join("q.npy")).err().unwrap();
    assert!(!inside.to_string().is_empty());
}
