//! A `config.json` with every key accounted for.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::EncoderError;
use crate::layout::CONFIG;
use crate::ops::{ACTIVATIONS, Activation, Heads, parse_activation};
use crate::settings::SettingsFile;

/// Several times the layers of the largest models.
const MAX_LAYERS: usize = 1024;

/// Keys that affect no vector, in any architecture.
const WITHOUT_EFFECT: &[&str] = &[
    // Type and origin of the file.
    "architectures",
    "auto_map",
    "dtype",
    "export_model_type",
    "finetuning_task",
    "language",
    "model_type",
    "model_name",
    "name_or_path",
    "sentence_transformers",
    "task_specific_params",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
    // Training.
    "decoder_bias",
    "gradient_checkpointing",
    "gradient_checkpointing_use_reentrant",
    "initializer_cutoff_factor",
    "initializer_factor",
    "initializer_range",
    "initializer_std",
    "layer_norm_init",
    "load_trained_adapters",
    "lora_alpha",
    "lora_main_params_trainable",
    "lora_rank",
    "matryoshka_dimensions",
    "pad_logits",
    "pretraining_tp",
    "problem_type",
    "sparse_pred_ignore_index",
    "sparse_prediction",
    "tie_embedding",
    "tie_weights_",
    "tie_word_embeddings",
    "use_reentrant",
    // Heads that are not used: classifiers, poolers, language models.
    "id2label",
    "label2id",
    "num_labels",
    "task_instructions",
    // Implementation and speed.
    "attn_implementation",
    "chunk_size_feed_forward",
    "deterministic_flash_attn",
    "fused_bias_fc",
    "fused_dropout_add_ln",
    "logn_attention_clip1",
    "reference_compile",
    "repad_logits_with_grad",
    "torchscript",
    "unpad_inputs",
    "tf_legacy_loss",
    "use_bfloat16",
    "use_cache",
    "use_flash_attn",
    "use_memory_efficient_attention",
    "xla_device",
    // Return values.
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "return_dict",
    "use_return_dict",
    // Text generation.
    "bad_words_ids",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "length_penalty",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_scores",
    "prefix",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict_in_generate",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
];

/// Whether a key belongs to [`WITHOUT_EFFECT`] or to a family of such keys.
fn is_without_effect(key: &str) -> bool {
    WITHOUT_EFFECT.contains(&key)
        // Written by the run that saved the file.
        || key.starts_with('_')
        // Only used in training.
        || key.contains("dropout")
        || key.starts_with("classifier_")
        || key.starts_with("pooler_")
        || key.starts_with("summary_")
        // Special tokens are read from the tokenizer's own files.
        || key.ends_with("_token")
        || key.ends_with("_token_id")
        || key.ends_with("_token_ids")
}

/// Whether two values are equal; 1 equals 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// A `config.json`. Readers take the keys that they understand, and [`finish`](Self::finish)
/// refuses the file if any other key may have an effect. Null counts as absent.
pub(super) struct File {
    settings: SettingsFile,
    architecture: String,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<File, EncoderError> {
        let mut settings = SettingsFile::read(path, CONFIG)?;
        let model_type = settings.take("model_type")?;
        Ok(File {
            settings,
            architecture: model_type.map_or_else(String::new, |setting| setting.value),
        })
    }

    /// `model_type`.
    pub(super) fn architecture(&self) -> &str {
        &self.architecture
    }

    pub(super) fn path(&self) -> &Path {
        self.settings.path()
    }

    /// The value of `key`, if present.
    pub(super) fn optional<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, EncoderError> {
        let setting = self.settings.take(key)?;
        Ok(setting.map(|setting| setting.value))
    }

    /// The value of `key`, which must be present.
    pub(super) fn required<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, EncoderError> {
        self.optional(key)?
            .ok_or_else(|| self.problem(format!("`{key}` is missing")))
    }

    /// The number `key`, which must be present and not 0.
    pub(super) fn size(&mut self, key: &str) -> Result<usize, EncoderError> {
        let size = self.required(key)?;
        self.at_least_one(key, size)
    }

    pub(super) fn at_least_one(&self, key: &str, size: usize) -> Result<usize, EncoderError> {
        match size {
            0 => Err(self.problem(format!("{key} is 0 and should be at least 1"))),
            size => Ok(size),
        }
    }

