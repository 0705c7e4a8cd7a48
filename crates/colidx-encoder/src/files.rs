//! Reads files with errors that name them, and computes the fingerprint over them.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path};

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use crate::EncoderError;

/// Largest JSON settings file in bytes; the largest known one has about a million. A parsed file
/// takes many times its size.
const MAX_JSON: u64 = 8 << 20;
/// Largest tokenizer file in bytes, and largest file other than weights: twice that of the largest
/// known vocabularies.
pub(crate) const MAX_TOKENIZER: u64 = 64 << 20;

/// Reads a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, EncoderError> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    // Reading one byte more than the limit detects a longer file, whatever size the system reports.
    let mut first = file.take(limit + 1);
    (first.read_to_end(&mut bytes)).map_err(|source| io(path, source))?;
    if bytes.len() as u64 > limit {
        return Err(EncoderError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads and parses a JSON file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EncoderError> {
    let bytes = read(path, MAX_JSON)?;
    serde_json::from_slice(&bytes).map_err(|source| EncoderError::Json {
        path: path.to_owned(),
        source: source.into(),
    })
}

/// As [`read_json`], or the default if there is no such file.
pub(crate) fn read_json_if_present<T: DeserializeOwned + Default>(
    path: &Path,
) -> Result<T, EncoderError> {
    if is_file(path)? {
        read_json(path)
    } else {
        Ok(T::default())
    }
}

/// Opens a file to read.
pub(crate) fn open(path: &Path) -> Result<fs::File, EncoderError> {
    note(path);
    fs::File::open(path).map_err(|source| io(path, source))
}

/// Whether `path` is a readable file.
pub(crate) fn exists(path: &Path) -> bool {
    note(path);
    path.is_file()
}

/// As [`exists`], with an error if a parent folder may not be read.
pub(crate) fn is_file(path: &Path) -> Result<bool, EncoderError> {
    note(path);
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(source) => match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(false),
            _ => Err(io(path, source)),
        },
    }
}

/// Hex xxh3-128 over the files `names` of `root`, each with its name and length. Absent files are
/// skipped.
pub(crate) fn fingerprint(root: &Path, names: &[String]) -> Result<String, EncoderError> {
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 18];
    for name in names {
        let path = root.join(name);
        if !is_file(&path)? {
            continue;
        }
        let mut file = open(&path)?;
        let is_weights = [".safetensors", ".bin", ".pt"]
            .iter()
            .any(|end| name.ends_with(end));
        let size = file.metadata().map_err(|source| io(&path, source))?.len();
        if !is_weights && size > MAX_TOKENIZER {
            return Err(EncoderError::TooLarge {
                path,
                limit: MAX_TOKENIZER,
            });
        }
        let mut len = 0u64;
        hash.update(name.as_bytes());
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    hash.update(&buffer[..n]);
                    len += n as u64;
                }
                Err(source) => return Err(io(&path, source)),
            }
        }
        hash.update(&len.to_le_bytes());
    }
    Ok(format!("{:032x}", hash.digest128()))
}

/// The path of `name` in `folder`, both relative to the checkpoint. An empty folder is the
/// checkpoint itself.
pub(crate) fn inside(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Whether a path named by a checkpoint stays inside the checkpoint's folder; checkpoints are not
/// trusted.
pub(crate) fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The name of the checkpoint at `root`: that of its directory, or `owner/name` for a commit in the
/// model hub's cache, `models--owner--name/snapshots/COMMIT`.
pub(crate) fn checkpoint_name(root: &Path) -> String {
    let Ok(root) = root.canonicalize() else {
        return String::new();
    };
    let mut names = root.iter().rev().map(|name| name.to_string_lossy());
    let name = names.next().unwrap_or_default();
    let repository = (names.next().is_some_and(|folder| folder == "snapshots"))
        .then(|| names.next())
        .flatten();
    match repository
        .as_deref()
        .and_then(|r| r.strip_prefix("models--"))
    {
        Some(repository) => repository.replacen("--", "/", 1),
        None => name.into_owned(),
    }
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> EncoderError {
    EncoderError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Records in tests that `path` was looked at.
#[cfg(test)]
use seen::note;

#[cfg(not(test))]
fn note(_: &Path) {}

/// The paths that were read or tested for existence, to be compared with what the hub fetches.
#[cfg(test)]
pub(crate) mod seen {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    static SEEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

    pub(super) fn note(path: &Path) {
        SEEN.lock().unwrap().insert(path.to_owned());
    }

    /// The paths below `root`, relative to it.
    pub(crate) fn below(root: &Path) -> BTreeSet<PathBuf> {
        let seen = SEEN.lock().unwrap();
        let below = seen.iter().filter_map(|path| path.strip_prefix(root).ok());
        below.map(Path::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_have_names() {
        let folder = tempfile::tempdir().unwrap();
        for (path, name) in [
            ("my-checkpoint", "my-checkpoint"),
            ("models--owner--na-me/snapshots/0a1b2c", "owner/na-me"),
            ("snapshots/0a1b2c", "0a1b2c"),
        ] {
            let root = folder.path().join(path);
            fs::create_dir_all(&root).unwrap();
            assert_eq!(checkpoint_name(&root), name);
        }
    }
}
