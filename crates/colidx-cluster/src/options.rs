//! What a caller asks for: the sample, the backend, the kind.

use std::fmt;

use crate::ClusterError;

/// Which k-means does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KMeans {
    /// The k-means of this crate: no C++, same bytes on every machine.
    Builtin,
    /// The k-means of faiss, when the feature `faiss` is built in.
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

/// How the vectors are divided before k-means sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodebookKind {
    /// One k-means over all vectors.
    Flat,
    /// One small k-means for each vocabulary id, after TACHIOM (arXiv 2604.28142); tokens too rare for centroids of their
    /// own are pooled.
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
    /// `[n]`, the vocabulary id of the token each vector stands for.
    pub token_ids: Option<&'a [u32]>,
}

impl Sample<'_> {
    /// How many vectors there are.
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

/// What to train. `TrainOptions::new(k)` gives the measured defaults for the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// `K`, how many centroids; lowered to the number of distinct vectors when there are fewer.
    pub centroids: usize,
    /// The most passes of Lloyd's algorithm over the sample.
    pub iterations: usize,
    /// The built-in backend stops early when a pass lowers the error by less than this fraction of it.
    pub tolerance: f32,
    /// The same seed and sample give the same codebook.
    pub seed: u64,
    /// Which k-means to use.
    pub backend: KMeans,
    /// How to divide the vectors.
    pub kind: CodebookKind,
    /// The most bytes of vectors in a part of the sample; what is trained together fits one. It decides about the codebook, so
    /// it is not how memory is bounded.
    pub part_bytes: usize,
    /// Bytes of vectors that are held at once, but at least a part. It decides about nothing but memory.
    pub memory: usize,
    /// Token-aware only: a token's share of the centroids is `(its squared error with one centroid) ^ damping`. 1 follows the
    /// error, 0 gives every token the same.
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

/// How far training is, in comparisons of a vector with a centroid. It may jump to `total` when k-means converges early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Comparisons made.
    pub done: u64,
    /// About how many there are if no problem converges early.
    pub total: u64,
}
