//! A linear layer with its activation.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::{Panels, dots};

use super::{Activation, Threads, elements};

/// Output columns that are computed together: the unit of work of a thread, whose weights fit in the second-level cache.
const GROUP: usize = 64;
/// Rows that pass through a layer together on one thread.
const BLOCK: usize = 96;

/// `activation(x Wᵀ + b)`, the weights laid out for the kernels of colidx-kernels.
pub(crate) struct Linear {
    inputs: usize,
    outputs: usize,
    groups: Vec<Panels>,
    activation: Activation,
}

impl Linear {
    /// A layer of `weight`, `[outputs, inputs]` row-major, and `bias`, `[outputs]` or empty for none.
    pub(crate) fn new(
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
        activation: Activation,
    ) -> Linear {
        let outputs = weight.len() / inputs;
        let groups = (0..outputs)
            .step_by(GROUP)
            .map(|first| {
                let columns = first..outputs.min(first + GROUP);
                let rows = &weight[columns.start * inputs..columns.end * inputs];
                if bias.is_empty() {
                    Panels::new(rows, inputs)
                } else {
                    Panels::with_bias(rows, inputs, &bias[columns])
                }
            })
            .collect();
        Linear {
            inputs,
            outputs,
            groups,
            activation,
        }
    }

    /// Width of the input.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `[n, outputs]` for `x`, `[n, inputs]`.
    pub(crate) fn forward(&self, x: &Tensor, threads: Threads) -> Result<Tensor> {
        x.apply_op1_no_bwd(&Forward {
            layer: self,
            threads,
        })
    }

    /// [`forward`](Self::forward) on slices.
    pub(crate) fn apply(&self, x: &[f32], out: &mut [f32], threads: Threads) {
        match threads {
            Threads::One => {
                let mut scratch = Vec::new();
                let blocks = x.chunks(BLOCK * self.inputs);
                for (x, out) in blocks.zip(out.chunks_mut(BLOCK * self.outputs)) {
                    for g in 0..self.groups.len() {
                        self.group(g, x, &mut scratch);
                        self.place(g, &scratch, out);
                    }
                }
            }
            Threads::All => {
                let results = threads.map(self.groups.len(), |g| {
                    let mut scratch = Vec::new();
                    self.group(g, x, &mut scratch);
                    scratch
                });
                for (g, result) in results.iter().enumerate() {
                    self.place(g, result, out);
                }
            }
        }
    }

    /// The outputs of group `g`, `[n, padded columns of the group]`.
    fn group(&self, g: usize, x: &[f32], result: &mut Vec<f32>) {
        let panels = &self.groups[g];
        result.resize(x.len() / self.inputs * panels.padded_columns(), 0.0);
        dots(x, panels, result);
        self.activation.apply(result);
    }

    /// Copies the outputs of group `g` to their columns of `out`.
    fn place(&self, g: usize, result: &[f32], out: &mut [f32]) {
        let panels = &self.groups[g];
        let rows = result.chunks_exact(panels.padded_columns());
        for (row, out) in rows.zip(out.chunks_exact_mut(self.outputs)) {
            out[g * GROUP..][..panels.columns()].copy_from_slice(&row[..panels.columns()]);
        }
    }
}

struct Forward<'a> {
    layer: &'a Linear,
    threads: Threads,
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(self.name(), storage, layout)?;
        let (n, width) = layout.shape().dims2()?;
        let layer = self.layer;
        if width != layer.inputs {
            bail!(
                "linear: input of width {width} where {} was expected",
                layer.inputs
            );
        }
        let mut out = vec![0.0; n * layer.outputs];
        layer.apply(x, &mut out, self.threads);
        Ok((CpuStorage::F32(out), (n, layer.outputs).into()))
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
            let layer = Linear::new(&weight, &bias, inputs, Activation::Gelu);
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
        );
        let x = random(131 * inputs, 2);
        let apply = |x: &[f32], threads| {
            let mut out = vec![0.0; x.len() / inputs * outputs];
            layer.apply(x, &mut out, threads);
            out
        };
        let whole = apply(&x, Threads::One);
        assert_eq!(whole, apply(&x, Threads::All));
        for rows in [1, 2, 3, 7, 50] {
            let alone: Vec<f32> = x
                .chunks(rows * inputs)
                .flat_map(|x| apply(x, Threads::One))
                .collect();
            assert_eq!(whole, alone, "{rows} rows at a time");
        }
    }
}
