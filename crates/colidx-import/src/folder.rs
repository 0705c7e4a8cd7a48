//! The folder of a foreign index: its files, with errors that name engine and file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ImportError;

/// Most bytes of a JSON file that is held as a whole; they take many times that in memory.
const MAX_JSON: u64 = 16 << 20;

/// A folder, and the engine that it seems to be of.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    engine: &'static str,
}

impl Folder {
    pub(crate) fn new(path: &Path, engine: &'static str) -> Folder {
        let path = path.to_owned();
        Folder { path, engine }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Opens a file that the layout needs.
    pub(crate) fn open(&self, name: &str) -> Result<File, ImportError> {
        let path = self.need(name)?;
        open(&path)
    }

    /// The path of a file that the layout needs.
    pub(crate) fn need(&self, name: &str) -> Result<PathBuf, ImportError> {
        let path = self.path(name);
        match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ImportError::Missing {
                engine: self.engine,
                folder: self.name(),
                file: name.to_owned(),
            }),
            Err(source) => Err(unreadable(&path, source)),
            Ok(_) => Ok(path),
        }
    }

    /// A JSON file of settings.
    pub(crate) fn settings(&self, name: &str) -> Result<Value, ImportError> {
        let file = self.open(name)?;
        let path = self.path(name);
        let mut bytes = Vec::new();
        let mut limited = file.take(MAX_JSON + 1);
        let read = limited.read_to_end(&mut bytes);
        read.map_err(|source| unreadable(&path, source))?;
        if bytes.len() as u64 > MAX_JSON {
            return Err(ImportError::TooLarge {
                file: path.display().to_string(),
                what: "the file",
                got: limited.get_ref().metadata().map_or(0, |file| file.len()),
                limit: MAX_JSON,
            });
        }
        serde_json::from_slice(&bytes).map_err(|error| json_error(&path, error))
    }

    /// A JSON file of numbers or ids, which takes little more memory than the file.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ImportError> {
        let file = self.open(name)?;
        serde_json::from_reader(BufReader::new(file))
            .map_err(|error| json_error(&self.path(name), error))
    }

    /// An error about the content of a file.
    pub(crate) fn mismatch(
        &self,
        name: &str,
        expected: impl Into<String>,
        got: impl ToString,
    ) -> ImportError {
        ImportError::Mismatch {
            file: self.path(name).display().to_string(),
            expected: expected.into(),
            got: got.to_string(),
        }
    }

    /// Number, bytes and newest time of its files: it changes when the index does.
    pub(crate) fn fingerprint(&self) -> String {
        let files = std::fs::read_dir(&self.path)
            .into_iter()
            .flatten()
            .flatten();
        let files: Vec<_> = files.filter_map(|file| file.metadata().ok()).collect();
        let bytes: u64 = files.iter().map(|file| file.len()).sum();
        let written = files.iter().filter_map(|file| file.modified().ok()).max();
        let written = written
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(0.0, |since| since.as_secs_f64());
        format!(
            "{} files of {bytes} bytes, the newest of {written}",
            files.len()
        )
    }
}

/// Opens a file without waiting for a pipe.
pub(crate) fn open(path: &Path) -> Result<File, ImportError> {
    let file = colidx_data::open(path).map_err(|source| unreadable(path, source))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(unreadable(path, io::Error::other("it is no file"))),
        Err(source) => Err(unreadable(path, source)),
    }
}

pub(crate) fn unreadable(path: &Path, source: io::Error) -> ImportError {
    ImportError::Io {
        file: path.display().to_string(),
        source,
    }
}

pub(crate) fn json_error(path: &Path, error: serde_json::Error) -> ImportError {
    let file = path.display().to_string();
    if error.is_io() {
        let source = error.into();
        return ImportError::Io { file, source };
    }
    ImportError::Json {
        file,
        reason: error.to_string(),
    }
}
