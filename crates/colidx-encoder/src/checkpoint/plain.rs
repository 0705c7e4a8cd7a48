//! Encoders that were not made for late interaction: a transformers directory, or a sentence-transformers one without a
//! projection and without ColBERT's settings.
//!
//! Every token keeps the vector that the transformer gives it. There are no markers, no query expansion and no skiplist;
//! queries have 32 tokens at most, and documents as many as the encoder reads.

use std::path::Path;

use serde::Deserialize;

use super::{CONFIG, Description};
use crate::EncoderError;
use crate::files;
use crate::model::Transformer;
use crate::text::{Manner, TextSettings};

const SETTINGS: &str = "sentence_bert_config.json";
const QUERY_LENGTH: usize = 32;
/// Tokens of a document where the encoder could read more and does not say how many it was trained on.
const DOCUMENT_LENGTH: usize = 512;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Settings {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

/// What the files at `root` say, the transformer being in its folder `transformer`.
pub(super) fn describe(root: &Path, transformer: &str) -> Result<Description, EncoderError> {
    let folder = root.join(transformer);
    let settings: Settings = files::read_json_if_present(&folder.join(SETTINGS))?;
    let config = folder.join(CONFIG);
    let positions = Transformer::positions_of(&config)?;
    let length = settings.max_seq_length.unwrap_or(DOCUMENT_LENGTH);
    Ok(Description {
        layout: if root.join(super::pylate::MODULES).is_file() {
            "sentence-transformers"
        } else {
            "transformers"
        },
        settings: config,
        transformer: transformer.to_owned(),
        projection: Vec::new(),
        text: TextSettings {
            query_marker: String::new(),
            document_marker: String::new(),
            query_length: QUERY_LENGTH.min(positions),
            document_length: length.min(positions),
            query_expansion: false,
            attend_to_expansion_tokens: false,
            skiplist: Vec::new(),
            manner: Manner::PyLate,
            lower_case: settings.do_lower_case,
        },
        own_files: vec![super::pylate::MODULES],
    })
}
