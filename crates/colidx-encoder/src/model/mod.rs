//! Transformers and the projection that follows them, written in candle tensors over packed sequences.

mod batch;
mod bert;
mod projection;

use std::path::Path;

use candle_core::Tensor;
use serde::Deserialize;

pub(crate) use batch::Batch;
pub(crate) use projection::{Dense, DenseConfig, Projection};

use crate::checkpoint::{Weights, read_json};
use crate::{EncoderError, EncoderOptions};
use bert::Bert;

/// The transformer of a checkpoint, of whatever architecture.
pub(crate) enum Transformer {
    Bert(Bert),
}

#[derive(Deserialize)]
struct Architecture {
    #[serde(default)]
    model_type: String,
}

impl Transformer {
    /// Builds the transformer that the `config.json` at `path` describes from `weights`.
    pub(crate) fn load(
        path: &Path,
        weights: Weights,
        options: &EncoderOptions,
    ) -> Result<Transformer, EncoderError> {
        let architecture: Architecture = read_json(path)?;
        match architecture.model_type.as_str() {
            "bert" => Ok(Transformer::Bert(Bert::load(path, weights, options)?)),
            _ => Err(EncoderError::UnknownArchitecture {
                path: path.to_owned(),
                found: architecture.model_type,
                known: "bert",
            }),
        }
    }

    /// `model_type` in config.json.
    pub(crate) fn architecture(&self) -> &'static str {
        match self {
            Transformer::Bert(_) => "bert",
        }
    }

    /// Width of the output.
    pub(crate) fn hidden(&self) -> usize {
        match self {
            Transformer::Bert(model) => model.hidden(),
        }
    }

    /// Number of layers.
    pub(crate) fn layers(&self) -> usize {
        match self {
            Transformer::Bert(model) => model.layers(),
        }
    }

    /// Tokens that a sequence can have.
    pub(crate) fn positions(&self) -> usize {
        match self {
            Transformer::Bert(model) => model.positions(),
        }
    }

    /// The last hidden state of every token, `[tokens, hidden]`.
    pub(crate) fn forward(&self, batch: &Batch) -> Result<Tensor, EncoderError> {
        match self {
            Transformer::Bert(model) => model.forward(batch),
        }
    }
}
