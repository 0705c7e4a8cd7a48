//! What can go wrong. Messages say what was expected, what was found, and what to do next.
//!
//! They speak of the library. A program with other words for it, such as flags of a command line,
//! matches on the variant and adds its own.

mod format;
mod recall;
mod unfinished;

pub use format::{FormatError, FormatErrorKind};
pub use recall::UnknownRecall;
pub use unfinished::Unfinished;

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
    #[error(
        "{} holds no colidx index: it has no `manifest` file. {}",
        path.display(),
        if *unfinished {
            "A build has begun here and not committed; wait for it, or, if it no longer runs, \
             resume it"
        } else {
            "Check the path, or create an index there"
        }
    )]
    NotAnIndex {
        /// The directory that was opened.
        path: PathBuf,
        /// Whether a build was stopped there before its commit.
        unfinished: bool,
    },
    /// An index is already there.
    #[error(
        "{} already holds an index; open it, choose another directory, or replace it by force",
        path.display()
    )]
    AlreadyExists {
        /// The directory.
        path: PathBuf,
    },
    /// A build into the directory was stopped before its commit.
    #[error(
        "{} holds an unfinished build: {build}; resume it, or start over by force",
        path.display()
    )]
    Unfinished {
        /// The directory.
        path: PathBuf,
        /// What is there.
        build: Unfinished,
    },
    /// A build to be resumed was started with other settings or input.
    #[error(
        "cannot resume: the unfinished build has {what} = {expected}, this one {got}. Repeat the \
         original settings, or start over by force"
    )]
    OtherBuild {
        /// What differs.
        what: String,
        /// Its value in the unfinished build.
        expected: String,
        /// Its value in this one.
        got: String,
    },
    /// The directory holds files that colidx did not make.
    #[error(
        "{} is not empty and is not an index (it holds `{found}`); choose a new or empty directory",
        path.display()
    )]
    DirectoryNotEmpty {
        /// The directory.
        path: PathBuf,
        /// One of the foreign entries.
        found: String,
    },
    /// Another writer holds the index.
    #[error(
        "{} is being written by another writer; wait for it to finish, or choose another directory",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was changed by another while this writer worked.
    #[error(
        "{} was changed while this writer worked: {found}; nothing was committed, and the \
         directory is as the other left it",
        path.display()
    )]
    Conflict {
        /// The directory.
        path: PathBuf,
        /// What was found.
        found: Conflict,
    },
    /// Files of an index are there, and no manifest that names them.
    #[error(
        "{} holds files of an index (`{found}`) but no `manifest`: it was copied or restored in \
         part; restore the manifest, or replace what is there by force",
        path.display()
    )]
    ManifestMissing {
        /// The directory.
        path: PathBuf,
        /// One of the files.
        found: String,
    },
    /// The journal of an unfinished build cannot be read.
    #[error(
        "cannot read the journal of an unfinished build: {source}. An index in the same \
         directory does not need it. Remove the file to drop what the build had encoded, or start \
         over by force"
    )]
    DamagedJournal {
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The state about to be committed could not be opened.
    #[error(
        "nothing was committed and the index is unchanged, because the new state breaks a rule of \
         the format: {source}"
    )]
    Uncommittable {
        /// The rule.
        source: Box<Error>,
    },
    /// A write failed, after which the writer's staged changes are not to be trusted.
    #[error(
        "an earlier write or first commit of this writer failed, so it takes nothing more; the \
         index is as it was at the last commit: open another writer"
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
        "document `{key}` has {got} bytes of title, text and metadata, the limit is {max}; split \
         it into passages"
    )]
    DocumentTooLarge {
        /// The document's key.
        key: String,
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Metadata is not a JSON object, or one that columns do not take.
    #[error("document `{key}`: {problem}")]
    Metadata {
        /// The document's key.
        key: String,
        /// What is wrong with it, and what to do.
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
        "{what} has a non-finite value ({value}) at token {row}, dimension {column}; check the \
         model or the file it came from"
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
        "{what} has a vector too long to store: at token {row} its length is above {most:e}, with \
         {value:e} at dimension {column}; scale the vectors, or check the model or the file they \
         came from"
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
    /// The values that came with a document are not a whole number of vectors.
    #[error(
        "document `{key}` comes with {values} values, not a whole number of vectors of dimension \
         {dim}; give tokens times dimension values"
    )]
    DocumentVectors {
        /// The document's key.
        key: String,
        /// Values given.
        values: usize,
        /// Values in a vector of the index.
        dim: usize,
    },
    /// The token ids that came with a document are not as many as its vectors.
    #[error(
        "document `{key}` comes with {got} token ids, expected {expected}; give one for each \
         vector, to all documents of a commit that come with vectors or to none"
    )]
    TokenIds {
        /// The document's key.
        key: String,
        /// Token ids expected.
        expected: usize,
        /// Token ids given.
        got: usize,
    },
    /// The values of a query are no whole number of vectors.
    #[error(
        "the query has {values} values, not a whole number of vectors of dimension {dim}; give \
         tokens times dimension values"
    )]
    PartialVector {
        /// Values given.
        values: usize,
        /// Values that a vector was said to have.
        dim: usize,
    },
    /// The vectors of a query have another dimension than those of the index.
    #[error(
        "the query's vectors have {got} values each, those of the index {expected}; use the model \
         that made the index"
    )]
    QueryDimension {
        /// Values in a vector of the index.
        expected: usize,
        /// Values in a vector of the query.
        got: usize,
    },
    /// The vectors of a query are so long that scores might not fit an f32.
    #[error(
        "the lengths of the query's vectors add up to {got:.3e}, at most {most:.3e} is allowed \
         (scores might not fit an f32); the longest is that of token {token}: scale them down"
    )]
    QueryTooLong {
        /// The token with the longest vector.
        token: usize,
        /// The sum of the lengths of all vectors.
        got: f64,
        /// The most that it may be for this index.
        most: f64,
    },
    /// A query of words, or the words of an index.
    #[error(transparent)]
    Words(#[from] colidx_lexical::Error),
    /// An index in which words cannot be searched.
    #[error(
        "{}: has no words to search, built without or by an earlier version; compact the index \
         with an analyzer to make them of its text", path.display()
    )]
    NoWords {
        /// The index.
        path: PathBuf,
    },
    /// A filter that does not fit the metadata of the index.
    #[error(transparent)]
    Filter(#[from] colidx_metadata::FilterError),
    /// An index of an earlier version, whose metadata no filter can read.
    #[error(
        "{}: built before metadata could be filtered; compact the index to make its metadata \
         searchable", path.display()
    )]
    NoColumns {
        /// The index.
        path: PathBuf,
    },
    /// A search for a share of the exact hits, of an index where no effort is known to find it.
    #[error(
        "{}: no search effort is known for this recall: {reason}; tune the index for it, with queries \
         like those to come", path.display()
    )]
    UnknownRecall {
        /// The index.
        path: PathBuf,
        /// Why not.
        reason: UnknownRecall,
    },
    /// A [`DocId`](crate::DocId) or [`DocumentSet`](crate::DocumentSet) of another commit of the
    /// index, or of another index.
    #[error(
        "the DocId or DocumentSet is of another commit of the index, or of another index; look \
         the documents up by their keys"
    )]
    ForeignDocId,
    /// A search was cancelled by its [`CancelToken`](crate::CancelToken).
    #[error("the search was cancelled by its caller")]
    SearchCancelled,
    /// A search did not finish before its deadline.
    #[error(
        "the search did not finish before its deadline; allow more time, or ask for fewer hits, \
         candidates or probes"
    )]
    DeadlineExceeded,
    /// Vectors of another model than the index's, or of an unknown one.
    #[error(
        "the index was made with {expected} and documents are added with {got}, whose vectors \
         cannot be compared; use the model that made the index"
    )]
    WrongModel {
        /// Fingerprint of the index's model.
        expected: String,
        /// Fingerprint of the other.
        got: String,
    },
    /// Vectors of another dimension than the index's.
    #[error(
        "the added vectors have {got} values each, those of the index {expected}; use the model \
         that made the index"
    )]
    SourceDimension {
        /// Values in a vector of the index.
        expected: usize,
        /// Values in a vector of the source.
        got: usize,
    },
    /// The index has no commit that could be merged or retrained.
    #[error("the new index has no commit yet; commit its documents first")]
    NotCommitted,
    /// Segments cannot be merged while changes are staged.
    #[error(
        "{added} added and {deleted} deleted documents are not committed; commit them or roll \
         them back first"
    )]
    Uncommitted {
        /// Documents added since the last commit.
        added: u64,
        /// Documents deleted since the last commit.
        deleted: u64,
    },
    /// Documents cannot be encoded again, because their text is not stored.
    #[error(
        "the index does not store the text of documents with {vectors} vectors, so it cannot be \
         encoded again; retrain from the stored vectors"
    )]
    NoText {
        /// Vectors whose documents have no text.
        vectors: u64,
    },
    /// All numbers for files of the index are used up.
    #[error("the index has used all file numbers up to {max}; rebuild it in another directory")]
    NoMoreNumbers {
        /// The last number.
        max: u32,
    },
    /// A vector that is not of unit length, for an index that normalises its vectors.
    #[error(
        "the vector of token {row} of document `{key}` does not have unit length as all vectors \
         of the index have; normalise it, or use another index"
    )]
    NotUnitLength {
        /// The document's key.
        key: String,
        /// Token within it.
        row: usize,
    },
    /// Vectors without token ids, for an index that chooses centroids by token.
    #[error(
        "the vectors come without token ids, by which the index chooses their centroids; give \
         the ids, or use another index"
    )]
    NoTokenIds,
    /// A query without token vectors cannot score anything.
    #[error("the query has no token vectors; give at least one")]
    EmptyQuery,
    /// A vector source returned other numbers of things than it was asked for.
    #[error(
        "the vector source returned {got} {what}, expected {expected}; this is a fault of the \
         source"
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
    #[error("cannot train the codebook: {source}")]
    Train {
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
    /// The memory limit is too low.
    #[error(
        "{} of memory is too little for {of}; give at least {}",
        mebibytes(*got),
        mebibytes(*least)
    )]
    Memory {
        /// Bytes allowed.
        got: u64,
        /// Bytes needed.
        least: u64,
        /// What needs them.
        of: String,
    },
    /// The caller asked to stop.
    #[error(
        "stopped before the commit; the index is unchanged, and the documents that a new index \
         had encoded are kept to resume from"
    )]
    Cancelled,
}

/// What happened to a directory while a writer worked in it.
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

fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes.div_ceil(1 << 20))
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
