//! Damaged and foreign checkpoints cause a typed error that names the file, never a panic.

mod configuration;
mod files;
#[path = "../support/mod.rs"]
mod support;
mod tokenizer;
mod weights;

use std::fs;
use std::path::Path;

use colidx_encoder::EncoderError;
use support::Copy;

/// A copy of the tiny checkpoint with the bytes of one file changed.
fn damaged(file: &str, change: impl FnOnce(&mut Vec<u8>)) -> Copy {
    let copy = Copy::new();
    let mut bytes = fs::read(copy.path(file)).unwrap();
    change(&mut bytes);
    fs::write(copy.path(file), bytes).unwrap();
    copy
}

/// The error of opening `copy`. Its message must name `file` and end with advice.
fn error_of(copy: Copy, file: &str) -> EncoderError {
    let error = copy.open().err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains(copy.path(file).to_string_lossy().trim_end_matches('/')),
        "{message}"
    );
    assert!(message.contains("; "), "{message}");
    error
}

/// A copy of a fixture, to be damaged.
fn copy_of(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    to
}

fn copy_folder(name: &str, inner: &str, to: &tempfile::TempDir) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
        .join(inner);
    fs::create_dir(to.path().join(inner)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(inner).join(entry.file_name())).unwrap();
    }
}
