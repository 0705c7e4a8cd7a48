//! A linear layer with its activation.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{Activation, LANES, Panels, RowsView, kernels};

use super::activation::activate;
use super::int8::{self, Int8Weights};
use super::{Backend, Parallelism, elements};
use crate::Precision;

/// `activation(x Wᵀ + b)`.
pub(crate) enum Linear {
    Kernel(Kernel),
    Tensors {
        /// `Wᵀ`, `[inputs, outputs]`.
        weight: Tensor,
        bias: Option<Tensor>,
        activation: Activation,
    },
}

impl Linear {
    /// A layer with `weight`, `[outputs, inputs]` row-major, and `bias`, `[outputs]` or empty.
    pub(crate) fn new(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        activation: Activation,
        backend: &Backend,
    ) -> Result<Linear> {
        let precision = match backend {
            Backend::Native(precision) => *precision,
            Backend::Candle(device) => {
                return Ok(Linear::Tensors {
                    weight: backend.matrix(weight, inputs)?.t()?.contiguous()?,
                    bias: match bias {
                        [] => None,
                        bias => Some(Tensor::from_slice(bias, bias.len(), device)?),
                    },
                    activation,
                });
            }
        };
        Ok(Linear::Kernel(Kernel {
            inputs,
            outputs: weight.len() / inputs,
            weights: match (precision, bias) {
                (Precision::F32, []) => Weights::F32(Panels::new(weight, inputs)),
                (Precision::F32, _) => Weights::F32(Panels::with_bias(weight, inputs, bias)),
                (Precision::Int8, _) => Weights::Int8(Int8Weights::new(weight, inputs, bias)),
            },
            activation,
        }))
    }

    /// `[n, outputs]` for `x`, `[n, inputs]`.
    pub(crate) fn forward(&self, x: &Tensor, parallelism: Parallelism) -> Result<Tensor> {
        match self {
            Linear::Kernel(kernel) => {
                let widths = (kernel.inputs, kernel.outputs);
                by_blocks(x, "linear", widths, parallelism, |x, workspace, out| {
                    kernel.block(x, workspace, out);
                })
            }
            Linear::Tensors {
                weight,
                bias,
                activation,
            } => {
                let x = x.matmul(weight)?;
                let x = match bias {
                    Some(bias) => x.broadcast_add(bias)?,
                    None => x,
                };
                activate(*activation, &x)
            }
        }
    }
}

/// A layer with its weights in the layout of colidx-kernels.
pub(crate) struct Kernel {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    weights: Weights,
    activation: Activation,
}

enum Weights {
    F32(Panels),
    Int8(Int8Weights),
}

/// Buffers reused by a thread from block to block.
#[derive(Default)]
pub(super) struct Workspace {
    int8: int8::Workspace,
    /// Rows padded to whole panels.
    wide: Vec<f32>,
}

impl Kernel {
    /// Computes the outputs of a few rows of `x` into `out`, `[n, outputs]`, on one thread.
    pub(super) fn block(&self, x: &[f32], workspace: &mut Workspace, out: &mut [f32]) {
        let padded = self.outputs.next_multiple_of(LANES);
        if self.outputs == padded {
            return self.whole_panels(x, &mut workspace.int8, out);
        }
        workspace.wide.resize(x.len() / self.inputs * padded, 0.0);
        self.whole_panels(x, &mut workspace.int8, &mut workspace.wide);
        let rows = workspace.wide.chunks_exact(padded);
        for (row, out) in rows.zip(out.chunks_exact_mut(self.outputs)) {
            out.copy_from_slice(&row[..self.outputs]);
        }
    }

    /// As [`block`](Self::block), with `out` as wide as whole panels.
    fn whole_panels(&self, x: &[f32], workspace: &mut int8::Workspace, out: &mut [f32]) {
        match &self.weights {
            Weights::F32(panels) => {
                let stride = panels.padded_columns();
                kernels().dots_strided(RowsView::new(x, self.inputs), panels, out, stride);
            }
            Weights::Int8(weights) => weights.products(x, workspace, out),
        }
        kernels().activate(self.activation, out);
    }
}

