//! ModernBERT (Warner et al., arXiv 2412.13663).

use candle_core::Tensor;
use rayon::prelude::*;

use super::config;
use super::embedding::Embedding;
use super::loader::Loader;
use crate::EncoderError;
use crate::ops::{
    Activation, Attention, Backend, Batch, FeedForward, LayerNorm, Linear, Rotary, Window,
};
use crate::weights::Weights;

/// The encoder. Every layer normalizes its input before attention and before the gated feed-forward
/// network, and adds their outputs to it. Most layers attend only to a window around each token.
pub(super) struct ModernBert {
    words: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
}

struct Layer {
    /// None in the first layer: embeddings are normalized already.
    attention_norm: Option<LayerNorm>,
    /// Queries, keys and values in one product.
    qkv: Linear,
    rotary: Rotary,
    attention: Attention,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    feed_forward: FeedForward,
}

impl ModernBert {
    pub(super) fn load(
        config: &config::ModernBert,
        weights: &Weights,
        backend: &Backend,
    ) -> Result<ModernBert, EncoderError> {
        const WORDS: &str = "embeddings.tok_embeddings.weight";
        let weights = weights.with_prefix_of(WORDS, &["", "model.", "modernbert.", "bert."]);
        let loader = Loader {
            weights: &weights,
            backend,
        };
        let width = config.hidden;
        let words = weights.tensor(WORDS, &[config.vocabulary, width])?;
        let norm = |name| loader.norm(name, width, config.norm_bias, config.epsilon);
        Ok(ModernBert {
            words: Embedding::new(&words, width, backend)?,
            norm: norm("embeddings.norm")?,
            layers: (0..config.layers.len())
                .into_par_iter()
                .map(|i| Layer::load(&loader, config, i))
                .collect::<Result<_, _>>()?,
            final_norm: norm("final_norm")?,
        })
    }

    /// The last hidden state of every token, `[tokens, hidden]`.
    pub(super) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        let words = self.words.forward(&batch.ids)?;
        self.run(&words, batch).map_err(EncoderError::compute)
    }

    fn run(&self, words: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let mut x = self.norm.of(words)?;
        for layer in &self.layers {
            x = layer.forward(&x, batch)?;
        }
        self.final_norm.of(&x)
    }
}

impl Layer {
    fn load(
        loader: &Loader<'_>,
        config: &config::ModernBert,
        i: usize,
    ) -> Result<Layer, EncoderError> {
        let name = format!("layers.{i}");
        let (hidden, inner) = (config.hidden, config.inner);
        let heads = config.heads;
        let (rope, window) = if config.layers[i] {
            (config.local, Window::symmetric(config.window))
        } else {
            (config.global, Window::ALL)
        };
        let (attention_bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
        let plain = Activation::Identity;
        let norm = |part: &str| {
            let name = format!("{name}.{part}");
            loader.norm(&name, hidden, config.norm_bias, config.epsilon)
        };
        let linear = |part: &str, outputs, inputs, bias| {
            loader.linear(format!("{name}.{part}"), outputs, inputs, bias, plain)
        };
        let (up, gate) = loader.halves(
            &format!("{name}.mlp.Wi"),
            inner,
            hidden,
            mlp_bias,
            [config.activation, plain],
        )?;
        Ok(Layer {
            attention_norm: (i > 0).then(|| norm("attn_norm")).transpose()?,
            qkv: linear("attn.Wqkv", 3 * hidden, hidden, attention_bias)?,
            rotary: Rotary::new(heads, rope.base, rope.scaling_factor),
            attention: Attention { heads, window },
            attention_output: linear("attn.Wo", hidden, hidden, attention_bias)?,
            feed_forward_norm: norm("mlp_norm")?,
            feed_forward: FeedForward::new(
                up,
                Some(gate),
                linear("mlp.Wo", hidden, inner, mlp_bias)?,
            ),
        })
    }

    fn forward(&self, x: &Tensor, batch: &Batch) -> candle_core::Result<Tensor> {
        let parallelism = batch.parallelism;
        let qkv = match &self.attention_norm {
            Some(norm) => self.qkv.forward(&norm.of(x)?, parallelism)?,
            None => self.qkv.forward(x, parallelism)?,
        };
        let qkv = self.rotary.forward(&qkv, batch)?;
        let mixed = self.attention.forward(&qkv, batch)?;
        let x = (x + self.attention_output.forward(&mixed, parallelism)?)?;
        let inner = self.feed_forward_norm.of(&x)?;
        &x + self.feed_forward.forward(&inner, parallelism)?
    }
}
