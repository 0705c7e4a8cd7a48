//! How to write to an index.

use crate::format::model::ModelInfo;
use crate::ingest::{BuildOptions, KMeans};
use crate::setters::setters;

/// How to write to an existing index. [`WriterOptions::default`] deletes and merges; to add
/// documents set `model` to the index's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterOptions {
    /// What makes the vectors of added documents. Must be the index's; `None` when not known.
    pub model: Option<ModelInfo>,
    /// Most bytes of working memory for phases that can choose; the model is not counted.
    pub memory: usize,
    /// Merge segments at the end of a commit when they have become many. Otherwise call
    /// [`IndexWriter::merge`](super::IndexWriter::merge) when it suits.
    pub merge: bool,
    /// Which k-means trains the codebook of an index that was committed without vectors.
    pub engine: KMeans,
    /// By what factor the caller takes the vectors of the index to be pooled, 1 for not at all. A
    /// writer pools as the index was created, and is refused where that is something else; `None`
    /// takes it as it is.
    pub pool_factor: Option<u32>,
}

setters!(WriterOptions {
    model: impl Into<Option<ModelInfo>>,
    memory: usize,
    merge: bool,
    engine: KMeans,
    pool_factor: impl Into<Option<u32>>,
});

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            model: None,
            memory: 2 << 30,
            merge: true,
            engine: KMeans::Builtin,
            pool_factor: None,
        }
    }
}

/// How to open an index that was created with these options.
impl From<&BuildOptions> for WriterOptions {
    fn from(options: &BuildOptions) -> Self {
        Self {
            model: options.model.clone(),
            memory: options.memory,
            engine: options.engine,
            merge: true,
            pool_factor: None,
        }
    }
}
