//! Token vectors made elsewhere, of documents and of queries, in the forms that people have:
//!
//! | form | documents | keys |
//! |---|---|---|
//! | a folder with `doc_embeddings.npy` and `doc_lens.npy` | by their lengths | `doc_keys.txt`, or numbers |
//! | a folder of other `.npy`, `.npz`, `.safetensors`, `.pt` or `.pth` files | one a file, or one an array | names of files or arrays |
//! | one file of several arrays `[tokens, dim]` | one an array | names of arrays |
//! | one file of one array `[documents, tokens, dim]` | all of that length, but for padding | numbers |
//! | one file with arrays `doc_embeddings` and `doc_lens` | by their lengths | numbers |
//! | JSON Lines with a field `vectors` | one a line | in the lines |
//! | Parquet with a column `vectors` of lists of lists of floats | one a row | column `_id`, `id` or `key`, or numbers |
//! | a folder with `vectors.parquet` or else `documents.jsonl`, and no arrays | as in that file | as in that file |
//!
//! In the first form,
//!
//! | file | content |
//! |---|---|
//! | `doc_embeddings.npy` | `[total_tokens, dim]` floats: the vectors of all documents, one after another |
//! | `doc_lens.npy` | `[documents]` i32, i64 or u32: how many vectors each document has |
//! | `token_ids.npy` | optional, `[total_tokens]` i32, i64 or u32: the vocabulary id of each vector |
//! | `doc_keys.txt` | optional, one key a line; without it the keys are the row numbers from 0 |
//!
//! Floats are f16, bf16, f32 or f64, and read as f32. Rows that are all zero are padding and left
//! out. Documents stand in the order of their names, numbers in them by value. What a file is, is
//! detected from its first bytes ([`array`](crate::array)), not from its name.
//!
//! Query vectors come in the same forms, and as one array `[tokens, dim]`, which is one query.

mod blocks;
mod joined;
mod lengths;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod queries;
mod read;
mod write;

use std::path::Path;
use std::time::UNIX_EPOCH;

use thiserror::Error;

use crate::OutputError;
use crate::array::ArrayError;
use crate::error::InputError;
use crate::npy::{Dtype, NpyError};

pub use queries::{QueryEmbeddings, QueryEmbeddingsWriter};
pub use read::{Embeddings, Keys};
pub use write::EmbeddingsWriter;

const VECTORS: &str = "doc_embeddings.npy";
const LENGTHS: &str = "doc_lens.npy";
const TOKEN_IDS: &str = "token_ids.npy";
const KEYS: &str = "doc_keys.txt";
const QUERIES: &str = "query_embeddings.npy";

/// Files that have the vectors of a folder without files of arrays: the first of them that there
/// is. Records of documents may lie beside a table of vectors.
const TABLES: [&str; 2] = ["vectors.parquet", "documents.jsonl"];

/// The field of JSON Lines that has the vectors, unless another is named.
pub const FIELD: &str = "vectors";

/// Embedding files that do not fit together, or hold what no index can.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmbeddingsError {
    /// One of the `.npy` files is bad by itself.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file of arrays is bad by itself.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// A line of JSON Lines or of the file of keys is bad.
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
    /// A folder has no files that hold vectors.
    #[error(
        "{folder} has no files of vectors, expected doc_embeddings.npy and doc_lens.npy, .npy, .npz, \
         .safetensors or .pt files of one document each, vectors.parquet or documents.jsonl; name \
         the folder or the file that has them"
    )]
    NoFiles {
        /// The folder.
        folder: String,
    },
    /// The vectors of a document have another dimension than those before.
    #[error(
        "{file}: document {document} has vectors of dimension {got}, expected {expected} as those \
         before it; write the vectors of one model"
    )]
    Dimension {
        /// The file.
        file: String,
        /// The document, counted from 0.
        document: u64,
        /// The dimension of the vectors before.
        expected: usize,
        /// The dimension found.
        got: usize,
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
    /// A Parquet file is damaged or has no vectors.
    #[error(
        "{file}: expected a Parquet file with a column of lists of lists of floats, got {got}; write \
         it again, with pyarrow as list_(list_(float32()))"
    )]
    Parquet {
        /// The file.
        file: String,
        /// What is wrong.
        got: String,
    },
    /// A file may not be written, or cannot.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// There are no documents.
    #[error("{file} has no documents; write the vectors of at least one")]
    NoDocuments {
        /// The file, or the folder.
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

/// Identifies the vectors in a file or folder: number and sizes of files and when the newest was
/// written.
pub fn fingerprint(path: &Path) -> String {
    let (mut files, mut bytes, mut newest) = (0u64, 0u64, None);
    let mut count = |path: &Path| {
        if let Ok(metadata) = path.metadata() {
            files += 1;
            bytes += metadata.len();
            newest = newest.max(metadata.modified().ok());
        }
    };
    match path.read_dir() {
        Ok(entries) => entries.flatten().for_each(|entry| count(&entry.path())),
        Err(_) => count(path),
    }
    let newest = newest.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let newest = newest.map_or(0.0, |since| since.as_secs_f64());
    format!("{files} files of {bytes} bytes, the newest of {newest}")
}

/// Where a layout appends what it reads.
struct Raw<'a> {
    vectors: &'a mut Vec<f32>,
    lens: &'a mut Vec<u32>,
    token_ids: &'a mut Vec<u32>,
}

/// Refuses vectors that are no floats.
fn need_floats(file: &str, dtype: Dtype) -> Result<(), NpyError> {
    match dtype {
        dtype if dtype.is_float() => Ok(()),
        got => Err(NpyError::WrongType {
            file: file.to_owned(),
            expected: "f16, bf16, f32 or f64",
            got,
        }),
    }
}

/// The size of the last dimension.
fn dim_of(file: &str, dim: u64, expected: &'static str) -> Result<usize, EmbeddingsError> {
    let dim = usize::try_from(dim).ok().filter(|&dim| dim > 0);
    dim.ok_or_else(|| EmbeddingsError::NoDimensions {
        file: file.to_owned(),
        expected,
    })
}

/// The place of the first number that is not finite: its vector and column.
fn not_finite(vectors: &[f32], dim: usize) -> Option<(usize, usize, f32)> {
    let at = vectors.iter().position(|value| !value.is_finite())?;
    Some((at / dim, at % dim, vectors[at]))
}

#[cfg(test)]
mod tests;
