//! The configuration of LFM2.

use std::collections::HashSet;

use super::decoder::{Decoder, Family, Mixer, Names};
use super::file::File;
use crate::EncoderError;
use crate::ops::Window;

const LFM2: Family = Family {
    names: &Names {
        final_norm: "embedding_norm",
        mixer_norm: "operator_norm",
        attention_output: "self_attn.out_proj",
        head_norms: Some(["self_attn.q_layernorm", "self_attn.k_layernorm"]),
        feed_forward_norm: "ffn_norm",
        feed_forward: ["feed_forward.w1", "feed_forward.w3", "feed_forward.w2"],
    },
    epsilon: ("norm_eps", 1e-5),
    head_width: None,
    rope_base: Some(1e6),
};

/// Reads the file of an LFM2 (Liquid AI, arXiv 2511.23404). Attention is causal unless the file
/// says otherwise; convolutions always are.
pub(super) fn read(file: &mut File) -> Result<Decoder, EncoderError> {
    let window = match file.optional("is_causal")?.unwrap_or(true) {
        true => Window::causal(None),
        false => Window::ALL,
    };
    for key in ["block_use_swiglu", "use_pos_enc"] {
        file.only(key, true)?;
    }
    // Keys of the first release that transformers does not compute with.
    file.ignore(&[
        "block_dim",
        "block_mlp_init_scale",
        "block_norm_eps",
        "block_out_init_scale",
        "block_use_xavier_init",
        "conv_dim",
        "conv_dim_out",
        "conv_use_xavier_init",
        "num_heads",
        "theta",
    ]);
    let inner = inner(file)?;
    let layers = layers(file, window)?;
    Ok(Decoder {
        convolution_bias: file.optional("conv_bias")?.unwrap_or(false),
        ..LFM2.read(file, inner, layers)?
    })
}

/// Width of the feed-forward network: as given, or two thirds of that, rounded up.
fn inner(file: &mut File) -> Result<usize, EncoderError> {
    let said: Option<usize> = file.optional("intermediate_size")?;
    let said = match file.optional("block_ff_dim")?.or(said) {
        Some(said) => file.at_least_one("intermediate_size", said)?,
        None => return Err(file.problem("`intermediate_size` is missing".to_owned())),
    };
    let multiplier: Option<f64> = file.optional("block_ffn_dim_multiplier")?;
    let multiple = file.optional("block_multiple_of")?.unwrap_or(256);
    let multiple = file.at_least_one("block_multiple_of", multiple)?;
    if !file.optional("block_auto_adjust_ff_dim")?.unwrap_or(true) {
        return Ok(said);
    }
    let adjusted = said.saturating_mul(2) / 3;
    let adjusted = (multiplier.unwrap_or(1.0) * adjusted as f64) as usize;
    let inner = adjusted.checked_next_multiple_of(multiple).unwrap_or(0);
    file.at_least_one("the adjusted intermediate_size", inner)
}

fn layers(file: &mut File, window: Window) -> Result<Vec<Mixer>, EncoderError> {
    let count = file.layers("num_hidden_layers")?;
    let taps = file.optional("conv_L_cache")?.unwrap_or(3);
    let taps = file.at_least_one("conv_L_cache", taps)?;
    let attending: Option<HashSet<usize>> = file.optional("full_attn_idxs")?;
    let types = file.layer_types(count)?;
    (0..count)
        .map(|layer| {
            let kind = match (&types, &attending) {
                (Some(types), _) => types[layer].as_str(),
                (None, Some(attending)) if !attending.contains(&layer) => "conv",
                (None, _) => "full_attention",
            };
            match kind {
                "conv" => Ok(Mixer::Convolution(taps)),
                "full_attention" => Ok(Mixer::Attention(window)),
                _ => Err(file.unsupported(format!("layer type `{kind}`"), "full_attention, conv")),
            }
        })
        .collect()
}
