//! A linear layer with its activation.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{Activation, LANES, Panels, RowsView, kernels};

use super::activation::activate;
use super::int8::{self, Int8Weights};
use super::{Placement, Threads, elements};
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
    /// A layer of `weight`, `[outputs, inputs]` row-major, and `bias`, `[outputs]` or empty for none.
    pub(crate) fn new(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        activation: Activation,
        placement: &Placement,
    ) -> Result<Linear> {
        let precision = match placement {
            Placement::Kernels(precision) => *precision,
            Placement::Tensors(device) => {
                return Ok(Linear::Tensors {
                    weight: placement.matrix(weight, inputs)?.t()?.contiguous()?,
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
    pub(crate) fn forward(&self, x: &Tensor, threads: Threads) -> Result<Tensor> {
        match self {
            Linear::Kernel(kernel) => {
                let widths = (kernel.inputs, kernel.outputs);
                by_blocks(x, "linear", widths, threads, |x, room, out| {
                    kernel.block(x, room, out);
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

/// A layer whose weights are laid out for the kernels of colidx-kernels.
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

/// Room that a thread has to work in for one block after the other.
#[derive(Default)]
pub(super) struct Room {
    int8: int8::Room,
    /// Rows with the missing columns of the last panel.
    wide: Vec<f32>,
}

impl Kernel {
    /// The outputs of a few rows of `x` into `out`, `[n, outputs]`, on one thread.
    pub(super) fn block(&self, x: &[f32], room: &mut Room, out: &mut [f32]) {
        let padded = self.outputs.next_multiple_of(LANES);
        if self.outputs == padded {
            return self.whole_panels(x, &mut room.int8, out);
        }
        room.wide.resize(x.len() / self.inputs * padded, 0.0);
        self.whole_panels(x, &mut room.int8, &mut room.wide);
        let rows = room.wide.chunks_exact(padded);
        for (row, out) in rows.zip(out.chunks_exact_mut(self.outputs)) {
            out.copy_from_slice(&row[..self.outputs]);
        }
    }

    /// As [`block`](Self::block), `out` being as wide as whole panels are.
    fn whole_panels(&self, x: &[f32], room: &mut int8::Room, out: &mut [f32]) {
        match &self.weights {
            Weights::F32(panels) => {
                let stride = panels.padded_columns();
                kernels().dots_strided(RowsView::new(x, self.inputs), panels, out, stride);
            }
            Weights::Int8(weights) => weights.products(x, room, out),
        }
        kernels().activate(self.activation, out);
    }
}

/// Rows that pass through layers together on one thread: with a wide middle of f32 they fit in the second-level cache.
const BLOCK: usize = 48;

/// Runs `block`, which takes a few rows of one width to as many rows of another, over `x` as a candle operation.
pub(super) fn by_blocks<R: Default>(
    x: &Tensor,
    name: &'static str,
    widths: (usize, usize),
    threads: Threads,
    block: impl Fn(&[f32], &mut R, &mut [f32]) + Sync,
) -> Result<Tensor> {
    let (inputs, outputs) = widths;
    let apply = |x: &[f32]| {
        let mut out = vec![0.0; x.len() / inputs * outputs];
        threads.by_rows(&mut out, outputs, |first, out| {
            let mut room = R::default();
            let x = x[first * inputs..].chunks(BLOCK * inputs);
            for (x, out) in x.zip(out.chunks_mut(BLOCK * outputs)) {
                block(&x[..out.len() / outputs * inputs], &mut room, out);
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
            let run = |placement, bias: &[f32], threads| {
                Linear::new(&weight, bias, inputs, Activation::Gelu, &placement)?
                    .forward(&x, threads)
            };
            for bias in [&bias[..], &[]] {
                let expected = run(Placement::Tensors(Device::Cpu), bias, Threads::One)?;
                for threads in [Threads::One, Threads::All] {
                    let found = run(Placement::Kernels(Precision::F32), bias, threads)?;
                    let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                    assert!(difference < 2e-6, "{difference}");
                    let found = run(Placement::Kernels(Precision::Int8), bias, threads)?;
                    let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                    // The products of `inputs` pairs, each rounded to a 255th.
                    let bound = 0.01 * (inputs as f32).sqrt();
                    assert!(difference < bound, "{difference}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_row_is_the_same_in_any_company() -> Result<()> {
        let (inputs, outputs) = (40, 70);
        for precision in [Precision::F32, Precision::Int8] {
            let layer = Linear::new(
                &random(outputs * inputs, 1),
                &[],
                inputs,
                Activation::Identity,
                &Placement::Kernels(precision),
            )?;
            let n = 131;
            let x = Tensor::from_vec(random(n * inputs, 2), (n, inputs), &Device::Cpu)?;
            let whole = layer.forward(&x, Threads::One)?.to_vec2::<f32>()?;
            assert_eq!(layer.forward(&x, Threads::All)?.to_vec2::<f32>()?, whole);
            for rows in [1, 2, 3, 7, 50] {
                for first in (0..n).step_by(rows) {
                    let part = x.narrow(0, first, rows.min(n - first))?;
                    let alone = layer.forward(&part, Threads::All)?.to_vec2::<f32>()?;
                    assert_eq!(alone, whole[first..first + alone.len()]);
                }
            }
        }
        Ok(())
    }
}
