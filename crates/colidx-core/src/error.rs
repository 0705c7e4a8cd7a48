//! What can go wrong, with both sides of every comparison and the reader's next action.

use crate::ingest::Unfinished;
use std::path::{Path, PathBuf};

/// Result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any failure of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done, such as `cannot write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
    /// A file of the index is damaged, truncated, foreign or from another version.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The directory holds no index.
    #[error("{} holds no colidx index: it has no `manifest` file. {hint}", path.display())]
    NotAnIndex {
        /// The directory that was opened.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// An index is already there.
    #[error("{} already holds an index; build into another directory, or pass --force to replace it", path.display())]
    AlreadyExists {
        /// The directory.
        path: PathBuf,
    },
    /// A build into the directory was stopped before it was done.
    #[error("{} holds an unfinished build: {build}; pass --resume to go on with it, or --force to start again", path.display())]
    Unfinished {
        /// The directory.
        path: PathBuf,
        /// What is there.
        build: Unfinished,
    },
    /// What is to go on with an unfinished build differs from what it was begun with.
    #[error(
        "the unfinished build was another: {what} is {got}, was {expected}; go on with what it was begun with, or pass --force without --resume to start again"
    )]
    OtherBuild {
        /// What differs.
        what: String,
        /// What the build was begun with.
        expected: String,
        /// What is given now.
        got: String,
    },
    /// The directory holds files that colidx did not make.
    #[error("{} is not empty and is not an index (it holds `{found}`); choose a new or empty directory", path.display())]
    DirectoryNotEmpty {
        /// The directory.
        path: PathBuf,
        /// One of the foreign entries.
        found: String,
    },
    /// Another writer holds the index.
    #[error("{} is being written by another process; wait for it to finish, or build into another directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was changed by another while this writer worked.
    #[error(
        "{} was changed while this writer worked: {found}; nothing was committed, and what is there now is as the other left it", path.display()
    )]
    Conflict {
        /// The directory.
        path: PathBuf,
        /// What was found.
        found: Conflict,
    },
    /// Files of an index are there, and no manifest that names them.
    #[error(
        "{} holds files of an index (`{found}`) but no `manifest`: it was copied or restored in part; restore the manifest, or build with force to replace what is there", path.display()
    )]
    ManifestMissing {
        /// The directory.
        path: PathBuf,
        /// One of the files.
        found: String,
    },
    /// The journal of an unfinished build cannot be read.
    #[error(
        "the journal of an unfinished build cannot be read: {source}. An index beside it does not need it: remove that file to give up what the build had encoded, or build with force"
    )]
    DamagedJournal {
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// What was about to be committed could not be opened again.
    #[error(
        "what was to be committed breaks a rule of the format, so it was not, and the index is as it was: {source}"
    )]
    Uncommittable {
        /// The rule.
        source: Box<Error>,
    },
    /// A write failed, after which what the writer holds is not to be trusted.
    #[error(
        "an earlier write failed, so nothing more can be written or committed; the index is as it was at the last commit, open it again"
    )]
    Poisoned,
    /// The same key was given twice.
    #[error(
        "document key `{key}` occurs more than once; keys identify documents, so make each unique"
    )]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A key is empty or too long.
    #[error("a document key has {got} bytes; keys have 1 to {max} bytes, so shorten or set it")]
    InvalidKey {
        /// Bytes in the key.
        got: usize,
        /// The longest key allowed, in bytes.
        max: usize,
    },
    /// A document's stored fields are larger than a reader accepts.
    #[error(
        "document `{key}` has {got} bytes of title, text and metadata; the limit is {max}: split it into passages"
    )]
    DocumentTooLarge {
        /// The document's key.
        key: String,
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Metadata is something else than a JSON object.
    #[error(
        "the metadata of document `{key}` is no JSON object ({problem}); give an object such as {{\"year\": 1999}}, or nothing"
    )]
    Metadata {
        /// The document's key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More documents than a segment can number.
    #[error(
        "an index segment holds at most {max} documents; split the corpus over several indexes"
    )]
    TooManyDocuments {
        /// Documents allowed.
        max: u64,
    },
    /// A vector holds NaN or an infinity.
    #[error(
        "{what} has a non-finite value ({value}) at token {row}, dimension {column}; check the model or the file that made it"
    )]
    NonFinite {
        /// What was being read, such as a document's key or `the query`.
        what: String,
        /// Token within it.
        row: usize,
        /// Dimension.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A vector too long to be stored: squared distances from it would leave the range of f32.
    #[error(
        "{what} has a vector too long to store: at token {row} its length is above {most:e}, with {value:e} at dimension {column}; scale the vectors, or check the model or the file that made them"
    )]
    TooLong {
        /// What was being read, such as a document's key.
        what: String,
        /// Token within it.
        row: usize,
        /// Dimension of the greatest value.
        column: usize,
        /// That value.
        value: f32,
        /// The greatest length.
        most: f32,
    },
    /// The values of a query are no whole number of vectors.
    #[error(
        "the query has {values} values, which is no whole number of vectors of dimension {dim}; give as many values as tokens times dimension"
    )]
    PartialVector {
        /// Values given.
        values: usize,
        /// Values that a vector was said to have.
        dim: usize,
    },
    /// The vectors of a query have another dimension than those of the index.
    #[error(
        "the query's vectors have {got} values each, those of the index {expected}; use the model that made the index"
    )]
    QueryDimension {
        /// Values in a vector of the index.
        expected: usize,
        /// Values in a vector of the query.
        got: usize,
    },
    /// The vectors of a query are so long that scores might not fit an f32.
    #[error(
        "the query's vectors are {got:.3e} long in all, the longest that of token {token}: their scores might not fit an f32; scale them down to {most:.3e} in all"
    )]
    QueryTooLong {
        /// The token with the longest vector.
        token: usize,
        /// The sum of the lengths of all vectors.
        got: f64,
        /// The most that it may be for this index.
        most: f64,
    },
    /// A document of another state of the index, or of another index.
    #[error(
        "a DocId of another state of the index, or of another index, was given; find the document by its key in this one"
    )]
    ForeignDocId,
    /// A search was cancelled by its [`CancelToken`](crate::CancelToken).
    #[error("the search was cancelled by its caller")]
    SearchCancelled,
    /// A search did not finish before its deadline.
    #[error(
        "the search did not finish before its deadline; allow more time, or ask for fewer hits, candidates or probes"
    )]
    DeadlineExceeded,
    /// Vectors of another model than the one that made the index, or of one that is not known.
    #[error(
        "the index was made with {expected} and documents are added with {got}; their vectors cannot be compared, so use the model that made the index"
    )]
    WrongModel {
        /// Fingerprint of the index's model.
        expected: String,
        /// Fingerprint of the other.
        got: String,
    },
    /// Vectors of another dimension than the index's.
    #[error(
        "the vectors to be added have {got} values each, those of the index {expected}; use the model that made the index"
    )]
    SourceDimension {
        /// Values in a vector of the index.
        expected: usize,
        /// Values in a vector of the source.
        got: usize,
    },
    /// Segments cannot be put together while changes are staged.
    #[error(
        "{added} added and {deleted} deleted documents are not committed; commit them or roll them back first"
    )]
    Uncommitted {
        /// Documents added since the last commit.
        added: u64,
        /// Documents deleted since the last commit.
        deleted: u64,
    },
    /// Vectors cannot be made from text that is not stored.
    #[error(
        "the text of documents with {vectors} vectors is not stored in the index, so their vectors cannot be made anew; learn from the stored vectors instead"
    )]
    NoText {
        /// Vectors whose documents have no text.
        vectors: u64,
    },
    /// The numbers that tell an index's files apart are used up.
    #[error("the index has used all file numbers up to {max}; build it anew in another directory")]
    NoMoreNumbers {
        /// The last number.
        max: u32,
    },
    /// A vector of another length than 1, for an index whose vectors all have length 1 and are decoded so.
    #[error(
        "the vector of token {row} of document `{key}` has not unit length as all vectors of the index have; normalise it, or build an index of its own"
    )]
    NotUnitLength {
        /// The document's key.
        key: String,
        /// Token within it.
        row: usize,
    },
    /// Vectors without their tokens' ids, for an index whose centroids belong to tokens.
    #[error(
        "the vectors come without token ids, by which the index chooses their centroids; give them (`token_ids.npy` beside the vectors), or build an index of its own"
    )]
    NoTokenIds,
    /// A query without token vectors cannot score anything.
    #[error("the query has no token vectors, so it cannot score documents; give at least one")]
    EmptyQuery,
    /// A vector source did not return what was asked of it.
    #[error(
        "the vector source returned {got} {what} where {expected} were expected; this is a fault of the source"
    )]
    Source {
        /// What was counted.
        what: &'static str,
        /// Expected count.
        expected: usize,
        /// Count returned.
        got: usize,
    },
    /// The vector source failed.
    #[error("cannot get the vectors of documents {first} to {last}: {source}")]
    Encode {
        /// First document asked for, counted from 0 in corpus order.
        first: u32,
        /// Last document asked for.
        last: u32,
        /// The source's own reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Codebook training failed.
    #[error(transparent)]
    Cluster(#[from] colidx_cluster::ClusterError),
    /// An option is out of its range.
    #[error("{option} is {got}, but must be {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was given.
        got: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// What must be held at once does not fit the memory that may be used.
    #[error("{} of memory is too little for {of}; give at least {} (--memory)", mebibytes(*got), mebibytes(*least))]
    Memory {
        /// Bytes allowed.
        got: u64,
        /// The least that will do.
        least: u64,
        /// What it is to do for.
        of: String,
    },
    /// No document has this key.
    #[error("no document has the key `{key}`; `colidx search --json` prints the keys of hits")]
    UnknownKey {
        /// The key looked for.
        key: String,
    },
    /// The caller asked to stop.
    #[error(
        "stopped before the commit; an index that was there is unchanged, and what was encoded is kept for a build that resumes"
    )]
    Cancelled,
}

/// What another did to a directory while a writer worked in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// Its path leads to another directory, or to none.
    Moved,
    /// Its lock was removed, and another writer has taken it.
    Locked,
    /// Another manifest is in place.
    Committed,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Moved => "it was moved, or replaced by another directory",
            Self::Locked => "its lock was removed, and another writer has it now",
            Self::Committed => "another has committed to it or restored another manifest",
        })
    }
}

/// As `--memory` takes it, rounded up.
fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes.div_ceil(1 << 20))
}

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

/// What is wrong with an index file. `section` is the four-letter name in `index-format.md`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatErrorKind {
    /// The first bytes are not those of a colidx file, or not of this kind of file.
    #[error(
        "{what} is {got}, expected {expected}; the file is damaged or was not made by colidx, restore it or rebuild the index"
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
        "format version {got}, this library reads version {expected}; upgrade colidx or rebuild the index"
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
        "checksum of {section} is {got:#018x}, expected {expected:#018x}; the file is damaged, restore it or rebuild the index"
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
        "{section} has {got} bytes, expected {expected}; the file is truncated or damaged, restore it or rebuild the index"
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
        "{section}: {field} is {got}, expected {expected}; the file is damaged, restore it or rebuild the index"
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

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
