//! What `config.json` says beside the shape of the transformer, which `model` reads.

use std::path::Path;

use super::CONFIG;
use crate::EncoderError;
use crate::files;
use crate::settings::{Setting, SettingsFile, Unknown};

/// The file of an adapter, whose weights would be added to those of the transformer.
const ADAPTER: &str = "adapter_config.json";

/// The architectures whose keys are listed below, so that an unknown one is told.
const LISTED: [&str; 6] = [
    "bert",
    "camembert",
    "distilbert",
    "modernbert",
    "roberta",
    "xlm-roberta",
];

/// Keys that `model` reads.
const SHAPE: [&str; 31] = [
    "activation",
    "attention_bias",
    "dim",
    "global_attn_every_n_layers",
    "global_rope_theta",
    "hidden_act",
    "hidden_activation",
    "hidden_dim",
    "hidden_size",
    "intermediate_size",
    "layer_norm_eps",
    "layer_types",
    "local_attention",
    "local_rope_theta",
    "max_position_embeddings",
    "mlp_bias",
    "n_heads",
    "n_layers",
    "norm_bias",
    "norm_eps",
    "num_attention_heads",
    "num_hidden_layers",
    "pad_token_id",
    "position_embedding_type",
    "rope_parameters",
    "rotary_emb_base",
    "sinusoidal_pos_embds",
    "sliding_window",
    "tie_weights_",
    "type_vocab_size",
    "vocab_size",
];

/// Keys of training, of heads that are not used, and of how tensors are stored or computed.
const PASSED_OVER: [&str; 61] = [
    "_attn_implementation",
    "_name_or_path",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "attn_implementation",
    "auto_map",
    "bos_token_id",
    "chunk_size_feed_forward",
    "classifier_activation",
    "classifier_bias",
    "classifier_dropout",
    "classifier_pooling",
    "cls_token_id",
    "decoder_bias",
    "deterministic_flash_attn",
    "directionality",
    "dropout",
    "dtype",
    "embedding_dropout",
    "eos_token_id",
    "export_model_type",
    "finetuning_task",
    "gradient_checkpointing",
    "gradient_checkpointing_use_reentrant",
    "hidden_dropout_prob",
    "id2label",
    "initializer_cutoff_factor",
    "initializer_range",
    "is_encoder_decoder",
    "label2id",
    "mask_token_id",
    "mlp_dropout",
    "num_labels",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "pooler_fc_size",
    "pooler_num_attention_heads",
    "pooler_num_fc_layers",
    "pooler_size_per_head",
    "pooler_type",
    "problem_type",
    "qa_dropout",
    "reference_compile",
    "repad_logits_with_grad",
    "return_dict",
    "sep_token_id",
    "seq_classif_dropout",
    "sparse_pred_ignore_index",
    "sparse_prediction",
    "summary_activation",
    "tie_word_embeddings",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "unk_token_id",
    "use_bfloat16",
    "use_cache",
    "use_flash_attn",
    "emb_pooler",
    "mask_token",
];

/// The part of `config.json` that is read here.
pub(super) struct ModelConfig {
    architectures: Vec<String>,
    pub(super) tokenizer_class: Option<Setting<String>>,
}

impl ModelConfig {
    /// Reads the file in the folder `transformer` of `root`, and refuses what no transformer here computes.
    pub(super) fn read(
        root: &Path,
        transformer: &str,
        notes: &mut Vec<String>,
    ) -> Result<ModelConfig, EncoderError> {
        let name = files::inside(transformer, CONFIG);
        let path = root.join(&name);
        if !path.is_file() {
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(files::io(&path, missing));
        }
        let adapter = root.join(files::inside(transformer, ADAPTER));
        if adapter.is_file() {
            return Err(EncoderError::Unsupported {
                path: adapter,
                feature: "an adapter beside the weights".to_owned(),
                known: "weights that it was merged into",
            });
        }
        let mut config = SettingsFile::open(root, &name)?;
        let architectures = config.take("architectures")?;
        let tokenizer_class = config.take("tokenizer_class")?;
        let model_type: Option<Setting<String>> = config.take("model_type")?;
        config.refuse_unless("is_decoder", |_| false, "attention to both sides")?;
        config.refuse_unless("add_cross_attention", |_| false, "none")?;
        config.refuse_unless("pruned_heads", |_| false, "all heads")?;
        config.refuse_unless(
            "quantization_config",
            |_| false,
            "weights in F32, F16 or BF16",
        )?;
        let scaling = |value: &serde_json::Value| {
            let kind = value.get("rope_type").or_else(|| value.get("type"));
            kind.is_some_and(|kind| kind == "default")
        };
        config.refuse_unless("rope_scaling", scaling, "null, or rope_type default")?;
        let listed = |model_type: &Setting<String>| LISTED.contains(&model_type.value.as_str());
        if model_type.as_ref().is_some_and(listed) {
            config.pass_over(&SHAPE);
            config.pass_over(&PASSED_OVER);
            config.finish(Unknown::Tell, notes)?;
        }
        Ok(ModelConfig {
            architectures: architectures.map_or_else(Vec::new, |setting| setting.value),
            tokenizer_class,
        })
    }

    /// Whether the weights are those of ColBERT's own class, with its projection.
    pub(super) fn is_colbert(&self) -> bool {
        self.architectures.iter().any(|name| name == "HF_ColBERT")
    }
}
