//! A gated convolution over a few tokens.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::{Backend, Batch, Sequence, elements};

/// The short convolution of LFM2 (Liquid AI, arXiv 2511.23404). For inputs `b`, `c` and `x`, it
/// convolves each dimension of `b * x` over the last few tokens and multiplies the result by `c`.
pub(crate) struct ShortConvolution {
    width: usize,
    /// Kernel size: the token itself and those before it.
    taps: usize,
    /// `[taps, width]`, the earliest token first.
    weight: Vec<f32>,
    /// `[width]`.
    bias: Vec<f32>,
    /// Weight and bias as tensors, for candle's operations.
    tensors: Option<(Tensor, Tensor)>,
}

impl ShortConvolution {
    /// A convolution with `weight`, `[width, taps]` row-major as in checkpoints, and `bias`,
    /// `[width]`.
    pub(crate) fn new(
        weight: &[f32],
        bias: Vec<f32>,
        taps: usize,
        backend: &Backend,
    ) -> Result<ShortConvolution> {
        let width = bias.len();
        let weight: Vec<f32> = (0..taps * width)
            .map(|i| weight[i % width * taps + i / width])
            .collect();
        Ok(ShortConvolution {
            tensors: match backend {
                Backend::Native(_) => None,
                Backend::Candle(_) => Some((
                    backend.matrix(&weight, width)?,
                    backend.matrix(&bias, width)?,
                )),
            },
            width,
            taps,
            weight,
            bias,
        })
    }

    /// `[n, width]` for `bcx`, `[n, 3 width]`.
    pub(crate) fn forward(&self, bcx: &Tensor, batch: &Batch) -> Result<Tensor> {
        match &self.tensors {
            None => bcx.apply_op1_no_bwd(&Forward {
                convolution: self,
                batch,
            }),
            Some((weight, bias)) => self.with_tensors(bcx, batch, weight, bias),
        }
    }

    fn with_tensors(
        &self,
        bcx: &Tensor,
        batch: &Batch,
        weight: &Tensor,
        bias: &Tensor,
    ) -> Result<Tensor> {
        let part = |which| bcx.narrow(1, which * self.width, self.width);
        let product = (part(0)? * part(2)?)?;
        let positions = batch.positions();
        let mut sum = bias.broadcast_as(product.shape())?;
        for tap in 0..self.taps {
            let back = (self.taps - 1 - tap) as u32;
            // Tokens before the first one count as zero.
            let rows: Vec<u32> = (0u32..)
                .zip(&positions)
                .map(|(row, &position)| if position < back { row } else { row - back })
                .collect();
            let there: Vec<f32> = positions
                .iter()
                .map(|&position| f32::from(position >= back))
                .collect();
            let n = rows.len();
            let rows = Tensor::from_vec(rows, n, bcx.device())?;
            let there = Tensor::from_vec(there, (n, 1), bcx.device())?;
            let earlier = product.index_select(&rows, 0)?.broadcast_mul(&there)?;
            sum = (sum + earlier.broadcast_mul(&weight.narrow(0, tap, 1)?)?)?;
        }
        part(1)? * sum
    }

    /// Computes the rows of a sequence `bcx`, `[n, 3 width]`, beginning at `first`, into `out`.
    /// Products and sums are rounded separately, so that every processor computes the same bits.
    fn rows(&self, bcx: &[f32], first: usize, out: &mut [f32]) {
        let width = self.width;
        for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
            out.copy_from_slice(&self.bias);
            let taps = self.weight.chunks_exact(width).enumerate();
            for (tap, weight) in taps {
                let Some(row) = (row + tap + 1).checked_sub(self.taps) else {
                    continue;
                };
                let (b, rest) = bcx[row * 3 * width..][..3 * width].split_at(width);
                let x = &rest[width..];
                for (((out, weight), b), x) in out.iter_mut().zip(weight).zip(b).zip(x) {
                    *out += weight * (b * x);
                }
            }
            let c = &bcx[(row * 3 + 1) * width..][..width];
            for (out, c) in out.iter_mut().zip(c) {
                *out *= c;
            }
        }
    }
}

struct Forward<'a> {
    convolution: &'a ShortConvolution,
    batch: &'a Batch,
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "short-convolution"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let bcx = elements(self.name(), storage, layout)?;
        let (n, row) = layout.shape().dims2()?;
        let width = self.convolution.width;
        if row != 3 * width {
            bail!(
                "short-convolution: input of width {row} where {} was expected",
                3 * width
            );
        }
        let mut out = vec![0.0; n * width];
        for Sequence { rows, .. } in &self.batch.sequences {
            let bcx = &bcx[rows.start * row..rows.end * row];
            let out = &mut out[rows.start * width..rows.end * width];
            let parallelism = self.batch.parallelism;
            parallelism.by_rows(out, width, |first, out| {
                self.convolution.rows(bcx, first, out);
            });
        }
        Ok((CpuStorage::F32(out), (n, width).into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::Parallelism;
    use crate::ops::testing::{batch, random};

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        let (width, n) = (10, 43);
        let bcx = Tensor::from_vec(random(n * 3 * width, 1), (n, 3 * width), &Device::Cpu)?;
        let lengths = [(1, 1), (30, 30), (12, 5)];
        for taps in [1, 3, 4] {
            let run = |backend: &Backend, parallelism| {
                let weight = random(width * taps, 2);
                ShortConvolution::new(&weight, random(width, 3), taps, backend)?
                    .forward(&bcx, &batch(&lengths, parallelism, backend)?)
            };
            let expected = run(&Backend::Candle(Device::Cpu), Parallelism::Sequential)?;
            let found = run(&Backend::default(), Parallelism::Sequential)?;
            let difference = (&found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(difference < 1e-6, "{difference}");
            let spread = run(&Backend::default(), Parallelism::Parallel)?;
            assert_eq!(spread.to_vec2::<f32>()?, found.to_vec2::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn convolution_is_causal() -> Result<()> {
        let bcx: Vec<f32> = [1.0, 10.0, 100.0]
            .iter()
            .flat_map(|x| [1.0, 2.0, *x])
            .collect();
        let bcx = Tensor::from_vec(bcx, (3, 3), &Device::Cpu)?;
        let backend = Backend::default();
        let convolution = ShortConvolution::new(&[3.0, 5.0], vec![0.5], 2, &backend)?;
        let out =
            convolution.forward(&bcx, &batch(&[(3, 3)], Parallelism::Sequential, &backend)?)?;
        assert_eq!(out.to_vec2::<f32>()?, [[11.0], [107.0], [1061.0]]);
        Ok(())
    }
}
