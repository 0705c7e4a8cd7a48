//! LayerNorm, and scaling to length one.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use colidx_kernels::kernels;

use super::{Backend, elements};

/// LayerNorm (Ba et al., arXiv 1607.06450), also of the sum of two tensors, for the residual
/// connections of BERT.
pub(crate) enum LayerNorm {
    Kernel(Kernel),
    Tensors {
        weight: Tensor,
        bias: Tensor,
        epsilon: f64,
    },
}

pub(crate) struct Kernel {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// A norm with `weight` and `bias`, both `[width]`.
    pub(crate) fn new(
        weight: Vec<f32>,
        bias: Vec<f32>,
        epsilon: f64,
        backend: &Backend,
    ) -> Result<LayerNorm> {
        Ok(match backend {
            Backend::Native(_) => LayerNorm::Kernel(Kernel {
                weight,
                bias,
                epsilon: epsilon as f32,
            }),
            Backend::Candle(device) => LayerNorm::Tensors {
                weight: Tensor::from_slice(&weight, weight.len(), device)?,
                bias: Tensor::from_slice(&bias, bias.len(), device)?,
                epsilon,
            },
        })
    }

    /// The norm of `x`, `[n, width]`.
    pub(crate) fn of(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            LayerNorm::Kernel(kernel) => x.apply_op1_no_bwd(kernel),
            LayerNorm::Tensors {
                weight,
                bias,
                epsilon,
            } => {
                let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
                let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + *epsilon)?.sqrt()?;
                centred
                    .broadcast_div(&deviation)?
                    .broadcast_mul(weight)?
                    .broadcast_add(bias)
            }
        }
    }

    /// The norm of `x + y`, both `[n, width]`.
    pub(crate) fn of_sum(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        match self {
            LayerNorm::Kernel(kernel) => x.apply_op2_no_bwd(y, kernel),
            LayerNorm::Tensors { .. } => self.of(&(x + y)?),
        }
    }
}

impl Kernel {
    fn forward(&self, x: &[f32], y: Option<&[f32]>) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        kernels().layer_norm(x, y, &self.weight, &self.bias, self.epsilon, &mut out);
        out
    }

    fn check(&self, layout: &Layout) -> Result<Shape> {
        let (_, width) = layout.shape().dims2()?;
        if width != self.weight.len() {
            bail!(
                "layer-norm: input of width {width} where {} was expected",
                self.weight.len()
            );
        }
        Ok(layout.shape().clone())
    }
}

impl CustomOp1 for Kernel {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = self.check(layout)?;
        let out = self.forward(elements("layer-norm", x, layout)?, None);
        Ok((CpuStorage::F32(out), shape))
    }
}

impl CustomOp2 for Kernel {
    fn name(&self) -> &'static str {
        "layer-norm-of-sum"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = self.check(x_layout)?;
        if x_layout.shape() != y_layout.shape() {
            bail!("layer-norm-of-sum: two tensors of one shape are needed");
        }
        let x = elements("layer-norm-of-sum", x, x_layout)?;
        let y = elements("layer-norm-of-sum", y, y_layout)?;
        Ok((CpuStorage::F32(self.forward(x, Some(y))), shape))
    }
}

/// Scales `vector` to length one. Lengths below 1e-12 count as 1e-12, as in torch's `normalize`.
pub(crate) fn normalize(vector: &mut [f32]) {
    let squares: f32 = vector.iter().map(|x| x * x).sum();
    let length = squares.sqrt().max(1e-12);
    for value in vector {
        *value /= length;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::Precision;
    use crate::ops::testing::random;

    #[test]
    fn kernels_agree_with_candle() -> Result<()> {
        let (n, width, device) = (5, 37, &Device::Cpu);
        let x = Tensor::from_vec(random(n * width, 1), (n, width), device)?;
        let y = Tensor::from_vec(random(n * width, 2), (n, width), device)?;
        let norm = |backend| {
            let (weight, bias) = (random(width, 3), random(width, 4));
            LayerNorm::new(weight, bias, 1e-12, &backend)
        };
        let kernel = norm(Backend::Native(Precision::F32))?;
        let oracle = norm(Backend::Candle(Device::Cpu))?;
        for (found, expected) in [
            (kernel.of_sum(&x, &y)?, oracle.of_sum(&x, &y)?),
            (kernel.of(&x)?, oracle.of(&x)?),
        ] {
            let difference = (found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(difference < 1e-6, "{difference}");
        }
        Ok(())
    }

    #[test]
    fn vectors_get_length_one_and_zero_stays_zero() {
        let mut vector = [3.0, 4.0];
        normalize(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
        let mut zero = [0.0; 4];
        normalize(&mut zero);
        assert_eq!(zero, [0.0; 4]);
    }
}
