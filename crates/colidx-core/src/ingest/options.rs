//! How to build an index.

use crate::error::{Error, Result};
use crate::format;
use crate::format::model::ModelInfo;
use colidx_cluster::{CodebookKind, KMeans};
use std::time::Duration;

/// How to build an index. [`BuildOptions::default`] gives the measured defaults.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// Residual bits a dimension: 1, 2, 4 or 8.
    pub nbits: u32,
    /// Centroids of the codebook; `None` chooses by the number of vectors (`docs/design/codebook.md`).
    pub centroids: Option<usize>,
    /// Which k-means trains the codebook.
    pub engine: KMeans,
    /// Whether centroids belong to vocabulary ids; needs a source that gives token ids.
    pub shape: CodebookKind,
    /// Most bytes of working memory for phases that can choose; the model is not counted.
    pub memory: usize,
    /// Seed of every random choice. The same input and seed give the same bytes.
    pub seed: u64,
    /// Replace an index that is there, which stays readable until the new one is committed, and start again where a build
    /// was left unfinished.
    pub force: bool,
    /// Go on where an unfinished build stopped, if there is one. It must be given the same documents in the same order, the
    /// same options and the same source, and ends with the same bytes as if it had never stopped. This comes before `force`.
    pub resume: bool,
    /// Time after which what was done is made safe again, so that a crash costs no more than this and the batch in work.
    pub checkpoint: Duration,
    /// What makes the vectors, recorded in the index; `None` when only vectors are known.
    pub model: Option<ModelInfo>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            nbits: 4,
            centroids: None,
            engine: KMeans::Builtin,
            shape: CodebookKind::TokenAware,
            memory: 2 << 30,
            seed: 42,
            force: false,
            resume: false,
            checkpoint: Duration::from_secs(10),
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
