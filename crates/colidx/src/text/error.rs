//! What can go wrong where an index and a checkpoint come together.

use std::path::PathBuf;

use colidx_encoder::EncoderError;

/// Why text could not be indexed or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The engine refused or failed.
    #[error(transparent)]
    Index(#[from] colidx_core::Error),
    /// The checkpoint refused or failed.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The model hub could not give the checkpoint.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] colidx_encoder::hub::HubError),
    /// A searcher by words alone was asked for what takes a checkpoint.
    #[error("this searcher has no checkpoint and searches by words alone; open it with one")]
    WordsAlone,
    /// There is no checkpoint at the place named.
    #[error("no checkpoint at {}: {reason}", path.display())]
    NoModel {
        /// The place named.
        path: PathBuf,
        /// What is missing, and what to do.
        reason: String,
    },
    /// The checkpoint that the index records is not where it was.
    #[error(
        "no checkpoint at {}: {reason}; {} was built with the checkpoint {name} from there, \
         name the place where it is now", path.display(), index.display()
    )]
    ModelMoved {
        /// Where the index says it is.
        path: PathBuf,
        /// What is missing.
        reason: String,
        /// The index.
        index: PathBuf,
        /// The checkpoint's name.
        name: String,
    },
    /// The index was built from vectors and text was given.
    #[error(
        "{} was built from vectors and names no checkpoint; name the checkpoint that made the vectors, \
         or give vectors instead of text", index.display()
    )]
    NoModelRecorded {
        /// The index.
        index: PathBuf,
    },
    /// The checkpoint is not the one that the index was built with.
    #[error(
        "the checkpoint at {} is not the one that made {}: its fingerprint is {got}, the index expects \
         {expected}; open the index with the right one", model.display(), index.display()
    )]
    WrongModel {
        /// The checkpoint.
        model: PathBuf,
        /// The index.
        index: PathBuf,
        /// The fingerprint that the index records.
        expected: String,
        /// The fingerprint of the checkpoint.
        got: String,
    },
    /// The checkpoint's vectors cannot be compared with those of the index.
    #[error(
        "the checkpoint at {} makes vectors of dimension {got}, {} holds vectors of dimension {expected}; \
         open the index with the right one", model.display(), index.display()
    )]
    WrongDimension {
        /// The checkpoint.
        model: PathBuf,
        /// The index.
        index: PathBuf,
        /// Dimension of the index.
        expected: usize,
        /// Dimension of the checkpoint.
        got: usize,
    },
    /// A setting would encode documents otherwise than those that the index holds.
    #[error(
        "{setting} {got} is not that of {}, {expected}: its documents would be of two kinds; leave the \
         option out, or rebuild the index", index.display()
    )]
    OtherSetting {
        /// The setting in words.
        setting: &'static str,
        /// The index.
        index: PathBuf,
        /// What the index records.
        expected: String,
        /// What was asked for.
        got: String,
    },
    /// A query without anything to search for.
    #[error("the query is empty; give at least one word")]
    EmptyQuery,
}

/// What indexing and searching text gives.
pub type Result<T, E = TextError> = std::result::Result<T, E>;
