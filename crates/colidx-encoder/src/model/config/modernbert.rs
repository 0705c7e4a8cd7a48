//! The configuration of ModernBERT, with the keys of transformers 4 and 5.

use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::{File, gelu};
use crate::EncoderError;
use crate::files::read_json;
use crate::ops::Activation;

/// ModernBERT (Warner et al., arXiv 2412.13663).
pub(in crate::model) struct ModernBert {
    pub(in crate::model) vocabulary: usize,
    pub(in crate::model) hidden: usize,
    pub(in crate::model) heads: usize,
    pub(in crate::model) inner: usize,
    pub(in crate::model) activation: Activation,
    pub(in crate::model) epsilon: f64,
    pub(in crate::model) norm_bias: bool,
    pub(in crate::model) attention_bias: bool,
    pub(in crate::model) mlp_bias: bool,
    /// Places before and behind its own that a token of a local layer attends to.
    pub(in crate::model) window: usize,
    pub(in crate::model) global_base: f64,
    pub(in crate::model) local_base: f64,
    /// For each layer whether its attention is local.
    pub(in crate::model) layers: Vec<bool>,
    /// Tokens of the longest sequence that it was configured for.
    pub(in crate::model) positions: usize,
}

#[derive(Deserialize)]
struct ModernBertFile {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    #[serde(default = "gelu")]
    hidden_activation: String,
    #[serde(default = "long")]
    max_position_embeddings: usize,
    #[serde(default = "small")]
    norm_eps: f64,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default = "wide")]
    local_attention: usize,
    global_attn_every_n_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    global_rope_theta: Option<Option<f64>>,
    /// Absent it is the default, null the base of the global layers.
    #[serde(default, deserialize_with = "present")]
    local_rope_theta: Option<Option<f64>>,
    rope_parameters: Option<RopeParameters>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What transformers 5 writes in place of `global_rope_theta` and `local_rope_theta`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RopeParameters {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rope {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
}

fn long() -> usize {
    8192
}

fn small() -> f64 {
    1e-5
}

fn wide() -> usize {
    128
}

impl ModernBert {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<ModernBert, EncoderError> {
        let file = File(path);
        let read: ModernBertFile = read_json(path)?;
        file.at_least_one(&[
            ("vocab_size", read.vocab_size),
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
            ("intermediate_size", read.intermediate_size),
            ("max_position_embeddings", read.max_position_embeddings),
        ])?;
        let width = file.width(
            ("hidden_size", read.hidden_size),
            ("num_attention_heads", read.num_attention_heads),
        )?;
        file.layers("num_hidden_layers", read.num_hidden_layers)?;
        let layers = match read.layer_types {
            Some(types) => local_layers(&file, &types, read.num_hidden_layers)?,
            None => {
                let every = read.global_attn_every_n_layers.unwrap_or(3);
                file.at_least_one(&[("global_attn_every_n_layers", every)])?;
                (0..read.num_hidden_layers)
                    .map(|layer| !layer.is_multiple_of(every))
                    .collect()
            }
        };
        let base = |rope: Option<Rope>, old: Option<f64>, default: f64| {
            let kind = rope.as_ref().and_then(|rope| rope.rope_type.as_deref());
            if let Some(kind) = kind.filter(|&kind| kind != "default") {
                return Err(file.unsupported(format!("rope_type `{kind}`"), "default"));
            }
            let base = rope.and_then(|rope| rope.rope_theta).or(old);
            file.rotary("rope_theta", base.unwrap_or(default), width)
        };
        let ropes = read.rope_parameters.unwrap_or_default();
        if read.global_rope_theta == Some(None) {
            return Err(file.problem("global_rope_theta is null and should be a number".to_owned()));
        }
        let global = read.global_rope_theta.flatten();
        let global_base = base(ropes.full_attention, global, 160_000.0)?;
        let (local, local_default) = match read.local_rope_theta {
            Some(None) => (None, global_base),
            local => (local.flatten(), 10_000.0),
        };
        Ok(ModernBert {
            vocabulary: read.vocab_size,
            hidden: read.hidden_size,
            heads: read.num_attention_heads,
            inner: read.intermediate_size,
            activation: file.activation("hidden_activation", &read.hidden_activation)?,
            epsilon: read.norm_eps,
            norm_bias: read.norm_bias,
            attention_bias: read.attention_bias,
            mlp_bias: read.mlp_bias,
            window: read.local_attention / 2,
            global_base,
            local_base: base(ropes.sliding_attention, local, local_default)?,
            layers,
            positions: read.max_position_embeddings,
        })
    }
}

fn local_layers(
    file: &File<'_>,
    types: &[String],
    layers: usize,
) -> Result<Vec<bool>, EncoderError> {
    if types.len() != layers {
        return Err(file.problem(format!(
            "layer_types has {} entries and num_hidden_layers is {layers}",
            types.len()
        )));
    }
    types
        .iter()
        .map(|kind| match kind.as_str() {
            "sliding_attention" => Ok(true),
            "full_attention" => Ok(false),
            _ => Err(file.unsupported(
                format!("layer type `{kind}`"),
                "full_attention, sliding_attention",
            )),
        })
        .collect()
}
