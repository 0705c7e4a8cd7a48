use colidx_import::NoteKind;
use serde_json::{Value, json};

use crate::write::{Chunk, Folder, decoded, stanford};
use crate::{count, documents, keys, open, refused, texts, vectors};

/// Five passages, of which some are deleted; `embeddings` is the number in the metadata.
fn index(lens: [u32; 5], embeddings: u32, collection: Value) -> Folder {
    let folder = Folder::new();
    stanford(&folder, &[Chunk::new(&lens, 5)], r#""checkpoint": "ckpt""#);
    let metadata = json!({
        "config": {}, "num_chunks": 1, "num_embeddings": embeddings, "avg_doclen": 2.0,
        "RAGatouille": {"index_config": {}},
    });
    folder.write("metadata.json", metadata.to_string());
    folder.write("collection.json", collection.to_string());
    let ids = ["a", "b", "b", "c", "d"];
    let live = (0..5).filter(|&number| lens[number] > 0);
    let ids: serde_json::Map<_, _> = live.map(|n| (n.to_string(), ids[n].into())).collect();
    folder.write("pid_docid_map.json", Value::Object(ids).to_string());
    folder
}

#[test]
fn passages_have_ids_texts_and_metadata() {
    let folder = index([2; 5], 10, json!(["0", "1", "2", "3", "4"]));
    let metadata = json!({"a": {"n": 1}, "b": {"m": [2]}, "d": "a note", "gone": {}});
    folder.write("docid_metadata_map.json", metadata.to_string());
    let mut index = open(folder.path());
    assert_eq!(index.engine().to_string(), "RAGatouille 0.0.8 or later");
    assert_eq!(vectors(&index), decoded(&[Chunk::new(&[2; 5], 5)], true));
    assert_eq!(keys(&mut index), ["a", "b#1", "b#2", "c", "d"]);
    assert_eq!(texts(&mut index), ["0", "1", "2", "3", "4"]);
    let metadata: Vec<Value> = documents(&mut index)
        .iter()
        .map(|document| serde_json::from_str(&document.metadata_json).unwrap_or_default())
        .collect();
    assert_eq!(metadata[0], json!({"n": 1}));
    assert_eq!(metadata[2], json!({"m": [2], "document_id": "b"}));
    assert_eq!(metadata[3], Value::Null);
    assert_eq!(metadata[4], json!({"metadata": "a note"}));
    assert_eq!(index.report().notes(), []);
}

#[test]
fn texts_are_told_by_rank_after_one_round_of_deletions_and_not_after_two() {
    // 10 tokens built, 6 left: 10 + 6 after one round.
    let lens = [2, 0, 2, 0, 2];
    for (embeddings, told) in [(16, true), (24, false), (10, false)] {
        let folder = index(lens, embeddings, json!(["0", "2", "4"]));
        let mut index = open(folder.path());
        assert_eq!(keys(&mut index), ["a", "b", "d"]);
        let expected = if told { ["0", "2", "4"] } else { [""; 3] };
        assert_eq!(texts(&mut index), expected, "{embeddings}");
        assert_eq!(count(&index, NoteKind::TextsUnclear), u64::from(!told));
        assert_eq!(count(&index, NoteKind::Deleted), 2);
    }
    // Texts that do not fit in number are nobody's.
    for (lens, texts_there) in [(lens, 5), ([2; 5], 4)] {
        let texts_there: Vec<_> = (0..texts_there).map(|n| n.to_string()).collect();
        let folder = index(lens, 16, json!(texts_there));
        assert_eq!(count(&open(folder.path()), NoteKind::TextsUnclear), 1);
    }
}

#[test]
fn names_stay_apart() {
    let folder = index([2; 5], 10, json!(["0", "1", "2", "3", "4"]));
    let ids = json!({"0": "b#1", "1": "b", "2": "b", "3": 7, "4": "c"});
    folder.write("pid_docid_map.json", ids.to_string());
    let mut index = open(folder.path());
    assert_eq!(keys(&mut index), ["b#1", "b#1#", "b#2", "7", "c"]);
}

#[test]
fn ids_that_are_no_texts() {
    let folder = index([2; 5], 10, json!(["0", "1", "2", "3", "4"]));
    let ids = r#"{"0": 9223372036854775809, "1": 1e400, "2": true, "3": -1.50, "4": "a"}"#;
    folder.write("pid_docid_map.json", ids);
    let mut index = open(folder.path());
    let expected = ["9223372036854775809", "1e400", "true", "-1.50", "a"];
    assert_eq!(keys(&mut index), expected);
    for (id, named) in [
        ("null", "null"),
        ("\"\"", "an empty text"),
        ("[1]", "a list"),
        ("1", "the text `1`"),
    ] {
        let ids = format!(r#"{{"0": {id}, "1": "1", "2": "b", "3": "c", "4": "d"}}"#);
        folder.write("pid_docid_map.json", ids);
        let error = refused(folder.path()).to_string();
        let file = error.contains("pid_docid_map.json: document ");
        assert!(file && error.contains(named), "{error}");
        assert!(!error.contains("damaged"), "{error}");
    }
}

#[test]
fn ids_of_other_passages_are_nobodys() {
    for ids in [
        json!({"0": "a", "1": "b", "3": "c", "4": "d"}),
        json!({"0": "a", "1": "b", "3": "c", "4": "d", "6": "e"}),
        json!({"0": "a", "1": "b", "2": "c", "3": "d", "4": "e", "5": "f"}),
    ] {
        let folder = index([2; 5], 10, json!(["0", "1", "2", "3", "4"]));
        folder.write("pid_docid_map.json", ids.to_string());
        folder.write("docid_metadata_map.json", r#"{"1": {"n": 1}}"#);
        let mut index = open(folder.path());
        assert_eq!(keys(&mut index), ["0", "1", "2", "3", "4"]);
        assert_eq!(count(&index, NoteKind::NoId), 5);
        assert!(
            documents(&mut index)
                .iter()
                .all(|document| document.metadata_json.is_empty())
        );
    }
}

#[test]
fn damaged_json_is_an_error() {
    for (file, text) in [
        ("collection.json", "{}"),
        ("collection.json", "[\"a\""),
        ("pid_docid_map.json", "{\"x\": \"a\"}"),
        ("pid_docid_map.json", "{\"0\": [1]}"),
        ("pid_docid_map.json", "["),
        ("docid_metadata_map.json", "[]"),
        ("docid_metadata_map.json", "{\"a\": 1"),
        ("metadata.json", "{"),
        ("metadata.json", "{\"num_chunks\": -1}"),
        ("doclens.0.json", "[2, 2, 2, 2, -2]"),
        ("doclens.0.json", "[2, 2, 2, 2, 2.5]"),
    ] {
        let folder = index([2; 5], 10, json!(["0", "1", "2", "3", "4"]));
        folder.write(file, text);
        let error = refused(folder.path()).to_string();
        assert!(error.contains(file), "{error}");
    }
    let folder = index([2; 5], 10, json!(["0", 1, "2", "3", "4"]));
    let mut index = open(folder.path());
    let read: Vec<bool> = index.documents().map(|document| document.is_ok()).collect();
    assert_eq!(read, [true, false, true, true, true]);
}
