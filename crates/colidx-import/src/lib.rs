//! Reads the indexes of other late-interaction engines, without those engines.
//!
//! ```no_run
//! # fn main() -> Result<(), colidx_import::ImportError> {
//! use colidx_import::ForeignIndex;
//!
//! let mut index = ForeignIndex::open("plaid/index".as_ref())?;
//! println!("{}: {} documents of dim {}", index.engine(), index.len(), index.dim());
//! let mut vectors = index.vectors();
//! let mut out = Vec::new();
//! for document in 0..index.len() {
//!     out.clear();
//!     let tokens = vectors.read(document, &mut out)?; // [tokens, dim], appended to `out`
//!     println!("{tokens} tokens");
//! }
//! for document in index.documents() {
//!     println!("{}", document?.key);
//! }
//! print!("{}", index.report());
//! # Ok(())
//! # }
//! ```
//!
//! All of these engines store a token vector as the number of its nearest centroid and a few bits a
//! dimension for the residual (ColBERTv2, arXiv 2112.01488). [`ForeignIndex::open`] tells which of
//! them wrote a folder, reads what is small, and checks that lengths and shapes agree; the rest is
//! read when asked for, a document at a time. Numbers in metadata that the files contradict are not
//! trusted. Nothing is written into the folder.
//!
//! # Features
//!
//! - `sqlite`: keys, texts and metadata in SQLite files; needs a C compiler.

#![forbid(unsafe_code)]

mod array;
mod codec;
mod detect;
mod documents;
mod engine;
mod engines;
mod error;
mod folder;
mod ids;
mod index;
mod json;
mod options;
mod originals;
mod places;
mod report;
#[cfg(feature = "sqlite")]
mod sqlite;
mod table;
mod vectors;

pub use documents::ForeignDocument;
pub use engine::{Engine, ForeignModel};
pub use error::ImportError;
pub use index::{Documents, ForeignIndex};
pub use options::ImportOptions;
pub use report::{Note, NoteKind, Report};
pub use vectors::VectorReader;
