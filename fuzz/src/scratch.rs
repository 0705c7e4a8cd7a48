//! Folders for readers that open files by their path. `TMPDIR=/dev/shm` keeps them off the disk.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that goes away with its owner.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    /// With a copy of one of the encoder's tiny checkpoints.
    pub(crate) fn with_checkpoint(name: &str) -> Scratch {
        let scratch = Scratch::new();
        copy(&checkpoint(name), scratch.path());
        scratch
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).expect("a temporary file can be written");
    }
}

/// Where a tiny checkpoint lies.
pub(crate) fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/colidx-encoder/tests/fixtures")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the fixtures are there") {
        let from = entry.expect("the fixtures can be listed").path();
        let to = to.join(from.file_name().expect("an entry has a name"));
        if from.is_dir() {
            fs::create_dir(&to).expect("a temporary folder can be made");
            copy(&from, &to);
        } else if !to.to_string_lossy().contains("expected.") {
            fs::copy(&from, &to).expect("a temporary file can be written");
        }
    }
}
