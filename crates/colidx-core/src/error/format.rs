//! What can be wrong with a file of an index.

use super::Error;
use std::path::{Path, PathBuf};

/// A file does not hold what the format promises.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("{} is not readable as an index file: {kind}", path.display())]
pub struct FormatError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: FormatErrorKind,
}

/// What is wrong with a file. `section` is the four-letter name in `index-format.md`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// The first bytes are not those of a colidx file, or not of this kind of file.
    #[error(
        "{what} is {got}, expected {expected}; the file is damaged or was not made by colidx, \
         restore it or rebuild the index"
    )]
    BadMagic {
        /// Which field.
        what: &'static str,
        /// Bytes expected, as text.
        expected: String,
        /// Bytes got, as text.
        got: String,
    },
    /// A version this library does not read.
    #[error(
        "format version {got}, this library reads version {expected}; upgrade colidx or rebuild \
         the index"
    )]
    Version {
        /// Version this library reads.
        expected: u16,
        /// Version of the file.
        got: u16,
    },
    /// A required feature this library does not know.
    #[error("it needs feature bits {bits:#x} that this library does not know; upgrade colidx")]
    UnknownFeature {
        /// The unknown bits.
        bits: u64,
    },
    /// Bytes and checksum disagree.
    #[error(
        "checksum of {section} is {got:#018x}, expected {expected:#018x}; the file is damaged, \
         restore it or rebuild the index"
    )]
    Checksum {
        /// Section or part of the file.
        section: String,
        /// Checksum recorded.
        expected: u64,
        /// Checksum of the bytes found.
        got: u64,
    },
    /// Fewer or more bytes than promised.
    #[error(
        "{section} has {got} bytes, expected {expected}; the file is truncated or damaged, restore \
         it or rebuild the index"
    )]
    Length {
        /// Section or part of the file.
        section: String,
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        got: u64,
    },
    /// A field's value is outside what the format allows.
    #[error(
        "{section}: {field} is {got}, expected {expected}; the file is damaged, restore it or \
         rebuild the index"
    )]
    Invalid {
        /// Section or part of the file.
        section: String,
        /// The field.
        field: String,
        /// What the format allows.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A section that must be there is not.
    #[error("section {section} is missing; the file is damaged, restore it or rebuild the index")]
    MissingSection {
        /// The section.
        section: String,
    },
}

impl FormatErrorKind {
    pub(crate) fn invalid(
        section: impl ToString,
        field: impl ToString,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        Self::Invalid {
            section: section.to_string(),
            field: field.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    pub(crate) fn at(self, path: &Path) -> Error {
        Error::Format(FormatError {
            path: path.to_path_buf(),
            kind: self,
        })
    }
}
