//! Rotary position embeddings.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::{Batch, Heads, elements};

/// Rotary position embeddings (Su et al., arXiv 2104.09864): dimensions `i` and `i + width / 2` of
/// a head are rotated together by `position * base^(-2 i / width)`.
#[derive(Clone, Debug)]
pub(crate) struct Rotary {
    heads: Heads,
    /// Radians per position for each pair of dimensions, `[width / 2]`.
    frequencies: Vec<f32>,
}

impl Rotary {
    /// For heads of even width. `scaling_factor` divides positions (Chen et al., arXiv 2306.15595).
    pub(crate) fn new(heads: Heads, base: f64, scaling_factor: f64) -> Rotary {
        let width = heads.width;
        let exponents = (0..width / 2).map(|i| 2.0 * i as f64 / width as f64);
        Rotary {
            heads,
            frequencies: exponents
                .map(|e| base.powf(-e) as f32 / scaling_factor as f32)
                .collect(),
        }
    }

    /// `qkv`, `[n, heads.row()]`, with queries and keys rotated by their position in the sequence.
    pub(crate) fn forward(&self, qkv: &Tensor, batch: &Batch) -> Result<Tensor> {
        match batch.padded() {
            None => qkv.apply_op1_no_bwd(&Forward {
                rotary: self,
                batch,
            }),
            Some(_) => self.with_tensors(qkv, batch),
        }
    }

    fn half(&self) -> usize {
        self.frequencies.len()
    }

    /// Cosines and sines for the positions `0..n`, each `[n, width / 2]`.
    fn tables(&self, n: usize) -> (Vec<f32>, Vec<f32>) {
        let mut cosines = Vec::with_capacity(n * self.half());
        let mut sines = Vec::with_capacity(n * self.half());
        for position in 0..n {
            for frequency in &self.frequencies {
                // The angle is rounded to f32, as in training.
                let angle = f64::from(position as f32 * frequency);
                cosines.push(angle.cos() as f32);
                sines.push(angle.sin() as f32);
            }
        }
        (cosines, sines)
    }

    fn with_tensors(&self, qkv: &Tensor, batch: &Batch) -> Result<Tensor> {
        let (n, width) = qkv.dims2()?;
        let half = self.half();
        let (cosines, sines) = self.tables(batch.longest());
        let positions = Tensor::from_vec(batch.positions(), n, qkv.device())?;
        let table = |values: Vec<f32>| {
            Tensor::from_vec(values, (batch.longest(), half), qkv.device())?
                .index_select(&positions, 0)?
                .reshape((n, 1, half))
        };
        let (cosines, sines) = (table(cosines)?, table(sines)?);
        let Heads { queries, keys, .. } = self.heads;
        let heads = qkv.reshape((n, queries + 2 * keys, 2 * half))?;
        let turned = heads.narrow(1, 0, queries + keys)?;
        let (x, y) = (turned.narrow(2, 0, half)?, turned.narrow(2, half, half)?);
        let first = (x.broadcast_mul(&cosines)? - y.broadcast_mul(&sines)?)?;
        let second = (y.broadcast_mul(&cosines)? + x.broadcast_mul(&sines)?)?;
        let turned = Tensor::cat(&[first, second], 2)?;
        let values = heads.narrow(1, queries + keys, keys)?;
        Tensor::cat(&[turned, values], 1)?.reshape((n, width))
    }
}

struct Forward<'a> {
    rotary: &'a Rotary,
    batch: &'a Batch,
}

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "rotary"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Rotary { heads, .. } = *self.rotary;
        let half = self.rotary.half();
        let (n, width) = layout.shape().dims2()?;
        heads.check(self.name(), width)?;
        let turned = (heads.queries + heads.keys) * heads.width;
        let mut out = elements(self.name(), storage, layout)?.to_vec();
        let (cosines, sines) = self.rotary.tables(self.batch.longest());
        let positions = self.batch.positions();
        let row = |table: &[f32], position: u32| {
            let start = position as usize * half;
            start..(start + half).min(table.len())
        };
        self.batch
            .parallelism
            .by_rows(&mut out, width, |first, out| {
                for (row_out, &position) in out.chunks_exact_mut(width).zip(&positions[first..]) {
                    let cosines = &cosines[row(&cosines, position)];
                    let sines = &sines[row(&sines, position)];
                    for head in row_out[..turned].chunks_exact_mut(2 * half) {
                        let (x, y) = head.split_at_mut(half);
                        for (((x, y), cosine), sine) in x.iter_mut().zip(y).zip(cosines).zip(sines)
                        {
                            (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
                        }
                    }
                }
            });
        Ok((CpuStorage::F32(out), (n, width).into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::testing::{batch, random};
    use crate::ops::{Backend, Parallelism};

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        for (queries, keys, scaling_factor) in [(3, 3, 1.0), (4, 2, 2.0)] {
            let heads = Heads {
                queries,
                keys,
                width: 8,
            };
            agrees(&Rotary::new(heads, 10_000.0, scaling_factor))?;
        }
        Ok(())
    }

    fn agrees(rotary: &Rotary) -> Result<()> {
        let (n, width) = (43, rotary.heads.row());
        let qkv = Tensor::from_vec(random(n * width, 1), (n, width), &Device::Cpu)?;
        let lengths = [(1, 1), (30, 30), (12, 5)];
        let oracle = batch(
            &lengths,
            Parallelism::Sequential,
            &Backend::Candle(Device::Cpu),
        )?;
        let expected = rotary.forward(&qkv, &oracle)?;
        for parallelism in [Parallelism::Sequential, Parallelism::Parallel] {
            let found =
                rotary.forward(&qkv, &batch(&lengths, parallelism, &Backend::default())?)?;
            let difference = (found - &expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(difference < 1e-6, "{difference}");
        }
        Ok(())
    }

    #[test]
    fn the_first_position_is_not_rotated_and_norms_stay() -> Result<()> {
        let rotary = Rotary::new(Heads::equal(1, 2), 100.0, 1.0);
        let qkv = Tensor::from_vec([[3.0f32, 4.0]; 6].concat(), (2, 6), &Device::Cpu)?;
        let batch = batch(&[(2, 2)], Parallelism::Sequential, &Backend::default())?;
        let out = rotary.forward(&qkv, &batch)?.to_vec2::<f32>()?;
        assert_eq!(out[0], [3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
        let expected = [
            3.0 * 1f32.cos() - 4.0 * 1f32.sin(),
            4.0 * 1f32.cos() + 3.0 * 1f32.sin(),
        ];
        for pair in out[1].chunks(2).take(2) {
            assert!((pair[0] - expected[0]).abs() < 1e-6 && (pair[1] - expected[1]).abs() < 1e-6);
        }
        assert_eq!(out[1][4..], [3.0, 4.0]);
        Ok(())
    }
}
