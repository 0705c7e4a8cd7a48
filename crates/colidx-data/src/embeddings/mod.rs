//! Token vectors made elsewhere: one folder for those of documents.
//!
//! | file | content |
//! |---|---|
//! | `doc_embeddings.npy` | `[total_tokens, dim]` f16 or f32: the vectors of all documents, one after another |
//! | `doc_lens.npy` | `[documents]` i32, i64 or u32: how many vectors each document has |
//! | `token_ids.npy` | optional, `[total_tokens]` i32, i64 or u32: the vocabulary id of each vector |
//! | `doc_keys.txt` | optional, one key a line; without it the keys are the row numbers from 0 |
//!
//! Query vectors are one file, `[queries, tokens, dim]` f16 or f32.

mod lengths;
mod queries;
mod read;
mod write;

use std::path::Path;
use std::time::UNIX_EPOCH;

use thiserror::Error;

use crate::OutputError;
use crate::error::InputError;
use crate::npy::NpyError;

pub use queries::{QueryEmbeddings, QueryEmbeddingsWriter};
pub use read::{Embeddings, Keys};
pub use write::EmbeddingsWriter;

const VECTORS: &str = "doc_embeddings.npy";
const LENGTHS: &str = "doc_lens.npy";
const TOKEN_IDS: &str = "token_ids.npy";
const KEYS: &str = "doc_keys.txt";

/// Embedding files that do not fit together, or hold what no index can.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmbeddingsError {
    /// One of the `.npy` files is bad by itself.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The folder is none, or the file of keys is bad.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Vectors have no dimensions.
    #[error("{file}: the vectors have 0 dimensions; save an array of shape {expected}")]
    NoDimensions {
        /// The file.
        file: String,
        /// The shape that is needed.
        expected: &'static str,
    },
    /// The lengths promise another number of vectors than there are.
    #[error(
        "{lengths} promises {promised} vectors for {documents} documents, {vectors} has {rows} rows; \
         write both files from the same run"
    )]
    Rows {
        /// The file of lengths.
        lengths: String,
        /// The sum of the lengths.
        promised: u64,
        /// The number of documents.
        documents: u64,
        /// The file of vectors.
        vectors: String,
        /// Its rows.
        rows: u64,
    },
    /// A length is negative or larger than any document.
    #[error("{file}: document {document} has length {got}, expected 0 to {limit}; write the lengths again", limit = u32::MAX)]
    Length {
        /// The file of lengths.
        file: String,
        /// The document, counted from 0.
        document: u64,
        /// The length.
        got: i64,
    },
    /// There is not one token id for each vector.
    #[error(
        "{file} has {got} token ids, {vectors} has {rows} rows; write one id for each vector, or remove the file"
    )]
    TokenIds {
        /// The file of token ids.
        file: String,
        /// Ids in it.
        got: u64,
        /// The file of vectors.
        vectors: String,
        /// Its rows.
        rows: u64,
    },
    /// A token id is negative or too large.
    #[error("{file}: row {row} (document {document}) holds token id {got}, expected 0 to {limit}; write the ids again", limit = u32::MAX - 1)]
    TokenId {
        /// The file of token ids.
        file: String,
        /// The row, counted from 0.
        row: u64,
        /// The document, counted from 0.
        document: u64,
        /// The id.
        got: i64,
    },
    /// There is not one key for each document.
    #[error(
        "{file} has {got} keys, {lengths} has {documents} documents; write one key a line, or remove the file"
    )]
    KeyCount {
        /// The file of keys.
        file: String,
        /// Keys in it.
        got: u64,
        /// The file of lengths.
        lengths: String,
        /// The number of documents.
        documents: u64,
    },
    /// A vector of a document holds NaN or an infinity.
    #[error(
        "{file}: document {document}, vector {vector} of it (row {row} of the file), column {column} is {got}; \
         every number must be finite: find where the model or the conversion made it"
    )]
    NotFinite {
        /// The file of vectors.
        file: String,
        /// The document, counted from 0.
        document: u64,
        /// The vector within the document, counted from 0.
        vector: u64,
        /// The row in the file, counted from 0.
        row: u64,
        /// The dimension, counted from 0.
        column: usize,
        /// The number.
        got: f32,
    },
    /// A vector of a query holds NaN or an infinity.
    #[error(
        "{file}: query {query}, token {token}, column {column} is {got}; every number must be finite: find where the model or the conversion made it"
    )]
    QueryNotFinite {
        /// The file.
        file: String,
        /// The query, counted from 0.
        query: u64,
        /// The token within the query, counted from 0.
        token: u64,
        /// The dimension, counted from 0.
        column: usize,
        /// The number.
        got: f32,
    },
    /// A document or query was asked for that is not there.
    #[error("{file}: number {asked} was asked for, there are {available}; report this as a bug")]
    OutOfRange {
        /// The file.
        file: String,
        /// The document or query, counted from 0.
        asked: u64,
        /// How many there are.
        available: u64,
    },
    /// A file may not be written, or cannot.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// There are no documents.
    #[error("{file} has no documents; write the vectors of at least one")]
    NoDocuments {
        /// The file of lengths.
        file: String,
    },
    /// Vectors, token ids and dimensions handed to a writer do not fit together.
    #[error("{file}: got {got} numbers for {what}, expected {expected}; report this as a bug")]
    Mismatch {
        /// The file.
        file: String,
        /// What was to be written.
        what: &'static str,
        /// How many would fit.
        expected: String,
        /// How many came.
        got: usize,
    },
    /// A key cannot stand on a line of its own.
    #[error("the key {key:?} contains a line end and cannot be written to {KEYS}; use another key")]
    KeyWithLineEnd {
        /// The key.
        key: String,
    },
}

/// Identifies the vectors in a folder: the sizes of its files and when they were written.
pub fn fingerprint(folder: &Path) -> String {
    let file = |name: &str| {
        let metadata = folder.join(name).metadata().ok()?;
        let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let (bytes, seconds) = (metadata.len(), written.as_secs_f64());
        Some(format!("{name} of {bytes} bytes at {seconds}"))
    };
    let files = [VECTORS, LENGTHS, TOKEN_IDS].into_iter();
    files.filter_map(file).collect::<Vec<_>>().join(", ")
}

/// The place of the first number that is not finite: its vector and column.
fn not_finite(vectors: &[f32], dim: usize) -> Option<(usize, usize, f32)> {
    let at = vectors.iter().position(|value| !value.is_finite())?;
    Some((at / dim, at % dim, vectors[at]))
}

#[cfg(test)]
mod tests;
