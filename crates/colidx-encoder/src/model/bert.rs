//! BERT and its variants: RoBERTa, XLM-RoBERTa, DistilBERT, and models with rotary embeddings.

use candle_core::Tensor;
use rayon::prelude::*;

use super::config::{self, Positions, TensorNames};
use super::embedding::Embedding;
use super::loader::Loader;
use crate::EncoderError;
use crate::ops::{
    Activation, Attention, Backend, Batch, FeedForward, LayerNorm, Linear, Rotary, Window,
};
use crate::weights::Weights;

/// The encoder without the pooler. Every layer is attention and a feed-forward network, each
/// followed by a norm of its output plus its input.
pub(super) struct Bert {
    words: Embedding,
    positions: PositionEmbedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

enum PositionEmbedding {
    /// Adds the vector of each position to that of the word.
    Table {
        table: Embedding,
        /// The token without a position of its own, as RoBERTa counts.
        padding: Option<u32>,
    },
    /// Rotates queries and keys. Every word gets the vector of token type 0.
    Rotary { rotary: Rotary, token_type: Tensor },
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

/// Names of the tensors, those of a layer relative to it, and which of them have a bias.
struct Names {
    norm: &'static str,
    layer: &'static str,
    qkv: &'static [&'static str],
    attention_output: &'static str,
    attention_norm: &'static str,
    up: Up,
    down: &'static str,
    output_norm: &'static str,
    attention_bias: bool,
    /// For the widening and the narrowing layer of the feed-forward network.
    inner_bias: [bool; 2],
}

/// The widening part of the feed-forward network.
enum Up {
    /// One layer, with the activation.
    Plain(&'static str),
    /// One layer with the activation, and a gate that its output is multiplied with.
    Gated(&'static str, &'static str),
    /// Gate and layer in one tensor, the layer with the activation last.
    GateFirst(&'static str),
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
    up: Up::Plain("intermediate.dense"),
    down: "output.dense",
    output_norm: "output.LayerNorm",
    attention_bias: true,
    inner_bias: [true, true],
};

const DISTILBERT: Names = Names {
    norm: "embeddings.LayerNorm",
    layer: "transformer.layer",
    qkv: &["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: Up::Plain("ffn.lin1"),
    down: "ffn.lin2",
    output_norm: "output_layer_norm",
    attention_bias: true,
    inner_bias: [true, true],
};

const FLASH: Names = Names {
    norm: "emb_ln",
    layer: "encoder.layers",
    qkv: &["mixer.Wqkv"],
    attention_output: "mixer.out_proj",
    attention_norm: "norm1",
    up: Up::Plain("mlp.fc1"),
    down: "mlp.fc2",
    output_norm: "norm2",
    attention_bias: true,
    inner_bias: [true, true],
};

const NOMIC: Names = Names {
    norm: "emb_ln",
    layer: "encoder.layers",
    qkv: &["attn.Wqkv"],
    attention_output: "attn.out_proj",
    attention_norm: "norm1",
    up: Up::Gated("mlp.fc12", "mlp.fc11"),
    down: "mlp.fc2",
    output_norm: "norm2",
    attention_bias: false,
    inner_bias: [false, false],
};

const GTE: Names = Names {
    norm: "embeddings.LayerNorm",
    layer: "encoder.layer",
    qkv: &["attention.qkv_proj"],
    attention_output: "attention.o_proj",
    attention_norm: "attn_ln",
    up: Up::GateFirst("mlp.up_gate_proj"),
    down: "mlp.down_proj",
    output_norm: "mlp_ln",
    attention_bias: true,
    inner_bias: [false, true],
};

impl Bert {
    pub(super) fn load(
        config: &config::Bert,
        weights: &Weights,
        backend: &Backend,
    ) -> Result<Bert, EncoderError> {
        const WORDS: &str = "embeddings.word_embeddings.weight";
        let prefixes = [
            "",
            "bert.",
            "roberta.",
            "distilbert.",
            "model.",
            "nomic_bert.",
            "new.",
            "gte.",
        ];
        let weights = weights.with_prefix_of(WORDS, &prefixes);
        let loader = Loader {
            weights: &weights,
            backend,
        };
        let names = match config.tensor_names {
            TensorNames::Bert => &BERT,
            TensorNames::DistilBert => &DISTILBERT,
            TensorNames::Flash => &FLASH,
            TensorNames::Nomic => &NOMIC,
            TensorNames::Gte => &GTE,
        };
        let width = config.hidden;
        let words = weights.tensor(WORDS, &[config.vocabulary, width])?;
        Ok(Bert {
            words: Embedding::new(&words, width, backend)?,
            positions: PositionEmbedding::load(config, &loader)?,
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
        let (x, rotary) = match &self.positions {
            PositionEmbedding::Table { table, padding } => {
                let positions = table.forward(&position_ids(batch, *padding))?;
                (self.norm.of_sum(&words, &positions), None)
            }
            PositionEmbedding::Rotary { rotary, token_type } => {
                let words = words.broadcast_add(token_type);
                (words.and_then(|words| self.norm.of(&words)), Some(rotary))
            }
        };
        x.and_then(|x| self.run(x, rotary, batch))
            .map_err(EncoderError::compute)
    }

    fn run(
        &self,
        mut x: Tensor,
        rotary: Option<&Rotary>,
        batch: &Batch,
    ) -> candle_core::Result<Tensor> {
        for layer in &self.layers {
            x = layer.forward(&x, rotary, batch)?;
        }
        Ok(x)
    }
}

impl PositionEmbedding {
    fn load(config: &config::Bert, loader: &Loader<'_>) -> Result<PositionEmbedding, EncoderError> {
        let width = config.hidden;
        // Every token has type 0.
        let token_type = match config.types {
            Some(types) => {
                let name = "embeddings.token_type_embeddings.weight";
                let mut token_types = loader.weights.tensor(name, &[types, width])?;
                token_types.truncate(width);
                token_types
            }
            None => vec![0.0; width],
        };
        let (rows, padding) = match config.positions {
            Positions::Table(rows) => (rows, None),
            Positions::AfterPadding { rows, padding } => (rows, Some(padding)),
            Positions::Rotary { rope, .. } => {
                return Ok(PositionEmbedding::Rotary {
                    rotary: Rotary::new(config.heads, rope.base, rope.scaling_factor),
                    token_type: loader
                        .backend
                        .matrix(&token_type, width)
                        .map_err(EncoderError::compute)?,
                });
            }
        };
        let name = "embeddings.position_embeddings.weight";
        let mut table = loader.weights.tensor(name, &[rows, width])?;
        for row in table.chunks_exact_mut(width) {
            for (value, token_type) in row.iter_mut().zip(&token_type) {
                *value += token_type;
            }
        }
        Ok(PositionEmbedding::Table {
            table: Embedding::new(&table, width, loader.backend)?,
            padding,
        })
    }
}

/// The row of the position table for each token.
fn position_ids(batch: &Batch, padding: Option<u32>) -> Vec<u32> {
    let Some(padding) = padding else {
        return batch.positions();
    };
    let mut positions = Vec::with_capacity(batch.ids.len());
    for sequence in &batch.sequences {
        let mut last = padding;
        for &id in &batch.ids[sequence.rows.clone()] {
            if id == padding {
                positions.push(padding);
            } else {
                last += 1;
                positions.push(last);
            }
        }
    }
    positions
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
        let rows = 3 * hidden / names.qkv.len();
        let qkv: Vec<(String, usize)> = (names.qkv.iter())
            .map(|part| (format!("{name}.{part}"), rows))
            .collect();
        let qkv = loader.stacked(&qkv, hidden, names.attention_bias, plain)?;
        let linear = |part: &str, outputs, inputs, bias, activation| {
            loader.linear(format!("{name}.{part}"), outputs, inputs, bias, activation)
        };
        let [up_bias, down_bias] = names.inner_bias;
        let up = |part, activation| linear(part, inner, hidden, up_bias, activation);
        let (up, gate) = match names.up {
            Up::Plain(part) => (up(part, config.activation)?, None),
            Up::Gated(part, gate) => (up(part, config.activation)?, Some(up(gate, plain)?)),
            Up::GateFirst(part) => {
                let name = format!("{name}.{part}");
                let activations = [plain, config.activation];
                let (gate, up) = loader.halves(&name, inner, hidden, up_bias, activations)?;
                (up, Some(gate))
            }
        };
        let norm =
            |part: &str| loader.norm(&format!("{name}.{part}"), hidden, true, config.epsilon);
        Ok(Layer {
            qkv,
            attention: Attention {
                heads: config.heads,
                window: Window::ALL,
            },
            attention_output: linear(
                names.attention_output,
                hidden,
                hidden,
                names.attention_bias,
                plain,
            )?,
            attention_norm: norm(names.attention_norm)?,
            feed_forward: FeedForward::new(
                up,
                gate,
                linear(names.down, hidden, inner, down_bias, plain)?,
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
        let parallelism = batch.parallelism;
        let mut qkv = self.qkv.forward(x, parallelism)?;
        if let Some(rotary) = rotary {
            qkv = rotary.forward(&qkv, batch)?;
        }
        let mixed = self.attention.forward(&qkv, batch)?;
        let mixed = self.attention_output.forward(&mixed, parallelism)?;
        let x = self.attention_norm.of_sum(&mixed, x)?;
        let inner = self.feed_forward.forward(&x, parallelism)?;
        self.output_norm.of_sum(&inner, &x)
    }
}
