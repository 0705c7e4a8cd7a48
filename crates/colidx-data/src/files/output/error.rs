//! Why an output file is not written.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::file_on_the_way;

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A file with something in it has the name.
    #[error(
        "{} is already there; choose another place, or allow it to be replaced", path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is one of an index, or would stand among them.
    #[error(
        "{} would be written into the index {}; choose a place outside of it",
        path.display(), index.display()
    )]
    Index {
        /// The file.
        path: PathBuf,
        /// The directory of the index, or the file that is linked from there.
        index: PathBuf,
    },
    /// The file is one that the same command reads.
    #[error(
        "{} would be written over {}, which this command reads; choose another place",
        path.display(), input.display()
    )]
    Input {
        /// The file.
        path: PathBuf,
        /// What is read.
        input: PathBuf,
    },
    /// A folder stands where a file is to be written.
    #[error("{} is a folder, expected a file; add the name of a file", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file stands where a folder is needed.
    #[error("{} is a file, expected a folder; choose another place", path.display())]
    NotFolder {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error(
        "cannot write {}: {source}; check that the folder exists, may be written and has space",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The name cannot be given to what was written.
    #[error("{source}; what was to stand there was written to {}", part.display())]
    Kept {
        /// Why not.
        source: Box<OutputError>,
        /// Where it is.
        part: PathBuf,
    },
}

impl OutputError {
    /// Whether the reader of a pipe went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, OutputError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> OutputError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::IsADirectory => OutputError::IsFolder { path },
        io::ErrorKind::NotADirectory => OutputError::NotFolder {
            path: file_on_the_way(&path).to_owned(),
        },
        _ => OutputError::Io { path, source },
    }
}

pub(super) fn input_error(path: &Path, input: &Path) -> OutputError {
    OutputError::Input {
        path: path.to_owned(),
        input: input.to_owned(),
    }
}
