//! The golden index of pooled vectors, on which recall was measured.

use super::*;

fn golden() -> PathBuf {
    root().join("tests/golden/v5-pooled")
}

fn names() -> Vec<String> {
    let kinds = KINDS.iter().copied().chain(["columns", "words"]);
    let first = kinds.map(|kind| format!("{kind}-00000001.clx"));
    first.chain(["manifest".to_owned()]).collect()
}

fn query() -> Query {
    let tokens = [[0.0, 0.0, 0.0, 1.0], [0.6, 0.8, 0.0, 0.0]];
    let vectors: Vec<f32> = tokens.iter().flat_map(unit_vector).collect();
    Query::new(&vectors, DIM).unwrap()
}

fn build(path: &Path) {
    let options = BuildOptions::default().nbits(2).centroids(3).seed(1);
    let options = options.pooling(Pooling::new(2)).model(model());
    let mut writer = IndexWriter::create(path, options).unwrap();
    for document in &DOCUMENTS {
        writer.add(document).unwrap();
    }
    writer.commit(&mut Insects, &NoProgress).unwrap();
    writer.tune(&[query()], &[1, 2], &NoProgress).unwrap();
}

/// Writes it anew.
pub fn bless() {
    let tmp = tempfile::tempdir().unwrap();
    build(tmp.path());
    std::fs::create_dir_all(golden()).unwrap();
    for name in names() {
        std::fs::copy(tmp.path().join(&name), golden().join(&name)).unwrap();
    }
}

#[test]
fn it_opens_verifies_and_is_searched_by_recall() {
    if blessing() {
        return;
    }
    let index = Index::open(golden()).unwrap();
    index.verify().unwrap();
    let info = index.info().unwrap();
    assert_eq!((info.documents, info.vectors), (3, 4));
    assert_eq!(info.pooling, Some(Pooling::new(2)));
    let recall = info.recall.unwrap();
    assert_eq!((recall.documents, recall.queries), (3, 1));
    assert!(recall.rows.iter().all(|row| row.recall == 1.0));
    let options = SearchOptions::default().k(2).recall(0.9);
    let hits = index.search(&query(), &options).unwrap().hits;
    let keys: Vec<&str> = hits.iter().map(|hit| &hit.key[..]).collect();
    assert_eq!(keys, ["a", "b"]);
}

/// All but the manifest, which has the times that were measured.
#[test]
fn the_same_input_still_gives_the_same_bytes() {
    if blessing() {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    build(tmp.path());
    assert_same_bytes(tmp.path(), &golden(), &names());
}
