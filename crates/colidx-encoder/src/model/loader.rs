//! Builds operations from named tensors.

use crate::EncoderError;
use crate::ops::{Activation, Backend, LayerNorm, Linear, RmsNorm};
use crate::weights::Weights;

/// The tensors of a checkpoint, and the backend of operations made from them.
pub(super) struct Loader<'a> {
    pub(super) weights: &'a Weights,
    pub(super) backend: &'a Backend,
}

impl Loader<'_> {
    /// A layer that concatenates the rows of several tensors, each `[outputs, inputs]` with its
    /// name.
    pub(super) fn stacked(
        &self,
        parts: &[(String, usize)],
        inputs: usize,
        bias: bool,
        activation: Activation,
    ) -> Result<Linear, EncoderError> {
        let (mut weight, mut biases) = (Vec::new(), Vec::new());
        for (name, outputs) in parts {
            let shape = [*outputs, inputs];
            self.weights
                .append(&format!("{name}.weight"), &shape, &mut weight)?;
            if bias {
                self.weights
                    .append(&format!("{name}.bias"), &[*outputs], &mut biases)?;
            }
        }
        Linear::new(&weight, &biases, inputs, activation, self.backend)
            .map_err(EncoderError::compute)
    }

    /// A layer `[outputs, inputs]`.
    pub(super) fn linear(
        &self,
        name: String,
        outputs: usize,
        inputs: usize,
        bias: bool,
        activation: Activation,
    ) -> Result<Linear, EncoderError> {
        self.stacked(&[(name, outputs)], inputs, bias, activation)
    }

    /// Two layers `[outputs, inputs]` stored in one tensor, the rows of the first before those of
    /// the second.
    pub(super) fn halves(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        bias: bool,
        activations: [Activation; 2],
    ) -> Result<(Linear, Linear), EncoderError> {
        // On overflow the shape matches no tensor.
        let both = outputs.saturating_mul(2);
        let shape = [both, inputs];
        let weight = self.weights.tensor(&format!("{name}.weight"), &shape)?;
        let bias = if bias {
            self.weights.tensor(&format!("{name}.bias"), &[both])?
        } else {
            Vec::new()
        };
        let (first, second) = weight.split_at(weight.len() / 2);
        let (first_bias, second_bias) = bias.split_at(bias.len() / 2);
        let [one, other] = activations;
        let layer = |weight, bias, activation| {
            Linear::new(weight, bias, inputs, activation, self.backend)
                .map_err(EncoderError::compute)
        };
        Ok((
            layer(first, first_bias, one)?,
            layer(second, second_bias, other)?,
        ))
    }

    /// A LayerNorm of `width` dimensions.
    pub(super) fn norm(
        &self,
        name: &str,
        width: usize,
        bias: bool,
        epsilon: f64,
    ) -> Result<LayerNorm, EncoderError> {
        // Checkpoints from TensorFlow, and those saved by transformers 5, use TensorFlow's names.
        let old = self.weights.has(&format!("{name}.gamma"));
        let (weight, shift) = if old {
            ("gamma", "beta")
        } else {
            ("weight", "bias")
        };
        let weight = self.weights.tensor(&format!("{name}.{weight}"), &[width])?;
        let shift = if bias {
            self.weights.tensor(&format!("{name}.{shift}"), &[width])?
        } else {
            vec![0.0; width]
        };
        LayerNorm::new(weight, shift, epsilon, self.backend).map_err(EncoderError::compute)
    }

    /// An RMSNorm of `width` dimensions.
    pub(super) fn rms_norm(
        &self,
        name: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<RmsNorm, EncoderError> {
        let weight = self.weights.tensor(&format!("{name}.weight"), &[width])?;
        RmsNorm::new(weight, epsilon, self.backend).map_err(EncoderError::compute)
    }
}