    /// Takes `key`, and refuses any value but `expected`, the one that is implemented.
    pub(super) fn only(
        &mut self,
        key: &str,
        expected: impl Into<Value>,
    ) -> Result<(), EncoderError> {
        let expected = expected.into();
        match self.optional::<Value>(key)? {
            Some(value) if !is_same(&value, &expected) => Err(self.refused(key, &value, &expected)),
            _ => Ok(()),
        }
    }

    /// Takes keys that this architecture writes but does not compute with.
    pub(super) fn ignore(&mut self, keys: &[&str]) {
        self.settings.ignore(keys);
    }

    /// Whether `key` is present as null and was not taken.
    pub(super) fn is_null(&self, key: &str) -> bool {
        self.settings.is_null(key)
    }

    /// Refuses the file if a key is left that may have an effect.
    pub(super) fn finish(mut self) -> Result<(), EncoderError> {
        let unlike_encoders = [
            "is_decoder",
            "is_causal",
            "add_cross_attention",
            "is_encoder_decoder",
        ];
        for key in unlike_encoders {
            self.only(key, false)?;
        }
        self.only("pruned_heads", Map::new())?;
        let mut left = self.settings.keys();
        match left.find(|key| self.settings.has(key) && !is_without_effect(key)) {
            None => Ok(()),
            Some(key) => Err(EncoderError::UnknownSetting {
                path: self.path().to_owned(),
                key,
                architecture: self.architecture,
            }),
        }
    }

    pub(super) fn problem(&self, problem: String) -> EncoderError {
        self.settings.problem(problem)
    }

    pub(super) fn unsupported(&self, feature: String, known: &'static str) -> EncoderError {
        self.settings.unsupported(feature, known)
    }

    fn refused(&self, key: &str, found: &Value, expected: &Value) -> EncoderError {
        self.problem(format!(
            "{key} is {found}; in {} colidx can compute with {expected} alone",
            self.architecture
        ))
    }

    /// The number of layers `key`. It is bounded, because layers are allocated before tensors are
    /// missed.
    pub(super) fn layers(&mut self, key: &str) -> Result<usize, EncoderError> {
        let count = self.required(key)?;
        if count <= MAX_LAYERS {
            return Ok(count);
        }
        Err(self.problem(format!(
            "{key} is {count} and should be at most {MAX_LAYERS}"
        )))
    }

    /// `size`, the value of `key`, divided into `count` equal parts.
    pub(super) fn divide(
        &self,
        (key, size): (&str, usize),
        (parts, count): (&str, usize),
    ) -> Result<usize, EncoderError> {
        if !size.is_multiple_of(count) {
            return Err(self.problem(format!(
                "{key} {size} should be a multiple of {parts} {count}"
            )));
        }
        Ok(size / count)
    }

    /// The model's width and its heads, which share it equally, from the keys of both.
    pub(super) fn hidden_and_heads(
        &mut self,
        hidden_key: &str,
        heads_key: &str,
    ) -> Result<(usize, Heads), EncoderError> {
        let hidden = self.size(hidden_key)?;
        let heads = self.size(heads_key)?;
        let width = self.divide((hidden_key, hidden), (heads_key, heads))?;
        Ok((hidden, Heads::equal(heads, width)))
    }

    /// The activation that `key` names, or the one called `default`.
    pub(super) fn activation(
        &mut self,
        key: &str,
        default: &str,
    ) -> Result<Activation, EncoderError> {
        let name: Option<String> = self.optional(key)?;
        let name = name.as_deref().unwrap_or(default);
        parse_activation(name)
            .ok_or_else(|| self.unsupported(format!("{key} `{name}`"), ACTIVATIONS))
    }

    /// The type of each of `layers` layers, if the file lists them.
    pub(super) fn layer_types(
        &mut self,
        layers: usize,
    ) -> Result<Option<Vec<String>>, EncoderError> {
        let types: Option<Vec<String>> = self.optional("layer_types")?;
        match types {
            Some(types) if types.len() != layers => Err(self.problem(format!(
                "layer_types has {} entries and num_hidden_layers is {layers}",
                types.len()
            ))),
            types => Ok(types),
        }
    }
}
