//! The configuration of ModernBERT, with the keys of transformers 4 and 5.

use serde_json::{Map, Value};

use super::file::File;
use super::rope::Rope;
use crate::EncoderError;
use crate::ops::{Activation, Heads};

/// ModernBERT (Warner et al., arXiv 2412.13663).
pub(in crate::model) struct ModernBert {
    pub(in crate::model) vocabulary: usize,
    pub(in crate::model) hidden: usize,
    pub(in crate::model) heads: Heads,
    pub(in crate::model) inner: usize,
    pub(in crate::model) activation: Activation,
    pub(in crate::model) epsilon: f64,
    pub(in crate::model) norm_bias: bool,
    pub(in crate::model) attention_bias: bool,
    pub(in crate::model) mlp_bias: bool,
    /// Positions on either side that a token of a local layer attends to.
    pub(in crate::model) window: usize,
    pub(in crate::model) global: Rope,
    pub(in crate::model) local: Rope,
    /// Whether each layer's attention is local.
    pub(in crate::model) layers: Vec<bool>,
    /// Longest sequence in tokens that it was configured for.
    pub(in crate::model) positions: usize,
}

pub(super) fn read(file: &mut File) -> Result<ModernBert, EncoderError> {
    let (hidden, heads) = file.hidden_and_heads("hidden_size", "num_attention_heads")?;
    let layers = layers(file)?;
    let window = file.optional("local_attention")?.unwrap_or(128) / 2;
    // Some versions write half of `local_attention` as well.
    file.only("sliding_window", window)?;
    file.only("causal_mask", false)?;
    // Positions are always rotary, and the norms' epsilon is `norm_eps`.
    file.ignore(&["position_embedding_type", "layer_norm_eps"]);
    let positions = file.optional("max_position_embeddings")?.unwrap_or(8192);
    let (global, local) = ropes(file, heads.width)?;
    Ok(ModernBert {
        vocabulary: file.size("vocab_size")?,
        hidden,
        heads,
        inner: file.size("intermediate_size")?,
        activation: file.activation("hidden_activation", "gelu")?,
        epsilon: file.optional("norm_eps")?.unwrap_or(1e-5),
        norm_bias: file.optional("norm_bias")?.unwrap_or(false),
        attention_bias: file.optional("attention_bias")?.unwrap_or(false),
        mlp_bias: file.optional("mlp_bias")?.unwrap_or(false),
        window,
        global,
        local,
        layers,
        positions: file.at_least_one("max_position_embeddings", positions)?,
    })
}

/// Whether each layer is local.
fn layers(file: &mut File) -> Result<Vec<bool>, EncoderError> {
    let count = file.layers("num_hidden_layers")?;
    let every: usize = file.optional("global_attn_every_n_layers")?.unwrap_or(3);
    let Some(types) = file.layer_types(count)? else {
        file.at_least_one("global_attn_every_n_layers", every)?;
        return Ok((0..count)
            .map(|layer| !layer.is_multiple_of(every))
            .collect());
    };
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

/// The frequencies of global and of local layers.
fn ropes(file: &mut File, width: usize) -> Result<(Rope, Rope), EncoderError> {
    if file.is_null("global_rope_theta") {
        return Err(file.problem("global_rope_theta is null and should be a number".to_owned()));
    }
    let global: f64 = file.optional("global_rope_theta")?.unwrap_or(160_000.0);
    // Null means the global base.
    let local = match file.is_null("local_rope_theta") {
        true => global,
        false => file.optional("local_rope_theta")?.unwrap_or(10_000.0),
    };
    // transformers has changed the structure of this key several times; no checkpoint is known to
    // use it.
    if let Some(scaling) = file.optional::<Map<String, Value>>("rope_scaling")? {
        Rope::of(file, "rope_scaling", scaling.clone(), width, Some(global)).and_then(|rope| {
            match rope.scaling_factor {
                1.0 if !scaling.contains_key("rope_theta") => Ok(()),
                _ => Err(file.unsupported("rope_scaling in modernbert".to_owned(), "none")),
            }
        })?;
    }
    let parameters = file.optional::<Map<String, Value>>("rope_parameters")?;
    let mut parameters = parameters.unwrap_or_default();
    let mut rope = |name: &str, theta| {
        let own = match parameters.remove(name) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(own)) => own,
            Some(_) => {
                return Err(file.problem(format!("rope_parameters.{name} should be an object")));
            }
        };
        Rope::of(
            file,
            &format!("rope_parameters.{name}"),
            own,
            width,
            Some(theta),
        )
    };
    let ropes = (
        rope("full_attention", global)?,
        rope("sliding_attention", local)?,
    );
    match parameters.keys().next() {
        None => Ok(ropes),
        Some(key) => Err(file.unsupported(
            format!("rope_parameters.{key} in modernbert"),
            "full_attention, sliding_attention",
        )),
    }
}
