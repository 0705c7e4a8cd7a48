//! A linear layer with its activation, and two of them in a row.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{
    Activation, Int8Panels, Int8Rows, LANES, Panels, RowsView, dots_strided, int8_dots,
};

use super::{Threads, elements};
use crate::Precision;

/// Rows that pass through a layer together on one thread: with a wide middle of f32 they fit in the second-level cache.
const BLOCK: usize = 48;

/// `activation(x Wᵀ + b)`, the weights laid out for the kernels of colidx-kernels.
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    weights: Weights,
    activation: Activation,
}

enum Weights {
    F32(Panels),
    Int8(Int8Panels),
}

/// Room to work in for one block after the other.
#[derive(Default)]
struct Room {
    quantized: Int8Rows,
    /// Rows with the missing columns of the last panel.
    wide: Vec<f32>,
}

impl Linear {
    /// A layer of `weight`, `[outputs, inputs]` row-major, and `bias`, `[outputs]` or empty for none.
    pub(crate) fn new(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        activation: Activation,
        precision: Precision,
    ) -> Linear {
        Linear {
            inputs,
            outputs: weight.len() / inputs,
            weights: match (precision, bias) {
                (Precision::F32, []) => Weights::F32(Panels::new(weight, inputs)),
                (Precision::F32, _) => Weights::F32(Panels::with_bias(weight, inputs, bias)),
                (Precision::Int8, _) => Weights::Int8(Int8Panels::new(weight, inputs, bias)),
            },
            activation,
        }
    }

    /// Width of the output.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `[n, outputs]` for `x`, `[n, inputs]`.
    pub(crate) fn forward(&self, x: &Tensor, threads: Threads) -> Result<Tensor> {
        by_rows(x, "linear", (self.inputs, self.outputs), |x| {
            self.apply(x, threads)
        })
    }

    /// [`forward`](Self::forward) on slices.
    pub(crate) fn apply(&self, x: &[f32], threads: Threads) -> Vec<f32> {
        let mut out = vec![0.0; x.len() / self.inputs * self.outputs];
        threads.by_rows(&mut out, self.outputs, |first, out| {
            let mut room = Room::default();
            let x = x[first * self.inputs..].chunks(BLOCK * self.inputs);
            for (x, out) in x.zip(out.chunks_mut(BLOCK * self.outputs)) {
                let n = out.len() / self.outputs;
                self.block(&x[..n * self.inputs], &mut room, out);
            }
        });
        out
    }

    /// The outputs of a few rows of `x` into `out`, `[n, outputs]`, on one thread.
    fn block(&self, x: &[f32], room: &mut Room, out: &mut [f32]) {
        let padded = self.outputs.next_multiple_of(LANES);
        if self.outputs == padded {
            self.whole_panels(x, &mut room.quantized, out);
        } else {
            room.wide.resize(x.len() / self.inputs * padded, 0.0);
            self.whole_panels(x, &mut room.quantized, &mut room.wide);
            let rows = room.wide.chunks_exact(padded);
            for (row, out) in rows.zip(out.chunks_exact_mut(self.outputs)) {
                out.copy_from_slice(&row[..self.outputs]);
            }
        }
    }

    /// As [`block`](Self::block), `out` being as wide as whole panels are.
    fn whole_panels(&self, x: &[f32], quantized: &mut Int8Rows, out: &mut [f32]) {
        match &self.weights {
            Weights::F32(panels) => {
                let stride = panels.padded_columns();
                dots_strided(RowsView::new(x, self.inputs), panels, out, stride);
            }
            Weights::Int8(panels) => {
                quantized.quantize(x, self.inputs, self.inputs);
                int8_dots(quantized, panels, out, panels.padded_columns());
            }
        }
        self.activation.apply(out);
    }
}

/// Two layers, the output of the first being the input of the second: what follows attention in a transformer.
pub(crate) struct FeedForward {
    pub(crate) up: Linear,
    pub(crate) down: Linear,
}

