//! ColBERT checkpoints: text to token vectors, on candle and tokenizers.
//!
//! A ColBERT model (Khattab and Zaharia, arXiv 2004.12832) computes a vector for every token of a
//! text: a BERT-like transformer encodes the tokens, a projection reduces its output to a few
//! dimensions, and each vector is scaled to length one. A document has a marker token after its
//! first token. A query has another marker, and is padded with mask tokens to a fixed length; the
//! vectors of those mask tokens take part in the search ("query expansion").
//!
//! ```no_run
//! use colidx_encoder::{Encoder, EncoderOptions};
//!
//! let options = EncoderOptions::default();
//! let encoder = Encoder::open("models/answerai-colbert-small-v1", &options)?;
//! let documents = encoder.encode_documents(&["The moon orbits the earth."])?;
//! let query = encoder.encode_query("what orbits the earth?")?;
//! assert_eq!(query.vectors.len(), query.tokens.len() * encoder.info().dim);
//! # Ok::<(), colidx_encoder::EncoderError>(())
//! ```
//!
//! # Promises
//!
//! - In f32 the vectors equal, up to rounding, those of the library that wrote the checkpoint:
//!   PyLate, ColBERT, sentence-transformers or FlagEmbedding. The token ids are the same.
//! - Every setting that affects vectors is applied, or the checkpoint is refused.
//!   [`CheckpointInfo::settings`] lists each with the file and key that it comes from.
//! - On the processor the vectors of a text are the same bits whatever texts are encoded with it,
//!   on any number of threads and on any processor: every number is computed in one fixed order.
//!   (The cosines of rotary embeddings come from the system's math library, which may round
//!   differently elsewhere.)
//! - A checkpoint that cannot be read is an [`EncoderError`] that names the file and the tensor.
//!
//! # Architecture
//!
//! From top to bottom, each module using only those below it:
//!
//! - `encoder` batches texts and encodes them; `hub`, a feature, downloads checkpoints.
//! - `checkpoint` detects the layout of a directory and reads it.
//! - `text` turns text into token ids. `model` is the transformer in candle tensors, made of `ops`,
//!   which run on the kernels of colidx-kernels or, on a GPU, on candle's operations.
//! - `weights` reads tensors, `settings` reads JSON settings with their origins.
//! - `layout` lists the files of a checkpoint, `files` reads them.
//!
//! Sequences are packed without padding: a batch is `[total tokens, hidden]`.

#![forbid(unsafe_code)]

mod checkpoint;
mod encoder;
mod error;
mod files;
#[cfg(feature = "hub")]
pub mod hub;
mod layout;
mod model;
mod ops;
mod options;
mod settings;
#[cfg(test)]
mod tests;
mod text;
mod weights;

pub use checkpoint::CheckpointInfo;
pub use encoder::{EncodedDocument, EncodedQuery, Encoder, QueryToken};
pub use error::EncoderError;
pub use options::{Device, EncoderOptions, Precision, UnknownName};
pub use settings::SettingInfo;
pub use text::TokenSpan;
