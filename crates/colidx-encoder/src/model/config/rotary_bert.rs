//! The configurations of BERT variants with rotary positions, as in transformers 5.

use super::bert::{Bert, Positions, TensorNames};
use super::file::File;
use super::rope::Rope;
use crate::EncoderError;

/// Reads the file of a Nomic BERT.
pub(super) fn read_nomic(file: &mut File) -> Result<Bert, EncoderError> {
    read(file, TensorNames::Nomic, "silu", 1e-12)
}

/// Reads the file of an mGTE, whose type was `new` before transformers supported it.
pub(super) fn read_gte(file: &mut File) -> Result<Bert, EncoderError> {
    // Keys of the remote code: only the values that the native code implements.
    file.only("pack_qkv", true)?;
    file.only("layer_norm_type", "layer_norm")?;
    file.only("logn_attention_scale", false)?;
    file.only("position_embedding_type", "rope")?;
    read(file, TensorNames::Gte, "gelu", 1e-12)
}

/// Reads the file of a jina-embeddings-v3.
pub(super) fn read_jina(file: &mut File) -> Result<Bert, EncoderError> {
    read(file, TensorNames::Flash, "gelu", 1e-5)
}

fn read(
    file: &mut File,
    tensor_names: TensorNames,
    activation: &str,
    epsilon: f64,
) -> Result<Bert, EncoderError> {
    let (hidden, heads) = file.hidden_and_heads("hidden_size", "num_attention_heads")?;
    file.only("head_dim", heads.width)?;
    let types: Option<usize> = file.optional("type_vocab_size")?;
    Ok(Bert {
        tensor_names,
        vocabulary: file.size("vocab_size")?,
        hidden,
        layers: file.layers("num_hidden_layers")?,
        heads,
        inner: file.size("intermediate_size")?,
        activation: file.activation("hidden_act", activation)?,
        epsilon: file.optional("layer_norm_eps")?.unwrap_or(epsilon),
        // gte-base-en-v1.5 has no token type table.
        types: types.filter(|&types| types > 0),
        positions: Positions::Rotary {
            rope: Rope::take(file, heads.width, None)?,
            limit: file.size("max_position_embeddings")?,
        },
    })
}
