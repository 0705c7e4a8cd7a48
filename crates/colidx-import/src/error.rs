//! Why an index cannot be read.

use std::io;

use colidx_data::array::ArrayError;
use colidx_data::npy::NpyError;
use colidx_pickle::PickleError;

/// An index that cannot be read: where, what was expected, what was found, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file cannot be opened or read.
    #[error("{file}: cannot be read: {source}; check that it exists and that you may read it")]
    Io {
        /// The file or folder.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// No engine that is known writes such a folder.
    #[error(
        "{path}: no index of an engine that is known; expected a folder of Stanford ColBERT, \
         RAGatouille, fast-plaid, next-plaid, xtr-warp-rs or PyLate, found {found}; \
         name the folder that has `metadata.json` and the centroids in it"
    )]
    NotRecognised {
        /// What was looked at.
        path: String,
        /// What is there.
        found: String,
    },
    /// There is more than one index.
    #[error("{path}: has several indexes in it, {indexes}; name the folder of one")]
    Several {
        /// What was looked at.
        path: String,
        /// Their folders.
        indexes: String,
    },
    /// The engine is known, and its files are not read.
    #[error("{path}: an index of {engine}, which is not read; {advice}")]
    Unsupported {
        /// The folder.
        path: String,
        /// The engine.
        engine: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A file that the layout needs is not there.
    #[error(
        "{folder}: an index of {engine}, but `{file}` is missing; the index is incomplete: finish \
         its build, or copy all of its files"
    )]
    Missing {
        /// The engine that the other files point to.
        engine: &'static str,
        /// The folder.
        folder: String,
        /// The file.
        file: String,
    },
    /// A file is not the JSON that the layout asks for.
    #[error("{file}: not the JSON that is expected there: {reason}; copy the index again")]
    Json {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// An array is damaged or of another kind than is needed.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file of arrays is damaged.
    #[error("{0}, or copy the index again")]
    Array(ArrayError),
    /// A pickle is damaged, or holds more than plain values.
    #[error("{file}: not a pickle of plain values: {source}; copy the index again")]
    Pickle {
        /// The file.
        file: String,
        /// What is wrong.
        source: PickleError,
    },
    /// A file holds something else than is needed there.
    #[error("{file}: expected {expected}, got {got}; the index is damaged: copy it again")]
    Mismatch {
        /// The file.
        file: String,
        /// What would fit the other files.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A collection is not that of the index.
    #[error(
        "{file}: expected {expected}, got {got}; name the collection that the index was built from"
    )]
    Collection {
        /// The file.
        file: String,
        /// What would fit the index.
        expected: String,
        /// What was found.
        got: String,
    },
    /// The id of a document cannot be a key.
    #[error(
        "{file}: document {document} has {got} as its id, expected a number or a text of 1 to \
         4,096 bytes that no other document has; give it another id with its engine"
    )]
    Id {
        /// The file.
        file: String,
        /// The document's number.
        document: u64,
        /// What its id is.
        got: String,
    },
    /// A column does not hold a key for every document.
    #[error(
        "{file}: column `{column}` has {got} for document {document}, expected a number or a text \
         of 1 to 4,096 bytes that no other document has; choose another column for the keys"
    )]
    KeyColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The document's number.
        document: u64,
        /// What it holds.
        got: String,
    },
    /// A file or a part of it is larger than is read.
    #[error("{file}: {what} has {got} bytes, and at most {limit} are read")]
    TooLarge {
        /// The file.
        file: String,
        /// The part.
        what: &'static str,
        /// Its bytes.
        got: u64,
        /// The limit.
        limit: u64,
    },
    /// A document has more tokens than are read.
    #[error(
        "{file}: document {document} has {got} tokens, and at most {limit} of dim {dim} are read"
    )]
    TooLong {
        /// The file.
        file: String,
        /// The document's number.
        document: u64,
        /// Its tokens.
        got: u64,
        /// The limit.
        limit: u64,
        /// Values in a vector.
        dim: usize,
    },
    /// A SQLite file cannot be read.
    #[error(
        "{file}: SQLite cannot read it: {reason}; copy the index again, with all files that begin \
         with this name"
    )]
    Sqlite {
        /// The file.
        file: String,
        /// SQLite's reason.
        reason: String,
    },
    /// A SQLite file lacks a table. What was written last may be in a log that was not copied.
    #[error(
        "{file}: has no table `{table}`; a `-wal` file beside it may have been left behind: copy \
         the index again, with all files that begin with this name"
    )]
    NoTable {
        /// The file.
        file: String,
        /// The table.
        table: &'static str,
    },
    /// A SQLite file with a log can only be read from a copy, which cannot be made.
    #[error(
        "{file}: has a log or journal beside it, so it is read from a copy, which {folder} does \
         not take: {source}; set TMPDIR to a folder that can be written and has room"
    )]
    NoCopy {
        /// The file.
        file: String,
        /// The folder for temporary files.
        folder: String,
        /// The system's reason.
        source: io::Error,
    },
    /// What is needed lies in a SQLite file, which this build does not read.
    #[error(
        "{file}: holds ids or columns that are asked for, and this build reads no SQLite; use one \
         with the feature `sqlite`"
    )]
    NeedsSqlite {
        /// The file.
        file: String,
    },
    /// A column that was asked for is not there.
    #[error("{file}: no column `{column}` for the {of}, expected one of {found}")]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What it was to hold: `keys`, `texts` or `titles`.
        of: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A column was named, and there is no table.
    #[error(
        "{path}: column `{column}` was named for the {of}, and this index of {engine} has no \
         `metadata.db`; name none"
    )]
    NoMetadata {
        /// The index.
        path: String,
        /// Its engine.
        engine: String,
        /// The column.
        column: String,
        /// What it was to hold: `keys`, `texts` or `titles`.
        of: &'static str,
    },
    /// A collection was named, and the engine builds from none.
    #[error(
        "{path}: a collection was named, and this index of {engine} has no passages by line \
         number, as those of Stanford ColBERT; name none"
    )]
    NoCollection {
        /// The index.
        path: String,
        /// Its engine.
        engine: String,
    },
    /// A document was asked for that is not there.
    #[error("document {asked} was asked for, there are {available}; report this as a bug")]
    OutOfRange {
        /// The document, counted from 0.
        asked: usize,
        /// How many there are.
        available: usize,
    },
}

impl From<ArrayError> for ImportError {
    fn from(error: ArrayError) -> ImportError {
        match error {
            ArrayError::Npy(error) => ImportError::Npy(error),
            error => ImportError::Array(error),
        }
    }
}
