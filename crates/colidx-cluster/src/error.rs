//! Errors of training a codebook.

use crate::KMeans;

/// A training request that cannot be met. Every message ends with the next action.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The chosen backend is not part of this build.
    #[error(
        "k-means backend `{backend}` is not part of this build: choose `{}`, or build with the cargo feature `{backend}`",
        KMeans::Builtin
    )]
    BackendUnavailable {
        /// The backend that is missing.
        backend: KMeans,
    },

    /// The buffer of vectors is not a whole number of rows.
    #[error(
        "expected a whole number of vectors of {dim} values, got {values} values: pass the buffer as [n, {dim}], row-major"
    )]
    RaggedVectors {
        /// Values in the buffer.
        values: usize,
        /// Values a vector should have.
        dim: usize,
    },

    /// More vectors than 32 bits can index.
    #[error("expected at most {limit} sample vectors, got {got}: draw a smaller sample")]
    TooManyVectors {
        /// Vectors in the sample.
        got: usize,
        /// The most there may be.
        limit: usize,
    },

    /// The number of token ids is not that of vectors.
    #[error(
        "expected one token id a vector, that is {expected}, got {got}: pass the ids of the same tokens as the vectors"
    )]
    TokenIds {
        /// Vectors in the sample.
        expected: usize,
        /// Token ids given.
        got: usize,
    },

    /// A token-aware codebook was asked for without token ids.
    #[error(
        "a token-aware codebook needs the vocabulary id of every vector, got none: give token ids, or train a flat codebook"
    )]
    MissingTokenIds,

    /// A vector has NaN or infinity, which are not nearest to anything.
    #[error(
        "vector {row} of the sample holds {value} at dimension {column}, expected finite values: check the model or the vector file it came from"
    )]
    NotFinite {
        /// Row of the vector in the sample.
        row: usize,
        /// Dimension within the row.
        column: usize,
        /// The value found.
        value: f32,
    },

    /// A part of the sample could not be read.
    #[error("a part of the sample cannot be read: {0}")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The progress function stopped the training.
    #[error("training was stopped: train again for a codebook")]
    Cancelled,

    /// The system starts no threads for faiss, which would end the process.
    #[error(
        "faiss needs {needed} more threads, and the system does not start them: {source}; set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to 1, or use the backend `{}`",
        KMeans::Builtin
    )]
    Threads {
        /// Threads that faiss and its BLAS would start.
        needed: usize,
        /// The error of the system.
        source: std::io::Error,
    },

    /// faiss refused the problem.
    #[error(
        "faiss could not train {centroids} centroids on {vectors} vectors: {message}; try the backend `{}`",
        KMeans::Builtin
    )]
    Faiss {
        /// Centroids asked for.
        centroids: usize,
        /// Vectors given.
        vectors: usize,
        /// The message of faiss.
        message: String,
    },
}
