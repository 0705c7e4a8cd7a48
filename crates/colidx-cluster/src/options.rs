//! The input of training: sample and options.

use std::fmt;

use crate::ClusterError;

/// The implementation of k-means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KMeans {
    /// This crate's: no C++, the same bytes on every machine.
    Builtin,
    /// That of faiss, if the cargo feature `faiss` is on.
    Faiss,
}

impl KMeans {
    /// Whether this build has the backend.
    pub fn is_available(self) -> bool {
        match self {
            KMeans::Builtin => true,
            KMeans::Faiss => cfg!(feature = "faiss"),
        }
    }
}

impl fmt::Display for KMeans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KMeans::Builtin => "builtin",
            KMeans::Faiss => "faiss",
        })
    }
}

/// The kind of codebook: how vectors are grouped before k-means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodebookKind {
    /// One k-means over all vectors.
    Flat,
    /// One small k-means for each vocabulary id, after TACHIOM (arXiv 2604.28142); tokens too rare
    /// for centroids of their own are pooled.
    TokenAware,
}

impl fmt::Display for CodebookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CodebookKind::Flat => "flat",
            CodebookKind::TokenAware => "token-aware",
        })
    }
}

/// The vectors to train on.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// `[n, dim]`, row-major.
    pub vectors: &'a [f32],
    /// Values in a vector.
    pub dim: usize,
    /// `[n]`, the vocabulary id of each vector's token.
    pub token_ids: Option<&'a [u32]>,
}

impl Sample<'_> {
    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.vectors.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there are no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn check(&self) -> Result<(), ClusterError> {
        let n = self.len();
        if n * self.dim != self.vectors.len() {
            return Err(ClusterError::RaggedVectors {
                values: self.vectors.len(),
                dim: self.dim,
            });
        }
        let limit = i32::MAX as usize;
        if n > limit {
            return Err(ClusterError::TooManyVectors { got: n, limit });
        }
        if let Some(ids) = self.token_ids
            && ids.len() != n
        {
            return Err(ClusterError::TokenIds {
                expected: n,
                got: ids.len(),
            });
        }
        if let Some(at) = self.vectors.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / self.dim, at % self.dim);
            return Err(ClusterError::NotFinite {
                row,
                column,
                value: self.vectors[at],
            });
        }
        Ok(())
    }
}

/// How to train. `TrainOptions::new(k)` gives the measured defaults for the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// `K`, the number of centroids; lowered to the number of distinct vectors where there are
    /// fewer.
    pub centroids: usize,
    /// Maximum passes of Lloyd's algorithm over the sample.
    pub iterations: usize,
    /// The built-in backend stops when a pass lowers the error by less than this fraction.
    pub tolerance: f32,
    /// The same seed and sample give the same codebook.
    pub seed: u64,
    /// The implementation of k-means.
    pub backend: KMeans,
    /// The kind of codebook.
    pub kind: CodebookKind,
    /// Maximum bytes of vectors in a part of the sample; what is trained together fits in one. It
    /// changes the codebook: use `memory` to bound memory.
    pub part_bytes: usize,
    /// Bytes of vectors that are held in memory at once, at least a part. It does not change the
    /// codebook.
    pub memory: usize,
    /// Token-aware only: a token's share of the centroids is
    /// `(its squared error with one centroid) ^ damping`. 1 follows the error, 0 gives every token
    /// the same.
    pub damping: f32,
}

impl TrainOptions {
    /// The defaults, for `centroids` centroids.
    pub fn new(centroids: usize) -> TrainOptions {
        TrainOptions {
            centroids,
            iterations: 10,
            tolerance: 1e-3,
            seed: 42,
            backend: if KMeans::Faiss.is_available() {
                KMeans::Faiss
            } else {
                KMeans::Builtin
            },
            kind: CodebookKind::TokenAware,
            part_bytes: 32 << 20,
            memory: usize::MAX,
            damping: 0.9,
        }
    }
}

/// Progress of training, in comparisons of a vector with a centroid. It may jump to `total` when
/// k-means converges early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Comparisons made.
    pub done: u64,
    /// The expected total, if no problem converges early.
    pub total: u64,
}
