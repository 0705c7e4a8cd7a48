//! What made the vectors of an index.

use serde::{Deserialize, Serialize};

/// What made the vectors of an index: enough to make matching query vectors.
///
/// Stored as JSON; fields a reader does not know are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name of the checkpoint, for people.
    pub name: String,
    /// Where the checkpoint was found at build time: a directory, or a hub id with its commit.
    pub location: String,
    /// Hash over weights, tokenizer and configuration, hexadecimal.
    pub fingerprint: String,
    /// Architecture, such as `bert`.
    pub architecture: String,
    /// Longest document in tokens.
    pub document_length: usize,
    /// Length of a query in tokens.
    pub query_length: usize,
    /// Token put before every document.
    pub document_marker: String,
    /// Token put before every query.
    pub query_marker: String,
    /// Text put before every document and tokenised with it; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_prompt: String,
    /// Text put before every query and tokenised with it; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prompt: String,
    /// Tokens whose vectors are not stored.
    pub skiplist: Vec<String>,
    /// Numbers that the checkpoint computed with, such as `f32` or `int8`; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub precision: String,
}
