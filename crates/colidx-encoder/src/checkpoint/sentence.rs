//! `sentence_bert_config.json`: the settings of the Transformer module.

use std::path::Path;

use serde_json::{Map, Value};

use crate::EncoderError;
use crate::files;
use crate::layout::SENTENCE;
use crate::settings::{Setting, SettingsFile, UnknownKeys};

/// Settings of the Transformer module.
pub(super) struct SentenceConfig {
    name: &'static str,
    /// Whether texts are lower-cased.
    pub(super) lower_case: Setting<bool>,
    /// Maximum tokens of a text.
    pub(super) max_length: Option<Setting<usize>>,
    /// The settings that only MultiVectorEncoder writes.
    pub(super) lengths: SettingsFile,
}

impl SentenceConfig {
    /// Reads the file in the folder `transformer` of `root`.
    pub(super) fn read(
        root: &Path,
        transformer: &str,
        notes: &mut Vec<String>,
    ) -> Result<SentenceConfig, EncoderError> {
        let mut name = SENTENCE[0];
        let mut file = SettingsFile::open(root, &files::inside(transformer, name))?;
        for other in &SENTENCE[1..] {
            if file.is_empty() {
                name = other;
                file = SettingsFile::open(root, &files::inside(transformer, name))?;
            }
        }
        if file.is_empty() {
            name = SENTENCE[0];
        }
        let mut lengths = Map::new();
        for key in ["query_length", "document_length", "query_expansion"] {
            if let Some(value) = file.take::<Value>(key)? {
                lengths.insert(key.to_owned(), value.value);
            }
        }
        let is = |expected: &'static str| move |value: &Value| value == expected;
        file.refuse_unless(
            "transformer_task",
            is("feature-extraction"),
            "feature-extraction",
        )?;
        file.refuse_unless(
            "module_output_name",
            is("token_embeddings"),
            "token_embeddings",
        )?;
        let last = |value: &Value| {
            let text = |key| value.get("text").and_then(|text| text.get(key));
            value.get("message").is_none()
                && text("method").is_some_and(|method| method == "forward")
                && text("method_output_name").is_some_and(|name| name == "last_hidden_state")
        };
        file.refuse_unless(
            "modality_config",
            last,
            "text by `forward`, its `last_hidden_state`",
        )?;
        // How weights are loaded and attention is computed changes rounding at most.
        let loading = |value: &Value| {
            let keys = [
                "attn_implementation",
                "dtype",
                "torch_dtype",
                "trust_remote_code",
            ];
            let arguments = value.as_object();
            arguments.is_some_and(|all| all.keys().all(|key| keys.contains(&key.as_str())))
        };
        for key in ["model_args", "model_kwargs"] {
            file.refuse_unless(key, loading, "attn_implementation, dtype")?;
        }
        for key in [
            "tokenizer_args",
            "processor_kwargs",
            "config_args",
            "config_kwargs",
            "processing_kwargs",
        ] {
            let trust = |value: &Value| {
                let arguments = value.as_object();
                arguments.is_some_and(|all| all.keys().all(|key| key == "trust_remote_code"))
            };
            file.refuse_unless(key, trust, "none")?;
        }
        file.refuse_unless(
            "tokenizer_name_or_path",
            |_| false,
            "a tokenizer in the same folder",
        )?;
        file.ignore(&["unpad_inputs", "backend"]);
        let config = SentenceConfig {
            name,
            lower_case: file.take_or("do_lower_case", false, "sentence-transformers")?,
            max_length: file.take("max_seq_length")?,
            lengths: file.with_settings(lengths),
        };
        file.finish(UnknownKeys::Refuse, notes)?;
        Ok(config)
    }

    /// The name of the file that was read.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Refuses lengths, which only the layout of MultiVectorEncoder reads.
    pub(super) fn without_lengths(&self) -> Result<(), EncoderError> {
        match self.lengths.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.lengths.unsupported(
                format!("{key} outside of the layout of MultiVectorEncoder"),
                "a MultiVectorMask in modules.json, or lengths in \
                 config_sentence_transformers.json",
            )),
        }
    }
}
