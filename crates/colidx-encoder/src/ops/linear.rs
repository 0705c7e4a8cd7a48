//! A linear layer with its activation, and two of them in a row.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{
    Activation, Int8Panels, Int8Rows, LANES, Panels, RowsView, dots, dots_strided, int8_dots,
};

use super::{Threads, elements};
use crate::Precision;

/// Output columns that are computed together: the unit of work of a thread, whose weights fit in the second-level cache.
const GROUP: usize = 64;
/// Rows that pass through a layer together on one thread: with a wide middle of f32 they fit in the second-level cache.
const BLOCK: usize = 48;

/// `activation(x Wᵀ + b)`, the weights laid out for the kernels of colidx-kernels.
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    weights: Weights,
    activation: Activation,
}

/// The weights and biases of groups of [`GROUP`] outputs.
enum Weights {
    F32(Vec<Panels>),
    Int8(Vec<Int8Panels>),
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
        let groups = weight.chunks(GROUP * inputs).enumerate().map(|(g, rows)| {
            let columns = g * GROUP..g * GROUP + rows.len() / inputs;
            (rows, bias.get(columns).unwrap_or(&[]))
        });
        let weights = match precision {
            Precision::F32 => Weights::F32(
                groups
                    .map(|(rows, bias)| match bias {
                        [] => Panels::new(rows, inputs),
                        bias => Panels::with_bias(rows, inputs, bias),
                    })
                    .collect(),
            ),
            Precision::Int8 => Weights::Int8(
                groups
                    .map(|(rows, bias)| Int8Panels::new(rows, inputs, bias))
                    .collect(),
            ),
        };
        Linear {
            inputs,
            outputs: weight.len() / inputs,
            weights,
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
        match threads {
            Threads::One => {
                let n = x.len() / self.inputs;
                let mut out = Vec::with_capacity(n * self.outputs);
                let mut room = Room::default();
                for x in x.chunks(BLOCK * self.inputs) {
                    self.append(x, &mut room.quantized, &mut room.wide, &mut out);
                }
                out
            }
            Threads::All => self.by_groups(x, threads),
        }
    }

    /// Columns of a block: the outputs rounded up to whole panels.
    fn padded(&self) -> usize {
        self.outputs.next_multiple_of(LANES)
    }

    /// The outputs of a few rows of `x` into `out`, `[n, padded]`, on one thread.
    fn block(&self, x: &[f32], quantized: &mut Int8Rows, out: &mut [f32]) {
        let padded = self.padded();
        match &self.weights {
            Weights::F32(groups) => {
                for (g, panels) in groups.iter().enumerate() {
                    dots_strided(
                        RowsView::new(x, self.inputs),
                        panels,
                        &mut out[g * GROUP..],
                        padded,
                    );
                }
            }
            Weights::Int8(groups) => {
                quantized.quantize(x, self.inputs, self.inputs);
                for (g, panels) in groups.iter().enumerate() {
                    int8_dots(quantized, panels, &mut out[g * GROUP..], padded);
                }
            }
        }
        self.activation.apply(out);
    }

    /// The outputs of all rows of `x`, each group of columns on a thread of its own.
    fn by_groups(&self, x: &[f32], threads: Threads) -> Vec<f32> {
        let n = x.len() / self.inputs;
        let finish = |mut group: Vec<f32>| {
            self.activation.apply(&mut group);
            group
        };
        let groups: Vec<Vec<f32>> = match &self.weights {
            Weights::F32(groups) => threads.map(groups.len(), |g| {
                let mut out = vec![0.0; n * groups[g].padded_columns()];
                dots(x, &groups[g], &mut out);
                finish(out)
            }),
            Weights::Int8(groups) => {
                let mut quantized = Int8Rows::default();
                quantized.quantize(x, self.inputs, self.inputs);
                threads.map(groups.len(), |g| {
                    let width = groups[g].padded_columns();
                    let mut out = vec![0.0; n * width];
                    int8_dots(&quantized, &groups[g], &mut out, width);
                    finish(out)
                })
            }
        };
        let mut out = Vec::with_capacity(n * self.outputs);
        for row in 0..n {
            for (g, group) in groups.iter().enumerate() {
                let columns = GROUP.min(self.outputs - g * GROUP);
                let start = row * columns.next_multiple_of(LANES);
                out.extend_from_slice(&group[start..][..columns]);
            }
        }
        out
    }

    /// Appends the outputs of a few rows of `x` to `out`, `wide` being room to work in.
    fn append(&self, x: &[f32], quantized: &mut Int8Rows, wide: &mut Vec<f32>, out: &mut Vec<f32>) {
        let (n, padded) = (x.len() / self.inputs, self.padded());
        if self.outputs == padded {
            let start = out.len();
            out.resize(start + n * padded, 0.0);
            self.block(x, quantized, &mut out[start..]);
        } else {
            wide.resize(n * padded, 0.0);
            self.block(x, quantized, wide);
            for row in wide.chunks_exact(padded) {
                out.extend_from_slice(&row[..self.outputs]);
            }
        }
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
        if threads == Threads::All || self.up.outputs != self.up.padded() {
            return self.down.apply(&self.up.apply(x, threads), threads);
        }
        // The wide middle never leaves the cache.
        let mut out = Vec::with_capacity(x.len() / self.up.inputs * self.down.outputs);
        let mut middle = Vec::new();
        let Room { quantized, wide } = &mut Room::default();
        for x in x.chunks(BLOCK * self.up.inputs) {
            middle.resize(x.len() / self.up.inputs * self.up.outputs, 0.0);
            self.up.block(x, quantized, &mut middle);
            self.down.append(&middle, quantized, wide, &mut out);
        }
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
