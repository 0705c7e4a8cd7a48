//! K-means for the codebook of a late-interaction index.
//!
//! [`train`](fn@crate::train) turns a [`Sample`] of token vectors into a [`Codebook`] of centroids;
//! an [`Assigner`] then gives every vector of the corpus its nearest centroid, and
//! [`cells`](fn@crate::cells) groups centroids that lie near each other. There are two backends
//! ([`KMeans`]) and two kinds of codebook ([`CodebookKind`]): one k-means over all vectors, or one
//! for each vocabulary id. `docs/lab/2026-11-27-codebook.md` in the repository has the measurements
//! behind the defaults.
//!
//! Everything runs in the current rayon pool. The built-in backend and the assigner give the same
//! bits for any number of threads and on every instruction set.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use colidx_cluster::{Assigner, KMeans, Sample, CodebookKind, TrainOptions, train};
//!
//! let vectors = [1.0, 0.0, 0.9, 0.1, 0.0, 1.0, 0.1, 0.9]; // [4, 2]
//! let sample = Sample { vectors: &vectors, dim: 2, token_ids: None };
//! let options = TrainOptions { backend: KMeans::Builtin, kind: CodebookKind::Flat,
//! ..TrainOptions::new(2) };
//! let codebook = train(&sample, &options, &|_| ControlFlow::Continue(()))?;
//!
//! let mut codes = Vec::new();
//! Assigner::new(2, &codebook.centroids, &codebook.groups).assign(&vectors, None, &mut codes);
//! assert_eq!(codes[0], codes[1]);
//! assert_ne!(codes[1], codes[2]);
//! # Ok::<(), colidx_cluster::ClusterError>(())
//! ```

#![forbid(unsafe_code)]

mod apportion;
mod assign;
mod backend;
mod builtin;
mod cells;
mod codebook;
mod error;
#[cfg(feature = "faiss")]
mod faiss;
mod lloyd;
mod lookup;
mod members;
mod nearest;
mod neighbours;
mod options;
mod partition;
mod promise;
mod rng;
mod rows;
mod seeding;
mod token_aware;
mod train;
mod ward;

pub use assign::Assigner;
pub use cells::{Cells, cells};
pub use codebook::{Codebook, Group, SHARED};
pub use error::ClusterError;
pub use options::{CodebookKind, KMeans, Progress, Sample, TrainOptions};
pub use partition::Partition;
pub use rows::{Parts, Rows};
pub use train::{FIRST_BYTES, train, train_parts};
pub use ward::ward;
