//! The feed-forward network of a layer.

use candle_core::{Result, Tensor};

use super::Parallelism;
use super::linear::{Kernel, Linear, Workspace, by_blocks};

/// A widening layer with an activation, perhaps multiplied by a gate (Shazeer, arXiv 2002.05202),
/// and a narrowing layer.
pub(crate) enum FeedForward {
    /// One pass over the rows: the wide intermediate stays in cache.
    Fused {
        up: Kernel,
        gate: Option<Kernel>,
        down: Kernel,
    },
    Separate {
        up: Linear,
        gate: Option<Linear>,
        down: Linear,
    },
}

#[derive(Default)]
struct Buffers {
    layer: Workspace,
    wide: Vec<f32>,
    gate: Vec<f32>,
}

impl FeedForward {
    /// `down(up(x))`, or `down(up(x) * gate(x))`.
    pub(crate) fn new(up: Linear, gate: Option<Linear>, down: Linear) -> FeedForward {
        match (up, gate, down) {
            (Linear::Kernel(up), None, Linear::Kernel(down)) => FeedForward::Fused {
                up,
                gate: None,
                down,
            },
            (Linear::Kernel(up), Some(Linear::Kernel(gate)), Linear::Kernel(down)) => {
                FeedForward::Fused {
                    up,
                    gate: Some(gate),
                    down,
                }
            }
            (up, gate, down) => FeedForward::Separate { up, gate, down },
        }
    }

    /// `[n, outputs]` for `x`, `[n, inputs]`.
    pub(crate) fn forward(&self, x: &Tensor, parallelism: Parallelism) -> Result<Tensor> {
        match self {
            FeedForward::Fused { up, gate, down } => {
                let widths = (up.inputs, down.outputs);
                by_blocks(x, "feed-forward", widths, parallelism, |x, buffers, out| {
                    let Buffers {
                        layer,
                        wide,
                        gate: gated,
                    } = buffers;
                    let size = x.len() / up.inputs * up.outputs;
                    wide.resize(size, 0.0);
                    up.block(x, layer, wide);
                    if let Some(gate) = gate {
                        gated.resize(size, 0.0);
                        gate.block(x, layer, gated);
                        for (wide, gate) in wide.iter_mut().zip(gated) {
                            *wide *= *gate;
                        }
                    }
                    down.block(wide, layer, out);
                })
            }
            FeedForward::Separate { up, gate, down } => {
                let mut wide = up.forward(x, parallelism)?;
                if let Some(gate) = gate {
                    wide = (wide * gate.forward(x, parallelism)?)?;
                }
                down.forward(&wide, parallelism)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use colidx_kernels::Activation;

    use super::*;
    use crate::Precision;
    use crate::ops::Backend;
    use crate::ops::testing::random;

    #[test]
    fn fused_and_separate_layers_agree() -> Result<()> {
        for (width, middle) in [(16, 96), (33, 50)] {
            for gated in [false, true] {
                let layers = |backend: &Backend| -> Result<FeedForward> {
                    let up = |seed, activation| {
                        let (weight, bias) = (random(middle * width, seed), random(middle, 2));
                        Linear::new(&weight, &bias, width, activation, backend)
                    };
                    let gate = gated.then(|| up(5, Activation::Identity)).transpose()?;
                    let down = random(width * middle, 3);
                    let down = Linear::new(&down, &[], middle, Activation::Identity, backend)?;
                    Ok(FeedForward::new(up(1, Activation::Gelu)?, gate, down))
                };
                let x = Tensor::from_vec(random(130 * width, 4), (130, width), &Device::Cpu)?;
                let oracle = layers(&Backend::Candle(Device::Cpu))?;
                let fused = layers(&Backend::Native(Precision::F32))?;
                let expected = oracle.forward(&x, Parallelism::Sequential)?;
                for parallelism in [Parallelism::Sequential, Parallelism::Parallel] {
                    let found = fused.forward(&x, parallelism)?;
                    let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                    assert!(difference < 1e-4, "{difference}");
                }
            }
        }
        Ok(())
    }
}
