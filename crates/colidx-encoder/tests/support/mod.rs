//! Copies of checkpoints to change before opening them.

use std::fs;
use std::path::{Path, PathBuf};

use colidx_encoder::{Encoder, EncoderError, EncoderOptions};
use serde_json::Value;
use tempfile::TempDir;

/// A copy of a fixture.
pub struct Copy(TempDir);

impl Copy {
    pub fn new() -> Copy {
        Copy::of("tiny-bert")
    }

    /// A copy of the fixture `name`.
    #[allow(
        dead_code,
        reason = "not every test that includes this module needs it"
    )]
    pub fn of(name: &str) -> Copy {
        let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let to = TempDir::new().unwrap();
        copy(&fixtures.join(name), to.path());
        Copy(to)
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub fn json(self, file: &str, change: impl FnOnce(&mut Value)) -> Copy {
        let path = self.path(file);
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
        self
    }

    pub fn without(self, file: &str) -> Copy {
        fs::remove_file(self.path(file)).unwrap();
        self
    }

    /// Sets `key` of a JSON file, which is created if missing.
    #[allow(
        dead_code,
        reason = "not every test that includes this module needs it"
    )]
    pub fn set(self, file: &str, key: &str, value: Value) -> Copy {
        if !self.path(file).is_file() {
            fs::write(self.path(file), "{}").unwrap();
        }
        self.json(file, |json| json[key] = value)
    }

    #[allow(
        dead_code,
        reason = "not every test that includes this module needs it"
    )]
    pub fn open_with(&self, options: &EncoderOptions) -> Result<Encoder, EncoderError> {
        Encoder::open(self.0.path(), options)
    }

    pub fn open(&self) -> Result<Encoder, EncoderError> {
        Encoder::open(self.0.path(), &EncoderOptions::default())
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
