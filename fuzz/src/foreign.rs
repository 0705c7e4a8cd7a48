//! Targets that read the indexes of other engines.

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use colidx_import::ForeignIndex;

use crate::pack::{Pieces, pack};
use crate::scratch::Scratch;
use crate::write::{
    Folder, dict_pickle, merged, npy, objects_npy, plaid, stanford, text_pickle, two_chunks,
    xtr_warp,
};

/// Files of Stanford ColBERT, RAGatouille and PyLate.
const TORCH: [&str; 10] = [
    "metadata.json",
    "centroids.pt",
    "buckets.pt",
    "doclens.0.json",
    "0.codes.pt",
    "0.residuals.pt",
    "collection.json",
    "pid_docid_map.json",
    "docid_metadata_map.json",
    "plaid_ids_to_documents_ids.pkl",
];

/// Files of fast-plaid, next-plaid and xtr-warp-rs.
const NUMPY: [&str; 13] = [
    "metadata.json",
    "centroids.npy",
    "bucket_weights.npy",
    "doclens.0.json",
    "doclens.0.npy",
    "0.codes.npy",
    "0.residuals.npy",
    "0.passage_ids.npy",
    "merged_codes.npy",
    "merged_residuals.npy",
    "embeddings.npy",
    "embeddings_lengths.json",
    "deleted_pids.npy",
];

/// A folder of an engine that writes tensors of torch; a file that is empty is not there.
pub fn foreign_torch(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::new);
    read(&FOLDER, &TORCH, data);
}

/// A folder of an engine that writes arrays of numpy.
pub fn foreign_numpy(data: &[u8]) {
    static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::new);
    read(&FOLDER, &NUMPY, data);
}

/// A pickle, and the arrays in it.
pub fn foreign_pickle(data: &[u8]) {
    let Ok(contents) = colidx_pickle::run(Cursor::new(data), 1 << 16) else {
        return;
    };
    if let Ok(arrays) = colidx_pickle::numpy::arrays(&contents) {
        let end = data.len() as u64;
        assert!(arrays.iter().all(|array| array.bytes.end <= end));
    }
}

fn read(folder: &Scratch, names: &[&str], data: &[u8]) {
    let mut pieces = Pieces(data);
    for name in names {
        let piece = pieces.next();
        if piece.is_empty() {
            let _ = std::fs::remove_file(folder.path().join(name));
        } else {
            folder.write(name, piece);
        }
    }
    let Ok(mut index) = ForeignIndex::open(folder.path()) else {
        return;
    };
    let count = index.len().min(1000);
    let mut vectors = index.vectors();
    for document in 0..count {
        let mut out = Vec::new();
        if let Ok(tokens) = vectors.read(document, &mut out) {
            assert_eq!(out.len(), tokens as usize * index.dim());
        }
    }
    assert_eq!(index.documents().take(1000).count(), count);
}

/// One index of each kind.
pub(crate) fn torch_seeds() -> Vec<Vec<u8>> {
    let chunk = &two_chunks()[..1];
    let [plain, passages, pylate] = [(); 3].map(|()| Folder::new());
    for folder in [&plain, &passages, &pylate] {
        stanford(
            folder,
            chunk,
            r#""checkpoint": "c", "collection": ["a", "b", "c"]"#,
        );
    }
    passages.write("collection.json", r#"["a", "b", "c"]"#);
    passages.write("pid_docid_map.json", r#"{"0": "a", "1": "b", "2": "b"}"#);
    passages.write("docid_metadata_map.json", r#"{"a": {"n": 1}}"#);
    pylate.write("plaid_ids_to_documents_ids.pkl", ids());
    [plain, passages, pylate]
        .iter()
        .map(|folder| packed(folder.path(), &TORCH))
        .collect()
}

/// One index of each kind.
pub(crate) fn numpy_seeds() -> Vec<Vec<u8>> {
    let chunk = &two_chunks()[..1];
    let [fast, next, warp] = [(); 3].map(|()| Folder::new());
    merged(&fast, chunk, "");
    let originals = [2, 1, 3].map(|len| (vec![len, 8], vec![0.5; len * 8]));
    fast.write("embeddings.npy", objects_npy(&originals));
    plaid(&next, chunk, r#", "next_plaid_compatible": true"#);
    next.write("embeddings.npy", npy("<f4", &[6, 8], &[0; 192]));
    next.write("embeddings_lengths.json", "[2, 1, 3]");
    xtr_warp(&warp, chunk, &[&[7, 9, 7]]);
    warp.write(
        "deleted_pids.npy",
        npy("<i8", &[1], &[9, 0, 0, 0, 0, 0, 0, 0]),
    );
    [fast, next, warp]
        .iter()
        .map(|folder| packed(folder.path(), &NUMPY))
        .collect()
}

/// A dict, and an array of arrays.
pub(crate) fn pickle_seeds() -> Vec<Vec<u8>> {
    let array = objects_npy(&[(vec![1, 2], vec![0.5; 2])]);
    let start = array
        .windows(2)
        .position(|bytes| bytes == b"\x80\x04")
        .unwrap_or(0);
    vec![ids(), array[start..].to_vec()]
}

fn ids() -> Vec<u8> {
    dict_pickle(&[0, 1, 2].map(|n| (n, text_pickle(&format!("id {n}")))))
}

fn packed(folder: &Path, names: &[&str]) -> Vec<u8> {
    let files: Vec<Vec<u8>> = (names.iter())
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_default())
        .collect();
    pack(files.iter().map(Vec::as_slice))
}
