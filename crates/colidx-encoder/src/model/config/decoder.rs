//! Configurations of decoder-like models: what all families share.

use super::file::File;
use super::rope::Rope;
use crate::EncoderError;
use crate::ops::{Activation, Heads, Window};

/// A model of pre-norm layers: attention or a convolution, then a gated feed-forward network.
pub(in crate::model) struct Decoder {
    pub(in crate::model) names: &'static Names,
    pub(in crate::model) vocabulary: usize,
    pub(in crate::model) hidden: usize,
    pub(in crate::model) inner: usize,
    pub(in crate::model) activation: Activation,
    pub(in crate::model) epsilon: f64,
    pub(in crate::model) heads: Heads,
    pub(in crate::model) rope: Rope,
    pub(in crate::model) attention_bias: bool,
    pub(in crate::model) mlp_bias: bool,
    pub(in crate::model) convolution_bias: bool,
    pub(in crate::model) layers: Vec<Mixer>,
    /// Longest sequence in tokens that the model was configured for.
    pub(in crate::model) positions: usize,
}

/// How a layer mixes tokens.
#[derive(Clone, Copy)]
pub(in crate::model) enum Mixer {
    Attention(Window),
    /// A short convolution over this many tokens.
    Convolution(usize),
}

/// Names of the tensors, those of a layer relative to it.
pub(in crate::model) struct Names {
    pub(in crate::model) final_norm: &'static str,
    pub(in crate::model) mixer_norm: &'static str,
    pub(in crate::model) attention_output: &'static str,
    /// The norms of each query head and of each key head.
    pub(in crate::model) head_norms: Option<[&'static str; 2]>,
    pub(in crate::model) feed_forward_norm: &'static str,
    /// The layer with the activation, the gate it is multiplied with, and the narrowing layer.
    pub(in crate::model) feed_forward: [&'static str; 3],
}

/// How a family differs in the keys that all families share.
pub(super) struct Family {
    pub(super) names: &'static Names,
    /// The key of the norms' epsilon, and its default.
    pub(super) epsilon: (&'static str, f64),
    /// Default dimensions of a head; if none, its share of `hidden_size`.
    pub(super) head_width: Option<usize>,
    /// Default base of rotary embeddings; if none, the file must set it.
    pub(super) rope_base: Option<f64>,
}

impl Family {
    /// Takes the keys that all families share. Activation and biases are Llama's defaults: SiLU,
    /// and no bias.
    pub(super) fn read(
        &self,
        file: &mut File,
        inner: usize,
        layers: Vec<Mixer>,
    ) -> Result<Decoder, EncoderError> {
        let hidden = file.size("hidden_size")?;
        let heads = heads(file, hidden, self.head_width)?;
        let (epsilon_key, epsilon) = self.epsilon;
        Ok(Decoder {
            names: self.names,
            vocabulary: file.size("vocab_size")?,
            hidden,
            inner,
            activation: Activation::Silu,
            epsilon: file.optional(epsilon_key)?.unwrap_or(epsilon),
            heads,
            rope: Rope::take(file, heads.width, self.rope_base)?,
            attention_bias: false,
            mlp_bias: false,
            convolution_bias: false,
            layers,
            positions: file.size("max_position_embeddings")?,
        })
    }
}

/// Takes the numbers of heads. A head has `width` dimensions by default, or its share of `hidden`.
fn heads(file: &mut File, hidden: usize, width: Option<usize>) -> Result<Heads, EncoderError> {
    let queries = file.size("num_attention_heads")?;
    let keys = file.optional("num_key_value_heads")?.unwrap_or(queries);
    let keys = file.at_least_one("num_key_value_heads", keys)?;
    file.divide(
        ("num_attention_heads", queries),
        ("num_key_value_heads", keys),
    )?;
    let width = match file.optional("head_dim")?.or(width) {
        Some(width) => file.at_least_one("head_dim", width)?,
        None => file.divide(("hidden_size", hidden), ("num_attention_heads", queries))?,
    };
    // Tensor shapes are checked against these products, so they must not overflow.
    for heads in [queries, keys] {
        if heads
            .checked_mul(width)
            .is_none_or(|n| n > u32::MAX as usize)
        {
            return Err(file.problem(format!(
                "{heads} heads of head_dim {width} are more than a model has"
            )));
        }
    }
    Ok(Heads {
        queries,
        keys,
        width,
    })
}
