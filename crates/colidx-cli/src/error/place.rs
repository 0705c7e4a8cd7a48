//! Places of another kind than a flag means.

use std::fmt;
use std::path::PathBuf;

/// A place of the wrong kind.
#[derive(Debug, thiserror::Error)]
#[error("{} is {found}, not {expected}; {advice}", path.display())]
pub struct PlaceError {
    /// The place.
    pub path: PathBuf,
    /// What is there.
    pub found: Kind,
    /// What the command needs.
    pub expected: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// What can be mistaken for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any file.
    File,
    /// An index.
    Index,
    /// A checkpoint.
    Checkpoint,
    /// Another directory.
    Folder,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::File => "a file",
            Kind::Index => "a colidx index",
            Kind::Checkpoint => "a model checkpoint",
            Kind::Folder => "a directory",
        })
    }
}
