//! The layout of ColBERT's own code: `artifact.metadata` with the settings, and `linear.weight` beside the transformer's
//! tensors (`HF_ColBERT`).

use std::path::Path;

use serde::Deserialize;

use super::{Description, Projector, punctuation};
use crate::EncoderError;
use crate::files;
use crate::text::{Manner, TextSettings};

/// The file that tells the layout.
pub(super) const METADATA: &str = "artifact.metadata";

/// `artifact.metadata`; what is absent has ColBERT's default.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default = "query_token")]
    query_token_id: String,
    #[serde(default = "document_token")]
    doc_token_id: String,
    #[serde(default = "query_length")]
    query_maxlen: usize,
    #[serde(default = "document_length")]
    doc_maxlen: usize,
    #[serde(default = "yes")]
    mask_punctuation: bool,
    #[serde(default)]
    attend_to_mask_tokens: bool,
    #[serde(default = "dim")]
    dim: usize,
    #[serde(default = "cosine")]
    similarity: String,
}

fn query_token() -> String {
    "[unused0]".to_owned()
}

fn document_token() -> String {
    "[unused1]".to_owned()
}

fn query_length() -> usize {
    32
}

fn document_length() -> usize {
    220
}

fn yes() -> bool {
    true
}

fn dim() -> usize {
    128
}

fn cosine() -> String {
    "cosine".to_owned()
}

/// What the files at `root` say.
pub(super) fn describe(root: &Path) -> Result<Description, EncoderError> {
    let path = root.join(METADATA);
    let metadata: Metadata = files::read_json(&path)?;
    if metadata.similarity != "cosine" {
        return Err(EncoderError::Unsupported {
            path,
            feature: format!("similarity `{}`", metadata.similarity),
            known: "cosine",
        });
    }
    if metadata.dim == 0 {
        return Err(EncoderError::Config {
            path,
            problem: "dim is 0 and should be at least 1".to_owned(),
        });
    }
    Ok(Description {
        layout: "Stanford",
        settings: path,
        transformer: String::new(),
        projection: vec![Projector::Linear(metadata.dim)],
        text: TextSettings {
            query_marker: metadata.query_token_id,
            document_marker: metadata.doc_token_id,
            query_length: metadata.query_maxlen,
            document_length: metadata.doc_maxlen,
            query_expansion: true,
            attend_to_expansion_tokens: metadata.attend_to_mask_tokens,
            skiplist: if metadata.mask_punctuation {
                punctuation()
            } else {
                Vec::new()
            },
            manner: Manner::ColBert,
            lower_case: false,
        },
        own_files: vec![METADATA],
    })
}
