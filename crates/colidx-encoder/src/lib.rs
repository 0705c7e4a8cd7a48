//! ColBERT checkpoints: text to token vectors, on candle and tokenizers.
//!
//! A ColBERT model (Khattab and Zaharia, arXiv 2004.12832) gives every token of a text a vector: a BERT-like transformer
//! runs over the tokens, a projection makes its output small, and each vector is scaled to length one. A document also
//! carries a marker token after its first token; a query carries another marker and is padded with mask tokens to a fixed
//! length, and the vectors of those mask tokens take part in the search ("query expansion").
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
//! - In f32 the vectors are those of PyLate, or of ColBERT, sentence-transformers or FlagEmbedding for a checkpoint of their
//!   own layout, to rounding; the token ids are exactly theirs.
//! - A setting that shapes vectors is read, or its presence refuses the checkpoint. [`CheckpointInfo::settings`] lists each
//!   with the file and key that it comes from.
//! - On the processor the vectors of a text do not depend, bit for bit, on the texts encoded with it, on the number of
//!   threads or on the processor: every number is computed in one fixed order. (The cosines of rotary embeddings come from
//!   the system's mathematics library, which may round otherwise elsewhere.)
//! - A checkpoint that cannot be read is an [`EncoderError`] that names the file and the tensor.
//!
//! # Shape of the code
//!
//! `checkpoint` tells the layout of a directory and reads it, `text` turns text into token ids, `model` is the transformer
//! written in candle tensors, `ops` holds the operations it is made of, fused on the processor and candle's own on a GPU, and
//! `encoder` puts them together. Below them lie `settings`, which knows where a setting comes from, `weights` and `files`.
//! Sequences are packed one after the other without padding: a batch is `[total tokens, hidden]`. `hub`, behind the feature of
//! that name, fetches checkpoints.

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
