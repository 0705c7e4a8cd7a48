//! The configuration of EuroBERT.

use super::decoder::{Decoder, Mixer, Names, heads};
use super::file::File;
use super::rope::Rope;
use crate::EncoderError;
use crate::ops::Reach;

/// The names of Llama.
const NAMES: Names = Names {
    final_norm: "norm",
    mixer_norm: "input_layernorm",
    attention_output: "self_attn.o_proj",
    head_norms: None,
    feed_forward_norm: "post_attention_layernorm",
    feed_forward: ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
};

/// Reads the file of a EuroBERT (Boizard et al., arXiv 2503.05500): a Llama whose tokens attend to all others.
pub(super) fn read(file: &mut File) -> Result<Decoder, EncoderError> {
    let hidden = file.size("hidden_size")?;
    let heads = heads(file, hidden, None)?;
    let layers = file.layers("num_hidden_layers")?;
    Ok(Decoder {
        names: &NAMES,
        vocabulary: file.size("vocab_size")?,
        hidden,
        inner: file.size("intermediate_size")?,
        activation: file.activation("hidden_act", "silu")?,
        epsilon: file.optional("rms_norm_eps")?.unwrap_or(1e-5),
        heads,
        rope: Rope::take(file, heads.width, None)?,
        attention_bias: file.optional("attention_bias")?.unwrap_or(false),
        mlp_bias: file.optional("mlp_bias")?.unwrap_or(false),
        convolution_bias: false,
        layers: vec![Mixer::Attention(Reach::ALL); layers],
        positions: file.size("max_position_embeddings")?,
    })
}
