//! Small indexes in every layout, written here: what is read of them, and what becomes of damage.

mod hostile;
mod plaid;
mod pylate;
mod ragatouille;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stanford;
mod write;
mod xtr_warp;

use std::path::Path;

use colidx_import::{ForeignDocument, ForeignIndex, ImportError, NoteKind};

fn open(path: &Path) -> ForeignIndex {
    ForeignIndex::open(path).unwrap()
}

fn refused(path: &Path) -> ImportError {
    ForeignIndex::open(path).err().expect("an error")
}

fn documents(index: &mut ForeignIndex) -> Vec<ForeignDocument> {
    index.documents().map(Result::unwrap).collect()
}

fn keys(index: &mut ForeignIndex) -> Vec<String> {
    let documents = documents(index).into_iter();
    documents.map(|document| document.key).collect()
}

fn texts(index: &mut ForeignIndex) -> Vec<String> {
    let documents = documents(index).into_iter();
    documents.map(|document| document.text).collect()
}

/// The vectors of every document.
fn vectors(index: &ForeignIndex) -> Vec<Vec<f32>> {
    let mut reader = index.vectors();
    let read = |document| {
        let mut out = Vec::new();
        reader.read(document, &mut out).unwrap();
        out
    };
    (0..index.len()).map(read).collect()
}

fn count(index: &ForeignIndex, kind: NoteKind) -> u64 {
    index.report().get(kind).map_or(0, |note| note.count)
}