/// Rows that pass through layers together on one thread: their wide intermediate fits in the L2
/// cache.
const BLOCK_ROWS: usize = 48;

/// Applies `block`, which maps a few rows of one width to rows of another, to `x` as a candle
/// operation.
pub(super) fn by_blocks<R: Default>(
    x: &Tensor,
    name: &'static str,
    widths: (usize, usize),
    parallelism: Parallelism,
    block: impl Fn(&[f32], &mut R, &mut [f32]) + Sync,
) -> Result<Tensor> {
    let (inputs, outputs) = widths;
    let apply = |x: &[f32]| {
        let mut out = vec![0.0; x.len() / inputs * outputs];
        parallelism.by_rows(&mut out, outputs, |first, out| {
            let mut workspace = R::default();
            let x = x[first * inputs..].chunks(BLOCK_ROWS * inputs);
            for (x, out) in x.zip(out.chunks_mut(BLOCK_ROWS * outputs)) {
                block(&x[..out.len() / outputs * inputs], &mut workspace, out);
            }
        });
        out
    };
    x.apply_op1_no_bwd(&ByRows {
        name,
        widths,
        apply,
    })
}

struct ByRows<F> {
    name: &'static str,
    widths: (usize, usize),
    apply: F,
}

impl<F: Fn(&[f32]) -> Vec<f32>> CustomOp1 for ByRows<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(self.name, storage, layout)?;
        let (n, found) = layout.shape().dims2()?;
        let (expected, width) = self.widths;
        if found != expected {
            bail!(
                "{}: input of width {found} where {expected} was expected",
                self.name
            );
        }
        Ok((CpuStorage::F32((self.apply)(x)), (n, width).into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::random;

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        for (n, inputs, outputs) in [(1, 8, 5), (13, 32, 96), (200, 33, 130)] {
            let weight = random(outputs * inputs, 2);
            let bias = random(outputs, 3);
            let x = Tensor::from_vec(random(n * inputs, 1), (n, inputs), &Device::Cpu)?;
            let run = |backend, bias: &[f32], parallelism| {
                Linear::new(&weight, bias, inputs, Activation::Gelu, &backend)?
                    .forward(&x, parallelism)
            };
            for bias in [&bias[..], &[]] {
                let expected = run(Backend::Candle(Device::Cpu), bias, Parallelism::Sequential)?;
                for parallelism in [Parallelism::Sequential, Parallelism::Parallel] {
                    let found = run(Backend::Native(Precision::F32), bias, parallelism)?;
                    let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                    assert!(difference < 2e-6, "{difference}");
                    let found = run(Backend::Native(Precision::Int8), bias, parallelism)?;
                    let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                    // Products of `inputs` pairs, each rounded to 1/255.
                    let bound = 0.01 * (inputs as f32).sqrt();
                    assert!(difference < bound, "{difference}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_row_does_not_depend_on_other_rows() -> Result<()> {
        let (inputs, outputs) = (40, 70);
        for precision in [Precision::F32, Precision::Int8] {
            let layer = Linear::new(
                &random(outputs * inputs, 1),
                &[],
                inputs,
                Activation::Identity,
                &Backend::Native(precision),
            )?;
            let n = 131;
            let x = Tensor::from_vec(random(n * inputs, 2), (n, inputs), &Device::Cpu)?;
            let whole = layer
                .forward(&x, Parallelism::Sequential)?
                .to_vec2::<f32>()?;
            assert_eq!(
                layer.forward(&x, Parallelism::Parallel)?.to_vec2::<f32>()?,
                whole
            );
            for rows in [1, 2, 3, 7, 50] {
                for first in (0..n).step_by(rows) {
                    let part = x.narrow(0, first, rows.min(n - first))?;
                    let alone = layer
                        .forward(&part, Parallelism::Parallel)?
                        .to_vec2::<f32>()?;
                    assert_eq!(alone, whole[first..first + alone.len()]);
                }
            }
        }
        Ok(())
    }
}