impl FeedForward {
    /// `[n, down.outputs]` for `x`, `[n, up.inputs]`.
    pub(crate) fn forward(&self, x: &Tensor, threads: Threads) -> Result<Tensor> {
        let widths = (self.up.inputs, self.down.outputs);
        by_rows(x, "feed-forward", widths, |x| self.apply(x, threads))
    }

    fn apply(&self, x: &[f32], threads: Threads) -> Vec<f32> {
        let (inputs, outputs) = (self.up.inputs, self.down.outputs);
        let mut out = vec![0.0; x.len() / inputs * outputs];
        threads.by_rows(&mut out, outputs, |first, out| {
            let (mut room, mut middle) = (Room::default(), Vec::new());
            let x = x[first * inputs..].chunks(BLOCK * inputs);
            for (x, out) in x.zip(out.chunks_mut(BLOCK * outputs)) {
                // The wide middle never leaves the cache.
                let n = out.len() / outputs;
                middle.resize(n * self.up.outputs, 0.0);
                self.up.block(&x[..n * inputs], &mut room, &mut middle);
                self.down.block(&middle, &mut room, out);
            }
        });
        out
    }
}

/// Runs `apply`, which takes rows of one width and gives as many rows of another, as a candle operation.
fn by_rows(
    x: &Tensor,
    name: &'static str,
    widths: (usize, usize),
    apply: impl Fn(&[f32]) -> Vec<f32>,
) -> Result<Tensor> {
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
    fn agrees_with_candle() -> Result<()> {
        for (n, inputs, outputs) in [(1, 8, 5), (13, 32, 96), (200, 33, 130)] {
            let x = random(n * inputs, 1);
            let weight = random(outputs * inputs, 2);
            let bias = random(outputs, 3);
            let device = &Device::Cpu;
            let x = Tensor::from_vec(x, (n, inputs), device)?;
            let expected = x
                .matmul(&Tensor::from_slice(&weight, (outputs, inputs), device)?.t()?)?
                .broadcast_add(&Tensor::from_slice(&bias, outputs, device)?)?
                .gelu_erf()?;
            let layer = Linear::new(&weight, &bias, inputs, Activation::Gelu, Precision::F32);
            for threads in [Threads::One, Threads::All] {
                let found = layer.forward(&x, threads)?;
                let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
                assert!(difference < 2e-6, "{difference}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_row_is_the_same_in_any_company() {
        let (inputs, outputs) = (40, 70);
        let layer = Linear::new(
            &random(outputs * inputs, 1),
            &[],
            inputs,
            Activation::Identity,
            Precision::F32,
        );
        let x = random(131 * inputs, 2);
        let whole = layer.apply(&x, Threads::One);
        assert_eq!(whole, layer.apply(&x, Threads::All));
        for rows in [1, 2, 3, 7, 50] {
            let alone: Vec<f32> = x
                .chunks(rows * inputs)
                .flat_map(|x| layer.apply(x, Threads::One))
                .collect();
            assert_eq!(whole, alone, "{rows} rows at a time");
        }
    }

    #[test]
    fn feed_forward_is_its_layers_one_after_the_other() {
        for (width, middle) in [(16, 96), (33, 50)] {
            let layers = FeedForward {
                up: Linear::new(
                    &random(middle * width, 1),
                    &random(middle, 2),
                    width,
                    Activation::Gelu,
                    Precision::F32,
                ),
                down: Linear::new(
                    &random(width * middle, 3),
                    &[],
                    middle,
                    Activation::Identity,
                    Precision::F32,
                ),
            };
            let x = random(130 * width, 4);
            let expected = layers
                .down
                .apply(&layers.up.apply(&x, Threads::One), Threads::One);
            for threads in [Threads::One, Threads::All] {
                assert_eq!(layers.apply(&x, threads), expected);
            }
        }
    }
}
