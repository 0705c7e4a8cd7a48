//! Tests of several modules together.

mod backends;
mod cut;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of all fixtures. None in the published package, which leaves out the fixtures: then
/// a test has nothing to do.
pub(crate) fn fixtures() -> Option<Vec<PathBuf>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    if !tests.exists() {
        return None;
    }
    let folders = fs::read_dir(tests.join("fixtures")).unwrap();
    let folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
    assert!(folders.len() >= 46, "{}", folders.len());
    Some(folders)
}
