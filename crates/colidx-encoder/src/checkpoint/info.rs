//! What a checkpoint is, in words and numbers.

use serde::{Deserialize, Serialize};

use crate::SettingInfo;

/// What is known of a checkpoint: enough to tell two of them apart and to repeat how texts become vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckpointInfo {
    /// Name of the directory, or `owner/name` for a directory in the model hub's cache.
    pub name: String,
    /// How the directory is laid out: `MultiVectorEncoder`, `PyLate`, `Stanford`, `FlagEmbedding`, `sentence-transformers` or
    /// `transformers`.
    #[serde(default)]
    pub layout: String,
    /// Architecture of the transformer, as `model_type` in config.json names it.
    pub architecture: String,
    /// Dimensions of a token vector.
    pub dim: usize,
    /// Dimensions inside the transformer.
    pub hidden: usize,
    /// Layers of the transformer.
    pub layers: usize,
    /// Floats in the weights of the transformer and the projection.
    #[serde(default)]
    pub parameters: u64,
    /// The type of these floats in the transformer's files, such as `F32`.
    #[serde(default)]
    pub element_type: String,
    /// Tokens of the longest sequence that the transformer was configured for. One with rotary embeddings can read more.
    #[serde(default)]
    pub positions: usize,
    /// Whether anything projects the transformer's output; without it `dim` is `hidden`, and the checkpoint was probably not
    /// trained for late interaction.
    pub projected: bool,
    /// Tokens of a document, specials and marker included; what follows is cut.
    pub document_length: usize,
    /// Tokens of a query, specials and marker included; what follows is cut.
    pub query_length: usize,
    /// The token put after the first token of a document; empty for none.
    pub document_marker: String,
    /// The token put after the first token of a query; empty for none.
    pub query_marker: String,
    /// Text put before a document and tokenised with it; empty for none.
    #[serde(default)]
    pub document_prompt: String,
    /// Text put before a query and tokenised with it; empty for none.
    #[serde(default)]
    pub query_prompt: String,
    /// The token that queries are padded with.
    pub mask_token: String,
    /// Words whose tokens get no vector in documents.
    pub skiplist: Vec<String>,
    /// Words whose tokens get no vector in queries.
    #[serde(default)]
    pub query_skiplist: Vec<String>,
    /// Whether queries are padded with mask tokens that get vectors too.
    pub query_expansion: bool,
    /// Tokens that a padded query has at least; 0 where queries are not padded.
    #[serde(default)]
    pub query_expansion_length: usize,
    /// Whether tokens attend to the mask tokens that pad a query.
    pub attend_to_expansion_tokens: bool,
    /// Whether texts are lower-cased before the tokenizer sees them.
    pub lower_case: bool,
    /// Every setting that shapes a vector, and where it comes from.
    #[serde(default)]
    pub settings: Vec<SettingInfo>,
    /// What a reader should know of the files: keys that colidx does not know, modules that are passed over.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Hex xxh3-128 over the weights, the tokenizer and the configuration files.
    pub fingerprint: String,
}
