//! RMSNorm of whole rows and of heads.

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::kernels;

use super::{Backend, Heads, elements};

/// RMSNorm (Zhang and Sennrich, arXiv 1910.07467).
pub(crate) struct RmsNorm(Scale);

/// RMSNorm of each query head and each key head in a row of queries, keys and values (Henry et al.,
/// arXiv 2010.04245).
pub(crate) struct HeadNorm {
    heads: Heads,
    queries: Scale,
    keys: Scale,
}

enum Scale {
    Kernel { weight: Vec<f32>, epsilon: f32 },
    Tensors { weight: Tensor, epsilon: f64 },
}

impl Scale {
    fn new(weight: Vec<f32>, epsilon: f64, backend: &Backend) -> Result<Scale> {
        Ok(match backend {
            Backend::Native(_) => Scale::Kernel {
                weight,
                epsilon: epsilon as f32,
            },
            Backend::Candle(device) => Scale::Tensors {
                weight: Tensor::from_slice(&weight, weight.len(), device)?,
                epsilon,
            },
        })
    }
}

/// Normalizes the last dimension with candle's own operations.
fn with_tensors(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    let root = (x.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?;
    x.broadcast_div(&root)?.broadcast_mul(weight)
}

impl RmsNorm {
    /// A norm with `weight`, `[width]`.
    pub(crate) fn new(weight: Vec<f32>, epsilon: f64, backend: &Backend) -> Result<RmsNorm> {
        Ok(RmsNorm(Scale::new(weight, epsilon, backend)?))
    }

    /// The norm of `x`, `[n, width]`.
    pub(crate) fn of(&self, x: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Scale::Kernel { .. } => x.apply_op1_no_bwd(self),
            Scale::Tensors { weight, epsilon } => with_tensors(x, weight, *epsilon),
        }
    }
}

impl CustomOp1 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = elements(self.name(), storage, layout)?;
        let (_, width) = layout.shape().dims2()?;
        let mut out = vec![0.0; x.len()];
        self.0.apply(self.name(), width, x, &mut out)?;
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

impl Scale {
    /// Normalizes the rows of `x`, `[n, width]`, with the kernel.
    fn apply(&self, op: &str, width: usize, x: &[f32], out: &mut [f32]) -> Result<()> {
        match self {
            Scale::Kernel { weight, epsilon } if weight.len() == width => {
                kernels().rms_norm(x, weight, *epsilon, out);
                Ok(())
            }
            _ => bail!("{op}: rows of width {width} were not expected"),
        }
    }
}

impl HeadNorm {
    /// Norms with the weights `queries` and `keys`, both `[heads.width]`.
    pub(crate) fn new(
        heads: Heads,
        queries: Vec<f32>,
        keys: Vec<f32>,
        epsilon: f64,
        backend: &Backend,
    ) -> Result<HeadNorm> {
        Ok(HeadNorm {
            heads,
            queries: Scale::new(queries, epsilon, backend)?,
            keys: Scale::new(keys, epsilon, backend)?,
        })
    }

    /// `qkv`, `[n, heads.row()]`, with each query head and key head normalized.
    pub(crate) fn forward(&self, qkv: &Tensor) -> Result<Tensor> {
        let (
            Scale::Tensors {
                weight: queries,
                epsilon,
            },
            Scale::Tensors { weight: keys, .. },
        ) = (&self.queries, &self.keys)
        else {
            return qkv.apply_op1_no_bwd(self);
        };
        let (n, row) = qkv.dims2()?;
        let Heads {
            queries: some,
            keys: others,
            width,
        } = self.heads;
        let heads = qkv.reshape((n, some + 2 * others, width))?;
        let queries = with_tensors(&heads.narrow(1, 0, some)?, queries, *epsilon)?;
        let keys = with_tensors(&heads.narrow(1, some, others)?, keys, *epsilon)?;
        let values = heads.narrow(1, some + others, others)?;
        Tensor::cat(&[queries, keys, values], 1)?.reshape((n, row))
    }
}

impl CustomOp1 for HeadNorm {
    fn name(&self) -> &'static str {
        "head-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let qkv = elements(self.name(), storage, layout)?;
        let (_, row) = layout.shape().dims2()?;
        self.heads.check(self.name(), row)?;
        let Heads {
            queries,
            keys,
            width,
        } = self.heads;
        let keys = queries * width..(queries + keys) * width;
        let mut out = qkv.to_vec();
        for (x, out) in qkv.chunks_exact(row).zip(out.chunks_exact_mut(row)) {
            for (scale, part) in [(&self.queries, 0..keys.start), (&self.keys, keys.clone())] {
                scale.apply(self.name(), width, &x[part.clone()], &mut out[part])?;
            }
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::Precision;
    use crate::ops::testing::random;

    fn close(found: &Tensor, expected: &Tensor) -> Result<()> {
        let difference = (found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(difference < 1e-5, "{difference}");
        Ok(())
    }

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        let heads = Heads {
            queries: 4,
            keys: 2,
            width: 10,
        };
        let positions = [
            Backend::Native(Precision::F32),
            Backend::Candle(Device::Cpu),
        ];
        let x = Tensor::from_vec(random(7 * heads.row(), 1), (7, heads.row()), &Device::Cpu)?;
        let [kernel, oracle] = positions.each_ref().map(|position| {
            let weights = [random(10, 2), random(10, 3)];
            let [queries, keys] = weights;
            HeadNorm::new(heads, queries, keys, 1e-5, position)
        });
        close(&kernel?.forward(&x)?, &oracle?.forward(&x)?)?;
        let [kernel, oracle] =
            positions.map(|position| RmsNorm::new(random(heads.row(), 4), 1e-5, &position));
        close(&kernel?.of(&x)?, &oracle?.of(&x)?)
    }
}
