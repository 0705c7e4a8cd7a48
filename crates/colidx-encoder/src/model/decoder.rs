//! Decoder-like models: EuroBERT, Qwen3 and LFM2.

use candle_core::Tensor;
use rayon::prelude::*;

use super::config::{self, Mixer};
use super::embedding::Embedding;
use super::loader::Loader;
use crate::EncoderError;
use crate::ops::{
    Activation, Attention, Backend, Batch, FeedForward, HeadNorm, Linear, RmsNorm, Rotary,
    ShortConvolution, Window,
};
use crate::weights::Weights;

/// The model without the language model head. Every layer normalizes its input before mixing tokens
/// and before the gated feed-forward network, and adds their outputs to it.
pub(super) struct Decoder {
    words: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
}

struct Layer {
    mixer_norm: RmsNorm,
    mixer: TokenMixer,
    feed_forward_norm: RmsNorm,
    feed_forward: FeedForward,
}

enum TokenMixer {
    Attention {
        /// Queries, keys and values in one product.
        qkv: Linear,
        head_norm: Option<HeadNorm>,
        rotary: Rotary,
        attention: Attention,
        output: Linear,
    },
    Convolution {
        input: Linear,
        convolution: ShortConvolution,
        output: Linear,
    },
}

impl Decoder {
    pub(super) fn load(
        config: &config::Decoder,
        weights: &Weights,
        backend: &Backend,
    ) -> Result<Decoder, EncoderError> {
        const WORDS: &str = "embed_tokens.weight";
        let weights = weights.with_prefix_of(WORDS, &["", "model."]);
        let loader = Loader {
            weights: &weights,
            backend,
        };
        let width = config.hidden;
        let words = weights.tensor(WORDS, &[config.vocabulary, width])?;
        Ok(Decoder {
            words: Embedding::new(&words, width, backend)?,
            layers: (0..config.layers.len())
                .into_par_iter()
                .map(|i| Layer::load(&loader, config, i))
                .collect::<Result<_, _>>()?,
            norm: loader.rms_norm(config.names.final_norm, width, config.epsilon)?,
        })
    }

    /// The last hidden state of every token, `[tokens, hidden]`.
    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        let words = self.words.forward(&batch.ids)?;
        self.run(words, batch).map_err(EncoderError::compute)
    }

    fn run(&self, mut x: Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        for layer in &self.layers {
            x = layer.forward(&x, batch)?;
        }
        self.norm.of(&x)
    }
}

impl Layer {
    fn load(
        loader: &Loader<'_>,
        config: &config::Decoder,
        i: usize,
    ) -> Result<Layer, EncoderError> {
        let name = format!("layers.{i}");
        let (hidden, inner) = (config.hidden, config.inner);
        let names = config.names;
        let plain = Activation::Identity;
        let [up, gate, down] = names.feed_forward;
        let linear = |part: &str, outputs, inputs, activation| {
            let name = format!("{name}.{part}");
            loader.linear(name, outputs, inputs, config.mlp_bias, activation)
        };
        let norm = |part| loader.rms_norm(&format!("{name}.{part}"), hidden, config.epsilon);
        Ok(Layer {
            mixer_norm: norm(names.mixer_norm)?,
            mixer: match config.layers[i] {
                Mixer::Attention(window) => TokenMixer::attention(loader, config, &name, window)?,
                Mixer::Convolution(taps) => TokenMixer::convolution(loader, config, &name, taps)?,
            },
            feed_forward_norm: norm(names.feed_forward_norm)?,
            feed_forward: FeedForward::new(
                linear(up, inner, hidden, config.activation)?,
                Some(linear(gate, inner, hidden, plain)?),
                linear(down, hidden, inner, plain)?,
            ),
        })
    }

    fn forward(&self, x: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let mixed = self.mixer.forward(&self.mixer_norm.of(x)?, batch)?;
        let x = (x + mixed)?;
        let inner = self.feed_forward_norm.of(&x)?;
        &x + self.feed_forward.forward(&inner, batch.parallelism)?
    }
}

impl TokenMixer {
    fn attention(
        loader: &Loader<'_>,
        config: &config::Decoder,
        layer: &str,
        window: Window,
    ) -> Result<TokenMixer, EncoderError> {
        let (hidden, heads, bias) = (config.hidden, config.heads, config.attention_bias);
        let plain = Activation::Identity;
        let rows =
            [("q", heads.queries), ("k", heads.keys), ("v", heads.keys)].map(|(part, count)| {
                (
                    format!("{layer}.self_attn.{part}_proj"),
                    count * heads.width,
                )
            });
        let head_norm = |[queries, keys]: [&str; 2]| {
            let weight = |part| {
                let name = format!("{layer}.{part}.weight");
                loader.weights.tensor(&name, &[heads.width])
            };
            let (queries, keys) = (weight(queries)?, weight(keys)?);
            HeadNorm::new(heads, queries, keys, config.epsilon, loader.backend)
                .map_err(EncoderError::compute)
        };
        Ok(TokenMixer::Attention {
            qkv: loader.stacked(&rows, hidden, bias, plain)?,
            head_norm: config.names.head_norms.map(head_norm).transpose()?,
            rotary: Rotary::new(heads, config.rope.base, config.rope.scaling_factor),
            attention: Attention { heads, window },
            output: loader.linear(
                format!("{layer}.{}", config.names.attention_output),
                hidden,
                heads.output(),
                bias,
                plain,
            )?,
        })
    }

    fn convolution(
        loader: &Loader<'_>,
        config: &config::Decoder,
        layer: &str,
        taps: usize,
    ) -> Result<TokenMixer, EncoderError> {
        let (hidden, bias) = (config.hidden, config.convolution_bias);
        let name = |part: &str| format!("{layer}.conv.{part}");
        let linear =
            |part, outputs| loader.linear(name(part), outputs, hidden, bias, Activation::Identity);
        let weight = (loader.weights).tensor(&name("conv.weight"), &[hidden, 1, taps])?;
        let shift = if bias {
            loader.weights.tensor(&name("conv.bias"), &[hidden])?
        } else {
            vec![0.0; hidden]
        };
        Ok(TokenMixer::Convolution {
            input: linear("in_proj", hidden.saturating_mul(3))?,
            convolution: ShortConvolution::new(&weight, shift, taps, loader.backend)
                .map_err(EncoderError::compute)?,
            output: linear("out_proj", hidden)?,
        })
    }

    fn forward(&self, x: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let parallelism = batch.parallelism;
        match self {
            TokenMixer::Attention {
                qkv,
                head_norm,
                rotary,
                attention,
                output,
            } => {
                let mut qkv = qkv.forward(x, parallelism)?;
                if let Some(norm) = head_norm {
                    qkv = norm.forward(&qkv)?;
                }
                let qkv = rotary.forward(&qkv, batch)?;
                output.forward(&attention.forward(&qkv, batch)?, parallelism)
            }
            TokenMixer::Convolution {
                input,
                convolution,
                output,
            } => {
                // A token that is not attended to does not affect its neighbours either.
                let bcx = input.forward(&batch.zero_unattended(x)?, parallelism)?;
                output.forward(&convolution.forward(&bcx, batch)?, parallelism)
            }
        }
    }
}
