//! Transformers and the projection that follows them, written in candle tensors over packed sequences.

mod bert;
mod config;
mod decoder;
mod embedding;
mod loader;
mod modernbert;
mod projection;

use std::path::Path;

use candle_core::Tensor;

pub(crate) use projection::{Dense, DenseConfig, Projection};

use crate::EncoderError;
use crate::checkpoint::Weights;
use crate::ops::{Batch, Placement};
use bert::Bert;
use config::Config;
use decoder::Decoder;
use modernbert::ModernBert;

/// The transformer of a checkpoint.
pub(crate) struct Transformer {
    architecture: String,
    hidden: usize,
    layers: usize,
    positions: usize,
    placement: Placement,
    model: Model,
}

enum Model {
    Bert(Bert),
    ModernBert(ModernBert),
    Decoder(Decoder),
}

impl Transformer {
    /// Builds the transformer that the `config.json` at `path` describes from `weights`.
    pub(crate) fn load(
        path: &Path,
        weights: &Weights,
        placement: &Placement,
    ) -> Result<Transformer, EncoderError> {
        let (architecture, config) = Config::read(path)?;
        let (hidden, layers) = match &config {
            Config::Bert(config) => (config.hidden, config.layers),
            Config::ModernBert(config) => (config.hidden, config.layers.len()),
            Config::Decoder(config) => (config.hidden, config.layers.len()),
        };
        Ok(Transformer {
            architecture,
            hidden,
            layers,
            positions: config.positions(),
            model: match config {
                Config::Bert(config) => Model::Bert(Bert::load(&config, weights, placement)?),
                Config::ModernBert(config) => {
                    Model::ModernBert(ModernBert::load(&config, weights, placement)?)
                }
                Config::Decoder(config) => {
                    Model::Decoder(Decoder::load(&config, weights, placement)?)
                }
            },
            placement: placement.clone(),
        })
    }

    /// Tokens that a sequence can have in the transformer that the `config.json` at `path` describes.
    pub(crate) fn positions_of(path: &Path) -> Result<usize, EncoderError> {
        Ok(Config::read(path)?.1.positions())
    }

    /// `model_type` in config.json.
    pub(crate) fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Width of the output.
    pub(crate) fn hidden(&self) -> usize {
        self.hidden
    }

    /// Number of layers.
    pub(crate) fn layers(&self) -> usize {
        self.layers
    }

    /// Tokens that a sequence can have.
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// Where the transformer computes, and a batch has to be.
    pub(crate) fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The last hidden state of every token, `[tokens, hidden]`.
    pub(crate) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        match &self.model {
            Model::Bert(model) => model.forward(batch),
            Model::ModernBert(model) => model.forward(batch),
            Model::Decoder(model) => model.forward(batch),
        }
    }
}
