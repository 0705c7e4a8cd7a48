//! Transformers and the modules after them, in candle tensors over packed sequences.

mod bert;
mod config;
mod decoder;
mod embedding;
mod loader;
mod modernbert;
mod pooling;
mod projection;

use std::path::Path;

use candle_core::Tensor;

pub(crate) use pooling::TokenPooling;
pub(crate) use projection::{Dense, DenseConfig, Projection};

use crate::EncoderError;
use crate::ops::{Backend, Batch};
use crate::weights::Weights;
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
    backend: Backend,
    model: Model,
}

/// A transformer's configuration, known before its weights are read.
pub(crate) struct TransformerInfo {
    /// `model_type` in config.json.
    pub(crate) architecture: String,
    /// Longest sequence in tokens that it was configured for.
    pub(crate) positions: usize,
    /// Maximum tokens of a sequence; none with rotary embeddings.
    pub(crate) limit: Option<usize>,
}

enum Model {
    Bert(Bert),
    ModernBert(ModernBert),
    Decoder(Decoder),
}

impl Transformer {
    /// Builds the transformer described by the `config.json` at `path` from `weights`.
    pub(crate) fn load(
        path: &Path,
        weights: &Weights,
        backend: &Backend,
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
                Config::Bert(config) => Model::Bert(Bert::load(&config, weights, backend)?),
                Config::ModernBert(config) => {
                    Model::ModernBert(ModernBert::load(&config, weights, backend)?)
                }
                Config::Decoder(config) => {
                    Model::Decoder(Decoder::load(&config, weights, backend)?)
                }
            },
            backend: backend.clone(),
        })
    }

    /// Reads the `config.json` at `path` without any weights.
    pub(crate) fn read_info(path: &Path) -> Result<TransformerInfo, EncoderError> {
        let (architecture, config) = Config::read(path)?;
        Ok(TransformerInfo {
            architecture,
            positions: config.positions(),
            limit: config.limit(),
        })
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

    /// Longest sequence in tokens that it was configured for.
    pub(crate) fn positions(&self) -> usize {
        self.positions
    }

    /// The backend of the transformer, which batches must use too.
    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
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
