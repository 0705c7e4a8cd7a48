//! A checkpoint to change before it is opened.

use std::fs;
use std::path::PathBuf;

use colidx_encoder::{Encoder, EncoderError};
use serde_json::Value;
use tempfile::TempDir;

/// A copy of the tiny checkpoint to damage.
pub struct Copy(TempDir);

impl Copy {
    pub fn new() -> Copy {
        let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-bert");
        let to = TempDir::new().unwrap();
        for folder in ["", "1_Dense"] {
            fs::create_dir_all(to.path().join(folder)).unwrap();
            for entry in fs::read_dir(from.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    fs::copy(
                        &path,
                        to.path().join(folder).join(path.file_name().unwrap()),
                    )
                    .unwrap();
                }
            }
        }
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

    pub fn open(&self) -> Result<Encoder, EncoderError> {
        Encoder::open(self.0.path())
    }
}
