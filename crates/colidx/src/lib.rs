//! Late-interaction (ColBERT) search: index and search text, on disk, through a memory map.
//!
//! # Text
//!
//! [`TextIndex`] writes and [`TextSearcher`] searches, with a ColBERT checkpoint that is a
//! directory or an id on the model hub:
//!
//! ```no_run
//! # #[cfg(feature = "text")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use colidx::TextIndex;
//!
//! let model = "answerdotai/answerai-colbert-small-v1";
//! let mut index = TextIndex::create("notes.colidx", model)?;
//! index.add("1", "Paris is the capital of France.")?;
//! index.add("2", "Token vectors are compressed to centroids and residuals.")?;
//! index.commit()?;
//! for hit in index.searcher()?.search("where is the French government?", 10)? {
//!     println!("{:.2}  {}  {}", hit.score, hit.key, hit.text);
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "text"))]
//! # fn main() {}
//! ```
//!
//! A server keeps a [`TextReader`]: it gives every request a searcher at the newest commit.
//!
//! # Vectors
//!
//! [`IndexWriter`] and [`Index`] take token vectors from anywhere, `[n_tokens, dim]` f32 row-major;
//! see [`colidx_core`], all of which is re-exported here. Without default features this is all
//! there is, and neither a machine-learning runtime nor C++ is compiled.
//!
//! # Features
//!
//! - `text` (default): text in, hits out.
//! - `hub` (default): fetches checkpoints from the model hub.
//! - `data`: corpora, queries, judgements, runs and metrics ([`data`]); embedding files as a source
//!   of vectors.
//! - `import`: reads the indexes of other late-interaction engines ([`import`]); `import-sqlite`
//!   also what they keep in SQLite, and needs a C compiler.
//! - `parquet`: reads and writes vectors in list columns of Parquet files.
//! - `faiss`: trains the codebook with faiss.
//! - `cuda`, `metal`: encode on a GPU.

#![forbid(unsafe_code)]

#[cfg(feature = "data")]
pub mod corpus;
#[cfg(feature = "data")]
mod embeddings;
#[cfg(feature = "data")]
pub mod export;
#[cfg(feature = "import")]
pub mod import;
mod similarity;
#[cfg(any(feature = "data", feature = "import"))]
mod stored;
#[cfg(feature = "text")]
pub mod text;

pub use colidx_core::*;
#[cfg(feature = "data")]
pub use colidx_data as data;
#[cfg(feature = "text")]
pub use colidx_encoder as encoder;
#[cfg(feature = "data")]
pub use embeddings::EmbeddingsSource;
pub use similarity::Similarities;
#[cfg(any(feature = "data", feature = "import"))]
pub use stored::{StoredSource, StoredVectors};
#[cfg(feature = "text")]
pub use text::{
    Model, SearchBy, SearcherOptions, TextError, TextHit, TextIndex, TextReader, TextSearcher,
};
