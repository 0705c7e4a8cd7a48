//! A description of a checkpoint.

use serde::{Deserialize, Serialize};

use crate::SettingInfo;

/// Describes a checkpoint: enough to tell two of them apart and to reproduce their vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckpointInfo {
    /// Name of the directory, or `owner/name` for a directory in the model hub's cache.
    pub name: String,
    /// The layout of the directory: `MultiVectorEncoder`, `PyLate`, `Stanford`, `FlagEmbedding`,
    /// `sentence-transformers` or `transformers`.
    #[serde(default)]
    pub layout: String,
    /// Architecture of the transformer: `model_type` in config.json.
    pub architecture: String,
    /// Dimensions of a token vector.
    pub dim: usize,
    /// Dimensions of the transformer's output.
    pub hidden: usize,
    /// Number of layers of the transformer.
    pub layers: usize,
    /// Number of floats in the weights of the transformer and the projection.
    #[serde(default)]
    pub parameters: u64,
    /// Element type of the transformer's weights, such as `F32`.
    #[serde(default)]
    pub element_type: String,
    /// Longest sequence in tokens that the transformer was configured for. With rotary embeddings
    /// it can read longer ones.
    #[serde(default)]
    pub positions: usize,
    /// Whether a module projects the transformer's output. Without one, `dim` equals `hidden` and
    /// the checkpoint was probably not trained for late interaction.
    pub projected: bool,
    /// Maximum tokens of a document, including special tokens and marker; longer documents are
    /// truncated.
    pub document_length: usize,
    /// Maximum tokens of a query, including special tokens and marker; longer queries are
    /// truncated.
    pub query_length: usize,
    /// The token inserted after the first token of a document; empty for none.
    pub document_marker: String,
    /// The token inserted after the first token of a query; empty for none.
    pub query_marker: String,
    /// Text put before a document and tokenized with it; empty for none.
    #[serde(default)]
    pub document_prompt: String,
    /// Text put before a query and tokenized with it; empty for none.
    #[serde(default)]
    pub query_prompt: String,
    /// The token that queries are padded with.
    pub mask_token: String,
    /// Words whose tokens have no vectors in documents.
    pub skiplist: Vec<String>,
    /// Words whose tokens have no vectors in queries.
    #[serde(default)]
    pub query_skiplist: Vec<String>,
    /// Whether queries are padded with mask tokens that have vectors too.
    pub query_expansion: bool,
    /// Minimum tokens of a padded query; 0 if queries are not padded.
    #[serde(default)]
    pub query_expansion_length: usize,
    /// Whether tokens attend to the mask tokens that pad a query.
    pub attend_to_expansion_tokens: bool,
    /// Whether texts are lower-cased before tokenization.
    pub lower_case: bool,
    /// Every setting that affects a vector, with its origin.
    #[serde(default)]
    pub settings: Vec<SettingInfo>,
    /// Notes on the files: keys that colidx does not know, modules that are ignored.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Hex xxh3-128 over the weights, the tokenizer and the configuration files.
    pub fingerprint: String,
}
