//! The modules after the transformer that process each token on its own.

use std::path::PathBuf;

use candle_core::Tensor;

use crate::EncoderError;
use crate::ops::{
    ACTIVATIONS, Activation, Backend, Linear, Parallelism, normalize, parse_activation,
};
use crate::weights::Weights;

/// The configuration of a Dense module.
pub(crate) struct DenseConfig {
    /// The file, for errors.
    pub(crate) path: PathBuf,
    pub(crate) in_features: usize,
    pub(crate) out_features: usize,
    pub(crate) bias: bool,
    /// The activation's torch class.
    pub(crate) activation: String,
    pub(crate) residual: bool,
}

/// `activation(x Wᵀ + b)`, plus `x` or a projection of `x` if the module has a residual.
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
    /// Builds the module that `config` describes.
    pub(crate) fn load(
        config: &DenseConfig,
        weights: &Weights,
        backend: &Backend,
    ) -> Result<Dense, EncoderError> {
        let backend = &backend.exact();
        let (inputs, outputs) = (config.in_features, config.out_features);
        if inputs == 0 || outputs == 0 {
            return Err(EncoderError::Config {
                path: config.path.clone(),
                problem: format!(
                    "in_features {inputs} and out_features {outputs} should both be at least 1"
                ),
            });
        }
        let name = config.activation.as_str();
        let activation = parse_activation(name).ok_or_else(|| EncoderError::Unsupported {
            path: config.path.clone(),
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
        let residual = match (config.residual, inputs == outputs) {
            (false, _) => Residual::None,
            (true, true) => Residual::Input,
            (true, false) => {
                let weight = weights.tensor("residual.weight", &shape)?;
                Residual::Projected(
                    Linear::new(&weight, &[], inputs, Activation::Identity, backend)
                        .map_err(EncoderError::compute)?,
                )
            }
        };
        Ok(Dense {
            linear: Linear::new(&weight, &bias, inputs, activation, backend)
                .map_err(EncoderError::compute)?,
            outputs,
            residual,
        })
    }

    /// The layer with the tensor `weight`, and `bias` if present, after `prefix`. `outputs`
    /// defaults to the rows of the tensor.
    pub(crate) fn plain(
        prefix: &str,
        inputs: usize,
        outputs: Option<usize>,
        weights: &Weights,
        backend: &Backend,
    ) -> Result<Dense, EncoderError> {
        let (weight, bias) = (format!("{prefix}weight"), format!("{prefix}bias"));
        let rows = || weights.shape(&weight)?.first().copied();
        let outputs = outputs.or_else(rows).unwrap_or(1);
        let weight = weights.tensor(&weight, &[outputs, inputs])?;
        let bias = if weights.has(&bias) {
            weights.tensor(&bias, &[outputs])?
        } else {
            Vec::new()
        };
        let plain = Activation::Identity;
        Ok(Dense {
            linear: Linear::new(&weight, &bias, inputs, plain, &backend.exact())
                .map_err(EncoderError::compute)?,
            residual: Residual::None,
            outputs,
        })
    }

    fn forward(&self, x: &Tensor, parallelism: Parallelism) -> candle_core::Result<Tensor> {
        let out = self.linear.forward(x, parallelism)?;
        match &self.residual {
            Residual::None => Ok(out),
            Residual::Input => out + x,
            Residual::Projected(linear) => out + linear.forward(x, parallelism)?,
        }
    }
}

/// A module that processes each token on its own.
enum Module {
    Dense(Box<Dense>),
    /// Scales each vector to length one.
    Normalize,
}

/// The modules in order; without any, the identity.
pub(crate) struct Projection {
    dim: usize,
    modules: Vec<Module>,
}

impl Projection {
    /// The identity on `dim` dimensions.
    pub(crate) fn new(dim: usize) -> Projection {
        Projection {
            dim,
            modules: Vec::new(),
        }
    }

    /// Appends `module`, whose input has [`dim`](Self::dim) dimensions.
    pub(crate) fn push(&mut self, module: Dense) {
        self.dim = module.outputs;
        self.modules.push(Module::Dense(Box::new(module)));
    }

    /// Appends scaling to length one.
    pub(crate) fn normalize(&mut self) {
        self.modules.push(Module::Normalize);
    }

    /// Dimensions of the output.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Projects the rows of `x`, `[n, hidden]`, to `[n, dim]` row-major.
    pub(crate) fn forward(
        &self,
        mut x: Tensor,
        parallelism: Parallelism,
    ) -> candle_core::Result<Vec<f32>> {
        for module in &self.modules {
            x = match module {
                Module::Dense(dense) => dense.forward(&x, parallelism)?,
                Module::Normalize => {
                    let (n, dim) = x.dims2()?;
                    let mut rows = x.flatten_all()?.to_vec1::<f32>()?;
                    rows.chunks_exact_mut(dim).for_each(normalize);
                    Tensor::from_vec(rows, (n, dim), x.device())?
                }
            };
        }
        x.flatten_all()?.to_vec1()
    }
}
