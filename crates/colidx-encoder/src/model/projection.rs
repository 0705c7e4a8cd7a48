//! The Dense modules that follow the transformer.

use std::path::Path;

use candle_core::Tensor;
use serde::Deserialize;

use crate::EncoderError;
use crate::ops::{ACTIVATIONS, Activation, Linear, Placement, Threads, parse_activation};
use crate::weights::Weights;

/// `config.json` of a Dense module.
#[derive(Deserialize)]
pub(crate) struct DenseConfig {
    pub(crate) in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    #[serde(default)]
    activation_function: Option<String>,
    #[serde(default)]
    use_residual: bool,
}

fn yes() -> bool {
    true
}

/// `activation(x Wᵀ + b)`, plus `x` or a projection of it where the module has a residual.
pub(crate) struct Dense {
    linear: Linear,
    residual: Residual,
    outputs: usize,
}

enum Residual {
    None,
    Input,
    Projected(Linear),
}

impl Dense {
    /// Builds the module that `config`, read from `path`, describes.
    pub(crate) fn load(
        path: &Path,
        config: &DenseConfig,
        weights: &Weights,
        placement: &Placement,
    ) -> Result<Dense, EncoderError> {
        let placement = &placement.exact();
        let (inputs, outputs) = (config.in_features, config.out_features);
        if inputs == 0 || outputs == 0 {
            return Err(EncoderError::Config {
                path: path.to_owned(),
                problem: format!(
                    "in_features {inputs} and out_features {outputs} should both be at least 1"
                ),
            });
        }
        let name = config.activation_function.as_deref().unwrap_or("Identity");
        let activation = parse_activation(name).ok_or_else(|| EncoderError::Unsupported {
            path: path.to_owned(),
            feature: format!("activation_function `{name}`"),
            known: ACTIVATIONS,
        })?;
        let shape = [outputs, inputs];
        let weight = weights.tensor("linear.weight", &shape)?;
        let bias = if config.bias {
            weights.tensor("linear.bias", &[outputs])?
        } else {
            Vec::new()
        };
        let residual = match (config.use_residual, inputs == outputs) {
            (false, _) => Residual::None,
            (true, true) => Residual::Input,
            (true, false) => {
                let weight = weights.tensor("residual.weight", &shape)?;
                Residual::Projected(Linear::new(
                    &weight,
                    &[],
                    inputs,
                    Activation::Identity,
                    placement,
                )?)
            }
        };
        Ok(Dense {
            linear: Linear::new(&weight, &bias, inputs, activation, placement)?,
            outputs,
            residual,
        })
    }

    /// The layer `linear` beside the tensors of a transformer, from `inputs` to `outputs` dimensions.
    pub(crate) fn linear(
        inputs: usize,
        outputs: usize,
        weights: &Weights,
        placement: &Placement,
    ) -> Result<Dense, EncoderError> {
        let weight = weights.tensor("linear.weight", &[outputs, inputs])?;
        let bias = if weights.has("linear.bias") {
            weights.tensor("linear.bias", &[outputs])?
        } else {
            Vec::new()
        };
        let plain = Activation::Identity;
        Ok(Dense {
            linear: Linear::new(&weight, &bias, inputs, plain, &placement.exact())?,
            residual: Residual::None,
            outputs,
        })
    }

    fn forward(&self, x: &Tensor, threads: Threads) -> candle_core::Result<Tensor> {
        let out = self.linear.forward(x, threads)?;
        match &self.residual {
            Residual::None => Ok(out),
            Residual::Input => out + x,
            Residual::Projected(linear) => out + linear.forward(x, threads)?,
        }
    }
}

/// The Dense modules in their order; none is the identity.
pub(crate) struct Projection {
    dim: usize,
    modules: Vec<Dense>,
}

impl Projection {
    /// The identity on `dim` dimensions.
    pub(crate) fn new(dim: usize) -> Projection {
        Projection {
            dim,
            modules: Vec::new(),
        }
    }

    /// Puts `module`, whose input has [`dim`](Self::dim) dimensions, behind the others.
    pub(crate) fn push(&mut self, module: Dense) {
        self.dim = module.outputs;
        self.modules.push(module);
    }

    /// Dimensions of the output.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Projects the rows `x`, `[n, width of the transformer]`, to `[n, dim]`.
    pub(crate) fn forward(&self, x: Tensor, threads: Threads) -> candle_core::Result<Tensor> {
        let mut modules = self.modules.iter();
        modules.try_fold(x, |x, module| module.forward(&x, threads))
    }
}
