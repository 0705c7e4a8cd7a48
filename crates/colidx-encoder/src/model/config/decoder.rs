//! What the configurations of models made like language models have in common.

use super::file::File;
use super::rope::Rope;
use crate::EncoderError;
use crate::ops::{Activation, Heads, Reach};

/// A model of layers that normalise their input: attention or a convolution, then a gated feed-forward part.
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
    /// Tokens that a sequence can have.
    pub(in crate::model) positions: usize,
}

/// How a layer mixes tokens.
#[derive(Clone, Copy)]
pub(in crate::model) enum Mixer {
    Attention(Reach),
    /// A short convolution over so many tokens.
    Convolution(usize),
}

/// The names of tensors; those of a layer stand behind its own.
pub(in crate::model) struct Names {
    pub(in crate::model) final_norm: &'static str,
    pub(in crate::model) mixer_norm: &'static str,
    pub(in crate::model) attention_output: &'static str,
    /// The norms of each head of queries and of keys.
    pub(in crate::model) head_norms: Option<[&'static str; 2]>,
    pub(in crate::model) feed_forward_norm: &'static str,
    /// What the activation is applied to, what that is multiplied with, and what follows.
    pub(in crate::model) feed_forward: [&'static str; 3],
}

/// Takes the numbers of heads; a head has `width` dimensions, or its share of `hidden`.
pub(super) fn heads(
    file: &mut File,
    hidden: usize,
    width: Option<usize>,
) -> Result<Heads, EncoderError> {
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
    // Both are compared with the shapes of tensors; the product must be a number first.
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
