//! The configurations of Llama's descendants EuroBERT and Qwen3.

use super::decoder::{Decoder, Family, Mixer, Names};
use super::file::File;
use crate::EncoderError;
use crate::ops::Window;

const NAMES: Names = Names {
    final_norm: "norm",
    mixer_norm: "input_layernorm",
    attention_output: "self_attn.o_proj",
    head_norms: None,
    feed_forward_norm: "post_attention_layernorm",
    feed_forward: ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
};

const EUROBERT: Family = Family {
    names: &NAMES,
    epsilon: ("rms_norm_eps", 1e-5),
    head_width: None,
    rope_base: None,
};

const QWEN3: Family = Family {
    names: &Names {
        head_norms: Some(["self_attn.q_norm", "self_attn.k_norm"]),
        ..NAMES
    },
    epsilon: ("rms_norm_eps", 1e-6),
    head_width: Some(128),
    rope_base: None,
};

/// Reads the file of a EuroBERT (Boizard et al., arXiv 2503.05500): a Llama with bidirectional
/// attention.
pub(super) fn read_eurobert(file: &mut File) -> Result<Decoder, EncoderError> {
    let layers = file.layers("num_hidden_layers")?;
    let layers = vec![Mixer::Attention(Window::ALL); layers];
    Ok(Decoder {
        mlp_bias: file.optional("mlp_bias")?.unwrap_or(false),
        ..read(&EUROBERT, file, layers)?
    })
}

/// Reads the file of a Qwen3 (Yang et al., arXiv 2505.09388).
pub(super) fn read_qwen3(file: &mut File) -> Result<Decoder, EncoderError> {
    let causal = is_causal(file)?;
    let layers = layers(file, causal)?;
    read(&QWEN3, file, layers)
}

fn read(family: &Family, file: &mut File, layers: Vec<Mixer>) -> Result<Decoder, EncoderError> {
    let inner = file.size("intermediate_size")?;
    Ok(Decoder {
        activation: file.activation("hidden_act", "silu")?,
        attention_bias: file.optional("attention_bias")?.unwrap_or(false),
        ..family.read(file, inner, layers)?
    })
}

/// Whether attention is causal, as in a language model. Encoders made from one are bidirectional,
/// and their own code may be so without a key in the file, so the file must say which.
fn is_causal(file: &mut File) -> Result<bool, EncoderError> {
    let causal: Option<bool> = file.optional("is_causal")?;
    let both_ways: Option<bool> = file.optional("use_bidirectional_attention")?;
    match (causal, both_ways) {
        (Some(causal), Some(both_ways)) if causal == both_ways => Err(file.problem(format!(
            "is_causal and use_bidirectional_attention are both {causal}"
        ))),
        (Some(causal), _) => Ok(causal),
        (None, Some(both_ways)) => Ok(!both_ways),
        (None, None) => Err(file.problem(format!(
            "{} may attend to earlier tokens or to all, and neither is_causal nor \
             use_bidirectional_attention is there: add \"is_causal\": true or false, as the model \
             was trained",
            file.architecture()
        ))),
    }
}

/// The attention window of each layer.
fn layers(file: &mut File, causal: bool) -> Result<Vec<Mixer>, EncoderError> {
    let count = file.layers("num_hidden_layers")?;
    let whole: usize = file.optional("max_window_layers")?.unwrap_or(28);
    let is_used = file.optional("use_sliding_window")?.unwrap_or(false);
    let window: Option<usize> = file.optional("sliding_window")?;
    let window = match (is_used, window) {
        (true, None) => Some(4096),
        (true, Some(window)) => Some(file.at_least_one("sliding_window", window)?),
        (false, _) => None,
    };
    let types = match file.layer_types(count)? {
        Some(types) => types,
        None => (0..count)
            .map(|layer| match window {
                Some(_) if layer >= whole => "sliding_attention".to_owned(),
                _ => "full_attention".to_owned(),
            })
            .collect(),
    };
    types
        .iter()
        .map(|kind| match (kind.as_str(), window, causal) {
            ("full_attention", _, true) => Ok(Mixer::Attention(Window::causal(None))),
            ("full_attention", _, false) => Ok(Mixer::Attention(Window::ALL)),
            // The window includes the token itself.
            ("sliding_attention", Some(window), true) => {
                Ok(Mixer::Attention(Window::causal(Some(window - 1))))
            }
            _ => Err(file.unsupported(
                format!(
                    "layer type `{kind}` with use_sliding_window {is_used} and is_causal {causal}"
                ),
                "full_attention; sliding_attention where use_sliding_window and is_causal are true",
            )),
        })
        .collect()
}
