//! What made the vectors of an index.

use serde::{Deserialize, Serialize};

use crate::setters::setters;

/// The most tokens of a document or a query.
const MAX_TOKENS: usize = 1 << 16;

/// Most bytes of a text.
const MAX_TEXT: usize = 4096;

/// Most bytes of all as JSON.
const MAX_BYTES: usize = 1 << 20;

/// What made the vectors of an index: enough to make matching query vectors.
///
/// Stored as JSON of at most a MiB; fields a reader does not know are ignored. No text has more
/// than 4,096 bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Name of the checkpoint, for people.
    pub name: String,
    /// Where the checkpoint was found at build time: a directory, or a hub id with its commit.
    pub location: String,
    /// Hash over weights, tokenizer and configuration, hexadecimal.
    pub fingerprint: String,
    /// Architecture, such as `bert`.
    pub architecture: String,
    /// Longest document in tokens, 1 to 65,536.
    pub document_length: usize,
    /// Length of a query in tokens, 1 to 65,536.
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
    /// Numbers that the checkpoint computed with, such as `f32` or `int8`; empty where that is not
    /// known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub precision: String,
}

/// The field of a description that is out of range.
#[derive(Debug)]
pub(crate) struct Fault {
    pub field: &'static str,
    pub expected: &'static str,
    pub got: String,
}

impl Fault {
    fn new(field: &'static str, expected: &'static str, got: impl ToString) -> Self {
        Self {
            field,
            expected,
            got: got.to_string(),
        }
    }
}

/// The description in a manifest.
pub(crate) fn parse(json: &[u8]) -> Result<ModelInfo, Fault> {
    check_size(json.len())?;
    // Without this a list of the fields' values would do.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Fault::new("JSON", "an object", "something else"));
    }
    let model = serde_json::from_slice(json)
        .map_err(|e| Fault::new("JSON", "a description of a model", e))?;
    check_fields(&model)?;
    Ok(model)
}

impl ModelInfo {
    /// A description with the lengths that every index records, in tokens; the rest is empty.
    pub fn new(name: impl Into<String>, document_length: usize, query_length: usize) -> ModelInfo {
        ModelInfo {
            name: name.into(),
            location: String::new(),
            fingerprint: String::new(),
            architecture: String::new(),
            document_length,
            query_length,
            document_marker: String::new(),
            query_marker: String::new(),
            document_prompt: String::new(),
            query_prompt: String::new(),
            skiplist: Vec::new(),
            precision: String::new(),
        }
    }

    /// Refuses what no manifest may hold.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        check_fields(self)?;
        // A struct of strings and numbers always has a JSON form.
        check_size(serde_json::to_vec(self).map_or(0, |json| json.len()))
    }
}

setters!(ModelInfo {
    location: impl Into<String>,
    fingerprint: impl Into<String>,
    architecture: impl Into<String>,
    document_marker: impl Into<String>,
    query_marker: impl Into<String>,
    document_prompt: impl Into<String>,
    query_prompt: impl Into<String>,
    skiplist: Vec<String>,
    precision: impl Into<String>,
});

fn check_size(bytes: usize) -> Result<(), Fault> {
    match bytes {
        0..=MAX_BYTES => Ok(()),
        _ => Err(Fault::new(
            "bytes of the model's description",
            "at most 1,048,576",
            bytes,
        )),
    }
}

fn check_fields(model: &ModelInfo) -> Result<(), Fault> {
    for (field, tokens) in [
        ("document_length", model.document_length),
        ("query_length", model.query_length),
    ] {
        if !(1..=MAX_TOKENS).contains(&tokens) {
            return Err(Fault::new(field, "1 to 65,536", tokens));
        }
    }
    let named = [
        ("bytes of name", &model.name),
        ("bytes of location", &model.location),
        ("bytes of fingerprint", &model.fingerprint),
        ("bytes of architecture", &model.architecture),
        ("bytes of document_marker", &model.document_marker),
        ("bytes of query_marker", &model.query_marker),
        ("bytes of document_prompt", &model.document_prompt),
        ("bytes of query_prompt", &model.query_prompt),
        ("bytes of precision", &model.precision),
    ];
    let skipped = model.skiplist.iter();
    let skipped = skipped.map(|word| ("bytes of a word of skiplist", word));
    let long = named
        .into_iter()
        .chain(skipped)
        .find(|(_, text)| text.len() > MAX_TEXT);
    match long {
        None => Ok(()),
        Some((field, text)) => Err(Fault::new(field, "at most 4,096", text.len())),
    }
}
