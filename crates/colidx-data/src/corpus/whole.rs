//! What passages were cut from, so that an update can find those that are gone.

use std::io;
use std::path::{Path, PathBuf};

use super::key_path::{absolute, key_path, way};
use crate::InputError;
use crate::files::unreadable;

/// A file or record that was split into passages, or could have been.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whole {
    /// A file of text, whose passages have keys that begin with its path and `#`.
    File {
        /// The path in the keys and in `path` of the metadata.
        path: String,
        /// `root` and `path` of the same file in the metadata of a corpus that named other folders.
        elsewhere: Vec<(String, String)>,
    },
    /// A record, whose passages have its key, `#` and a number.
    Record {
        /// The key of the record.
        key: String,
    },
}

/// As it is kept while the corpus is read.
pub(super) enum Seen {
    File { path: PathBuf, key_path: String },
    Record { key: String },
}

impl Seen {
    /// `root` is the folder that paths in keys begin at.
    pub(super) fn whole(&self, root: &Path, index: Option<&Path>) -> Result<Whole, InputError> {
        match self {
            Seen::Record { key } => Ok(Whole::Record { key: key.clone() }),
            Seen::File { path, key_path } => Ok(Whole::File {
                path: key_path.clone(),
                elsewhere: match index {
                    Some(index) => elsewhere(path, root, index)?,
                    None => Vec::new(),
                },
            }),
        }
    }
}

/// The pairs of `root` and `path` that name a file from each folder above it but `root`.
fn elsewhere(path: &Path, root: &Path, index: &Path) -> Result<Vec<(String, String)>, InputError> {
    let unreadable = |source: io::Error| unreadable(path, source);
    let file = absolute(path).map_err(unreadable)?;
    let folders = file.ancestors().skip(1).filter(|folder| *folder != root);
    let pair = |folder| {
        let way = way(index, folder).map_err(unreadable)?;
        Ok((way, key_path(&file, folder)?))
    };
    folders.map(pair).collect()
}
