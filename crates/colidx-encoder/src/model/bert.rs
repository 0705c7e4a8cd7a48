//! BERT and the models of its form: RoBERTa, XLM-RoBERTa, DistilBERT, and XLM-RoBERTa with rotary embeddings.

use candle_core::Tensor;
use rayon::prelude::*;

use super::config::{self, Form, Positions};
use super::embedding::Embedding;
use super::loader::Loader;
use crate::EncoderError;
use crate::ops::{Activation, Attention, Batch, FeedForward, LayerNorm, Linear, Placement, Rotary};
use crate::weights::Weights;

/// The encoder without the pooler: every layer is attention and a feed-forward part, each followed by a norm of its output
/// and its input.
pub(super) struct Bert {
    words: Embedding,
    places: Places,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

enum Places {
    /// The vector of each place is added to that of the word.
    Table {
        table: Embedding,
        /// The token that has no place of its own, as RoBERTa counts.
        padding: Option<u32>,
    },
    /// Queries and keys are rotated; every word gets the vector of token type 0.
    Rotary { rotary: Rotary, kind: Tensor },
}

struct Layer {
    /// Queries, keys and values in one product.
    qkv: Linear,
    attention: Attention,
    attention_output: Linear,
    attention_norm: LayerNorm,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
}

/// The names of a layer's tensors, each behind the name of the layer.
struct Names {
    norm: &'static str,
    layer: &'static str,
    qkv: &'static [&'static str],
    attention_output: &'static str,
    attention_norm: &'static str,
    up: &'static str,
    down: &'static str,
    output_norm: &'static str,
}

const BERT: Names = Names {
    norm: "embeddings.LayerNorm",
    layer: "encoder.layer",
    qkv: &[
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    output_norm: "output.LayerNorm",
};

const DISTILBERT: Names = Names {
    norm: "embeddings.LayerNorm",
    layer: "transformer.layer",
    qkv: &["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    output_norm: "output_layer_norm",
};

const FLASH: Names = Names {
    norm: "emb_ln",
    layer: "encoder.layers",
    qkv: &["mixer.Wqkv"],
    attention_output: "mixer.out_proj",
    attention_norm: "norm1",
    up: "mlp.fc1",
    down: "mlp.fc2",
    output_norm: "norm2",
};

impl Bert {
    pub(super) fn load(
        config: &config::Bert,
        weights: &Weights,
        placement: &Placement,
    ) -> Result<Bert, EncoderError> {
        const WORDS: &str = "embeddings.word_embeddings.weight";
        let prefixes = ["", "bert.", "roberta.", "distilbert.", "model."];
        let weights = weights.with_prefix_of(WORDS, &prefixes);
        let loader = Loader {
            weights: &weights,
            placement,
        };
        let names = match config.form {
            Form::Bert => &BERT,
            Form::DistilBert => &DISTILBERT,
            Form::Flash => &FLASH,
        };
        let width = config.hidden;
        let words = weights.tensor(WORDS, &[config.vocabulary, width])?;
        Ok(Bert {
            words: Embedding::new(&words, width, placement)?,
            places: Places::load(config, &loader)?,
            norm: loader.norm(names.norm, width, true, config.epsilon)?,
            layers: (0..config.layers)
                .into_par_iter()
                .map(|i| Layer::load(&loader, config, names, &format!("{}.{i}", names.layer)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The last hidden state of every token, `[tokens, hidden]`.
    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        let words = self.words.forward(&batch.ids)?;
        let (mut x, rotary) = match &self.places {
            Places::Table { table, padding } => {
                let places = table.forward(&places(batch, *padding))?;
                (self.norm.of_sum(&words, &places)?, None)
            }
            Places::Rotary { rotary, kind } => {
                let words = words.broadcast_add(kind)?;
                (self.norm.of(&words)?, Some(rotary))
            }
        };
        for layer in &self.layers {
            x = layer.forward(&x, rotary, batch)?;
        }
        Ok(x)
    }
}

impl Places {
    fn load(config: &config::Bert, loader: &Loader<'_>) -> Result<Places, EncoderError> {
        let width = config.hidden;
        // Every token is of type 0.
        let kind = match config.types {
            Some(types) => {
                let name = "embeddings.token_type_embeddings.weight";
                let mut kinds = loader.weights.tensor(name, &[types, width])?;
                kinds.truncate(width);
                kinds
            }
            None => vec![0.0; width],
        };
        let (rows, padding) = match config.positions {
            Positions::Table(rows) => (rows, None),
            Positions::AfterPadding { rows, padding } => (rows, Some(padding)),
            Positions::Rotary { base, .. } => {
                return Ok(Places::Rotary {
                    rotary: Rotary::new(config.heads, width / config.heads, base),
                    kind: loader.placement.matrix(&kind, width)?,
                });
            }
        };
        let name = "embeddings.position_embeddings.weight";
        let mut table = loader.weights.tensor(name, &[rows, width])?;
        for row in table.chunks_exact_mut(width) {
            for (value, kind) in row.iter_mut().zip(&kind) {
                *value += kind;
            }
        }
        Ok(Places::Table {
            table: Embedding::new(&table, width, loader.placement)?,
            padding,
        })
    }
}

/// The row of the table of places for each token.
fn places(batch: &Batch, padding: Option<u32>) -> Vec<u32> {
    let Some(padding) = padding else {
        return batch.places();
    };
    let mut places = Vec::with_capacity(batch.ids.len());
    for sequence in &batch.sequences {
        let mut last = padding;
        for &id in &batch.ids[sequence.rows.clone()] {
            if id == padding {
                places.push(padding);
            } else {
                last += 1;
                places.push(last);
            }
        }
    }
    places
}

impl Layer {
    fn load(
        loader: &Loader<'_>,
        config: &config::Bert,
        names: &Names,
        name: &str,
    ) -> Result<Layer, EncoderError> {
        let (hidden, inner) = (config.hidden, config.inner);
        let plain = Activation::Identity;
        let qkv: Vec<String> = names.qkv.iter().map(|q| format!("{name}.{q}")).collect();
        let linear = |part: &str, outputs, inputs, activation| {
            loader.linear(format!("{name}.{part}"), outputs, inputs, true, activation)
        };
        let norm =
            |part: &str| loader.norm(&format!("{name}.{part}"), hidden, true, config.epsilon);
        Ok(Layer {
            qkv: loader.stacked(&qkv, 3 * hidden / qkv.len(), hidden, true, plain)?,
            attention: Attention {
                heads: config.heads,
                width: hidden / config.heads,
                window: None,
            },
            attention_output: linear(names.attention_output, hidden, hidden, plain)?,
            attention_norm: norm(names.attention_norm)?,
            feed_forward: FeedForward::new(
                linear(names.up, inner, hidden, config.activation)?,
                None,
                linear(names.down, hidden, inner, plain)?,
            ),
            output_norm: norm(names.output_norm)?,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        rotary: Option<&Rotary>,
        batch: &Batch,
    ) -> candle_core::Result<Tensor> {
        let threads = batch.threads;
        let mut qkv = self.qkv.forward(x, threads)?;
        if let Some(rotary) = rotary {
            qkv = rotary.forward(&qkv, batch)?;
        }
        let mixed = self.attention.forward(&qkv, batch)?;
        let mixed = self.attention_output.forward(&mixed, threads)?;
        let x = self.attention_norm.of_sum(&mixed, x)?;
        let inner = self.feed_forward.forward(&x, threads)?;
        self.output_norm.of_sum(&inner, &x)
    }
}
