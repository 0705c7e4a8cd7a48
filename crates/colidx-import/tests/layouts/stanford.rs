use colidx_import::{ForeignIndex, ImportError, ImportOptions, NoteKind};

use crate::write::{Chunk, Folder, decoded, stanford, two_chunks};
use crate::{count, documents, keys, open, refused, texts, vectors};

#[test]
fn vectors_keys_and_model() {
    let folder = Folder::new();
    let config = r#""checkpoint": "a\/b", "doc_maxlen": 220, "query_maxlen": 48, "dim": 77,
        "doc_token_id": "[unused1]", "mask_punctuation": true, "unknown": [1e-6]"#;
    stanford(&folder, &two_chunks(), config);
    let mut index = open(folder.path());
    assert_eq!((index.dim(), index.len(), index.vector_count()), (8, 5, 11));
    assert_eq!(vectors(&index), decoded(&two_chunks(), true));
    assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
    let model = index.model().unwrap();
    assert_eq!(model.checkpoint, "a/b");
    assert_eq!(
        (model.document_length, model.query_length),
        (Some(220), Some(48))
    );
    assert_eq!(
        (model.mask_punctuation, &model.query_marker),
        (Some(true), &None)
    );
    assert_eq!(index.report().notes(), []);
    // The package reads the plan where the metadata are missing.
    std::fs::rename(folder.file("metadata.json"), folder.file("plan.json")).unwrap();
    assert_eq!(open(folder.path()).len(), 5);
    // Any order, and again.
    let expected = decoded(&two_chunks(), true);
    let mut reader = index.vectors();
    for document in [4, 0, 3, 3, 2] {
        let mut out = vec![5.0];
        assert_eq!(
            reader.read(document, &mut out).unwrap() as usize * 8,
            out.len() - 1
        );
        assert_eq!(out[1..], expected[document]);
    }
    let error = reader.read(5, &mut Vec::new()).unwrap_err();
    assert!(matches!(
        error,
        ImportError::OutOfRange {
            asked: 5,
            available: 5
        }
    ));
}

#[test]
fn passages_of_no_tokens_were_deleted() {
    let folder = Folder::new();
    let chunks = vec![
        Chunk::new(&[2, 0, 3], 1),
        Chunk::new(&[0], 2),
        Chunk::new(&[1], 3),
    ];
    stanford(
        &folder,
        &chunks,
        r#""collection": ["a", "b", "c", "d", "e"]"#,
    );
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["0", "2", "4"]);
    assert_eq!(texts(&mut index), ["a", "c", "e"]);
    assert_eq!(count(&index, NoteKind::Deleted), 2);
    let mut expected = decoded(&chunks, true);
    expected.retain(|document| !document.is_empty());
    assert_eq!(vectors(&index), expected);
    assert!(
        index
            .report()
            .to_string()
            .starts_with("2 deleted documents, left out: numbers 1, 3\n")
    );
}

#[test]
fn texts_lie_in_the_configuration_or_in_a_collection() {
    let folder = Folder::new();
    let list = r#""collection": ["list with 5 elements starting with...", ["a", "b", "c"]]"#;
    for config in [list, r#""collection": "\/data\/c.tsv""#] {
        stanford(&folder, &two_chunks(), config);
        let mut index = open(folder.path());
        assert_eq!(count(&index, NoteKind::TextsElsewhere), 1);
        assert_eq!(texts(&mut index), [""; 5]);
    }
    let collection = "id\tpassage\ttitle\n0\tone \tTitle\n1\ttwo\r\n2\t\n3\tä\n4\tlast";
    folder.write("c.tsv", collection);
    let with = |name: &str| {
        let options = ImportOptions::default().collection(folder.file(name));
        ForeignIndex::open_with(folder.path(), &options)
    };
    let mut index = with("c.tsv").unwrap();
    assert_eq!(index.report().notes(), []);
    assert_eq!(documents(&mut index)[0].title, "Title");
    assert_eq!(texts(&mut index), ["one", "two", "", "ä", "last"]);
    // As ColBERT reads it, a header is passage 0, and rows are numbered from 1.
    let header = "\u{feff}id\tpassage\ttitle\n01\tone\n 2\ttwo\n+3\tthree\n0004\tfour\n";
    folder.write("header.tsv", header);
    let mut index = with("header.tsv").unwrap();
    assert_eq!(
        texts(&mut index),
        ["passage", "one", "two", "three", "four"]
    );
    folder.write("short.tsv", "0\ta\n1\tb\n");
    let error = with("short.tsv").err().unwrap();
    assert!(error.to_string().contains("expected 5 lines"), "{error}");
    assert!(!error.to_string().contains("damaged"), "{error}");
    folder.write("other.tsv", "1\ta\n0\tb\n2\t\n3\t\n4\t\n");
    let mut index = with("other.tsv").unwrap();
    assert!(index.documents().next().unwrap().is_err());
}

#[test]
fn missing_and_other_files_are_named() {
    for file in [
        "centroids.pt",
        "buckets.pt",
        "doclens.1.json",
        "1.codes.pt",
        "0.residuals.pt",
    ] {
        let folder = Folder::new();
        stanford(&folder, &two_chunks(), "");
        folder.remove(file);
        let error = refused(folder.path());
        assert!(matches!(error, ImportError::Missing { .. }), "{error}");
        let words = error.to_string();
        assert!(
            words.contains("Stanford ColBERT") && words.contains(file),
            "{words}"
        );
    }
    let folder = Folder::new();
    let error = refused(folder.path());
    assert!(matches!(&error, ImportError::NotRecognised { found, .. } if found == "nothing"));
    folder.write("notes.txt", "");
    assert!(
        refused(folder.path())
            .to_string()
            .contains("found `notes.txt`")
    );
    assert!(
        refused(&folder.file("notes.txt"))
            .to_string()
            .contains("found a file")
    );
    assert!(matches!(
        refused(&folder.file("absent")),
        ImportError::Io { .. }
    ));
    folder.write("index.voyager", "");
    assert!(matches!(
        refused(folder.path()),
        ImportError::Unsupported { .. }
    ));
}

#[test]
fn the_only_index_in_known_folders_is_found() {
    for inner in ["index", "indexes/notes", "colbert/indexes/notes"] {
        let (outer, source) = (Folder::new(), Folder::new());
        stanford(&source, &two_chunks(), "");
        let inner = outer.file(inner);
        std::fs::create_dir_all(inner.parent().unwrap()).unwrap();
        std::fs::rename(source.path(), &inner).unwrap();
        assert_eq!(open(outer.path()).len(), 5);
        if inner.ends_with("notes") {
            assert_eq!(open(inner.parent().unwrap()).len(), 5);
            let other = inner.parent().unwrap().join("other");
            std::fs::create_dir(&other).unwrap();
            assert_eq!(open(outer.path()).len(), 5);
            std::fs::write(other.join("centroids.pt"), "").unwrap();
            for path in [outer.path(), inner.parent().unwrap()] {
                let error = refused(path);
                let named = error.to_string().contains("`notes`, `other`");
                assert!(matches!(error, ImportError::Several { .. }) && named);
            }
        }
    }
}
