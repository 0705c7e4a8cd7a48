//! BERT (Devlin et al., arXiv 1810.04805).

use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::Deserialize;

use super::Batch;
use crate::checkpoint::{Weights, read_json};
use crate::ops::{
    ACTIVATIONS, Activation, Attention, FeedForward, LayerNorm, Linear, parse_activation,
};
use crate::{EncoderError, EncoderOptions, Precision};

#[derive(Deserialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
    #[serde(default = "absolute")]
    position_embedding_type: Option<String>,
}

fn absolute() -> Option<String> {
    Some("absolute".to_owned())
}

/// BERT's encoder without the pooler.
pub(crate) struct Bert {
    words: Tensor,
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    attention: Attention,
    /// Queries, keys and values in one product.
    qkv: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
}

impl Bert {
    pub(super) fn load(
        path: &Path,
        weights: Weights,
        options: &EncoderOptions,
    ) -> Result<Bert, EncoderError> {
        let config: Config = read_json(path)?;
        let activation = config.check(path)?;
        let hidden = config.hidden_size;
        let weights = weights.with_prefix_of("embeddings.word_embeddings.weight", &["", "bert."]);

        let words = weights.tensor(
            "embeddings.word_embeddings.weight",
            &[config.vocab_size, hidden],
        )?;
        let positions = [config.max_position_embeddings, hidden];
        let mut position = weights.tensor("embeddings.position_embeddings.weight", &positions)?;
        let kinds = weights.tensor(
            "embeddings.token_type_embeddings.weight",
            &[config.type_vocab_size, hidden],
        )?;
        // Every token is of type 0, so its embedding becomes part of the position's.
        for row in position.chunks_exact_mut(hidden) {
            for (value, kind) in row.iter_mut().zip(&kinds) {
                *value += kind;
            }
        }
        let device = &Device::Cpu;
        Ok(Bert {
            words: Tensor::from_vec(words, (config.vocab_size, hidden), device)?,
            positions: Tensor::from_vec(
                position,
                (config.max_position_embeddings, hidden),
                device,
            )?,
            norm: norm(&weights, &config, "embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers)
                .into_par_iter()
                .map(|i| {
                    Layer::load(
                        &weights,
                        &config,
                        activation,
                        options.precision,
                        &format!("encoder.layer.{i}"),
                    )
                })
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn hidden(&self) -> usize {
        self.words.dims()[1]
    }

    pub(super) fn layers(&self) -> usize {
        self.layers.len()
    }

    pub(super) fn positions(&self) -> usize {
        self.positions.dims()[0]
    }

    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        let rows = self.words.dims()[0];
        if let Some(&id) = batch.ids.iter().find(|&&id| id as usize >= rows) {
            return Err(EncoderError::TokenWithoutEmbedding { id, rows });
        }
        let device = self.words.device();
        let select = |table: &Tensor, index: &[u32]| {
            table.index_select(&Tensor::from_slice(index, index.len(), device)?, 0)
        };
        let words = select(&self.words, &batch.ids)?;
        let positions = select(&self.positions, &batch.positions)?;
        let mut x = self.norm.of_sum(&words, &positions)?;
        for layer in &self.layers {
            x = layer.forward(&x, batch)?;
        }
        Ok(x)
    }
}

impl Layer {
    fn load(
        weights: &Weights,
        config: &Config,
        activation: Activation,
        precision: Precision,
        name: &str,
    ) -> Result<Layer, EncoderError> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear = |names: &[&str], outputs: usize, inputs: usize, activation| {
            let (mut weight, mut bias) = (Vec::new(), Vec::new());
            for part in names {
                let name = format!("{name}.{part}");
                weights.append(&format!("{name}.weight"), &[outputs, inputs], &mut weight)?;
                weights.append(&format!("{name}.bias"), &[outputs], &mut bias)?;
            }
            Ok::<_, EncoderError>(Linear::new(&weight, &bias, inputs, activation, precision))
        };
        let qkv = [
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
        ];
        let plain = Activation::Identity;
        Ok(Layer {
            attention: Attention {
                heads: config.num_attention_heads,
                width: hidden / config.num_attention_heads,
            },
            qkv: linear(&qkv, hidden, hidden, plain)?,
            attention_output: linear(&["attention.output.dense"], hidden, hidden, plain)?,
            attention_norm: norm(
                weights,
                config,
                &format!("{name}.attention.output.LayerNorm"),
            )?,
            feed_forward: FeedForward {
                up: linear(&["intermediate.dense"], inner, hidden, activation)?,
                down: linear(&["output.dense"], hidden, inner, plain)?,
            },
            output_norm: norm(weights, config, &format!("{name}.output.LayerNorm"))?,
        })
    }

    fn forward(&self, x: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let threads = batch.threads;
        let qkv = self.qkv.forward(x, threads)?;
        let mixed = self.attention.forward(&qkv, &batch.sequences, threads)?;
        let mixed = self.attention_output.forward(&mixed, threads)?;
        let x = self.attention_norm.of_sum(&mixed, x)?;
        let inner = self.feed_forward.forward(&x, threads)?;
        self.output_norm.of_sum(&inner, &x)
    }
}

fn norm(weights: &Weights, config: &Config, name: &str) -> Result<LayerNorm, EncoderError> {
    let shape = [config.hidden_size];
    // Checkpoints from TensorFlow, and those that transformers 5 saves, have TensorFlow's names.
    let (weight, bias) = if weights.has(&format!("{name}.gamma")) {
        ("gamma", "beta")
    } else {
        ("weight", "bias")
    };
    Ok(LayerNorm::new(
        weights.tensor(&format!("{name}.{weight}"), &shape)?,
        weights.tensor(&format!("{name}.{bias}"), &shape)?,
        config.layer_norm_eps as f32,
    ))
}

impl Config {
    /// Checks what the arithmetic relies on, and gives the activation.
    fn check(&self, path: &Path) -> Result<Activation, EncoderError> {
        let problem = |problem: String| {
            Err(EncoderError::Config {
                path: path.to_owned(),
                problem,
            })
        };
        for (name, value) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ] {
            if value == 0 {
                return problem(format!("{name} is 0 and should be at least 1"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return problem(format!(
                "hidden_size {} should be a multiple of num_attention_heads {}",
                self.hidden_size, self.num_attention_heads
            ));
        }
        let unsupported = |feature: String, known| {
            Err(EncoderError::Unsupported {
                path: path.to_owned(),
                feature,
                known,
            })
        };
        if let Some(kind) = self
            .position_embedding_type
            .as_deref()
            .filter(|&k| k != "absolute")
        {
            return unsupported(format!("position_embedding_type `{kind}`"), "absolute");
        }
        match parse_activation(&self.hidden_act) {
            Some(activation) => Ok(activation),
            None => unsupported(format!("hidden_act `{}`", self.hidden_act), ACTIVATIONS),
        }
    }
}
