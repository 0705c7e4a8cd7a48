//! How to create an index.

use crate::error::{Error, Result};
use crate::format;
use crate::format::model::ModelInfo;
use crate::format::pooling::Pooling;
use crate::setters::setters;
use colidx_cluster::{CodebookKind, KMeans};
use colidx_lexical::Analyzer;
use std::time::Duration;

/// How to create an index. [`BuildOptions::default`] gives the measured defaults.
///
/// ```
/// let options = colidx_core::BuildOptions::default().nbits(2).memory(1 << 30);
/// assert_eq!((options.nbits, options.seed), (2, 42));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BuildOptions {
    /// Residual bits a dimension: 1, 2, 4 or 8.
    pub nbits: u32,
    /// Values in a vector: 1 to 4,096. `None` takes it from the source of the first commit; without
    /// it documents cannot come with their vectors.
    pub dim: Option<usize>,
    /// Centroids of the codebook; `None` chooses by the number of vectors.
    pub centroids: Option<usize>,
    /// Which k-means trains the codebook.
    pub engine: KMeans,
    /// Whether centroids belong to vocabulary ids; needs vectors that come with token ids.
    pub shape: CodebookKind,
    /// Most bytes of working memory for phases that can choose; the model is not counted.
    pub memory: usize,
    /// Seed of every random choice. The same input and seed give the same bytes.
    pub seed: u64,
    /// Replace an index that is there, which stays readable until the new one is committed, and
    /// start over where a build was left unfinished.
    pub force: bool,
    /// Resume an unfinished build, if there is one. It must be given the same documents in the same
    /// order, the same options and the same source, and ends with the same bytes as if it had never
    /// stopped. This comes before `force`.
    pub resume: bool,
    /// Time between checkpoints: a crash costs no more than this and the current batch.
    pub checkpoint: Duration,
    /// Divides stored text into words, which are then searched by BM25; `None` for an index
    /// without.
    pub analyzer: Option<Analyzer>,
    /// Pools the vectors of documents, also of those that are added later; `None` stores all.
    pub pooling: Option<Pooling>,
    /// What makes the vectors, recorded in the index; `None` when only vectors are known.
    pub model: Option<ModelInfo>,
}

setters!(BuildOptions {
    nbits: u32,
    dim: impl Into<Option<usize>>,
    centroids: impl Into<Option<usize>>,
    engine: KMeans,
    shape: CodebookKind,
    memory: usize,
    seed: u64,
    force: bool,
    resume: bool,
    checkpoint: Duration,
    analyzer: impl Into<Option<Analyzer>>,
    pooling: impl Into<Option<Pooling>>,
    model: impl Into<Option<ModelInfo>>,
});

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            nbits: 4,
            dim: None,
            centroids: None,
            engine: KMeans::Builtin,
            shape: CodebookKind::TokenAware,
            memory: 2 << 30,
            seed: 42,
            force: false,
            resume: false,
            checkpoint: Duration::from_secs(10),
            analyzer: Analyzer::by_name("english").ok(),
            pooling: None,
            model: None,
        }
    }
}

impl BuildOptions {
    /// Refuses values out of range.
    pub(crate) fn check(&self) -> Result<()> {
        if !matches!(self.nbits, 1 | 2 | 4 | 8) {
            return Err(Error::Option {
                option: "nbits",
                got: self.nbits.to_string(),
                expected: "1, 2, 4 or 8",
            });
        }
        if let Some(centroids) = self.centroids
            && !(1..=format::MAX_CENTROIDS).contains(&centroids)
        {
            return Err(Error::Option {
                option: "centroids",
                got: centroids.to_string(),
                expected: "at least 1 and at most 67,108,864",
            });
        }
        if let Some(dim) = self.dim {
            format::check_dim(dim)?;
        }
        self.pooling.map_or(Ok(()), Pooling::check)?;
        match self.model.as_ref().map_or(Ok(()), ModelInfo::check) {
            Ok(()) => Ok(()),
            Err(fault) => Err(Error::Option {
                option: fault.field,
                got: fault.got,
                expected: fault.expected,
            }),
        }
    }
}
