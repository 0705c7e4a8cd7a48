//! Normalisation: LayerNorm of a sum, and scaling to length one.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use colidx_kernels::layer_norm;

use super::elements;

/// LayerNorm (Ba et al., arXiv 1607.06450) of the sum of two tensors, as it follows each residual connection of BERT.
pub(crate) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// A norm with `weight` and `bias`, both `[width]`.
    pub(crate) fn new(weight: Vec<f32>, bias: Vec<f32>, epsilon: f32) -> LayerNorm {
        LayerNorm {
            weight,
            bias,
            epsilon,
        }
    }

    /// The norm of `x + y`, both `[n, width]`.
    pub(crate) fn of_sum(&self, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        x.apply_op2_no_bwd(y, self)
    }
}

impl CustomOp2 for LayerNorm {
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
        let width = self.weight.len();
        let (n, found) = x_layout.shape().dims2()?;
        if found != width || x_layout.shape() != y_layout.shape() {
            bail!("layer-norm-of-sum: two tensors of width {width} are needed");
        }
        let x = elements(self.name(), x, x_layout)?;
        let y = elements(self.name(), y, y_layout)?;
        let mut out = vec![0.0; n * width];
        layer_norm(x, y, &self.weight, &self.bias, self.epsilon, &mut out);
        Ok((CpuStorage::F32(out), (n, width).into()))
    }
}

/// Scales `vector` to length one; a vector shorter than 1e-12 is divided by 1e-12, as torch's `normalize` does.
pub(crate) fn normalize(vector: &mut [f32]) {
    let squares: f32 = vector.iter().map(|x| x * x).sum();
    let length = squares.sqrt().max(1e-12);
    for value in vector {
        *value /= length;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Device};

    use super::*;
    use crate::ops::testing::random;

    #[test]
    fn agrees_with_candle() -> Result<()> {
        let (n, width, device) = (5, 37, &Device::Cpu);
        let x = Tensor::from_vec(random(n * width, 1), (n, width), device)?;
        let y = Tensor::from_vec(random(n * width, 2), (n, width), device)?;
        let (weight, bias) = (random(width, 3), random(width, 4));
        let sum = (&x + &y)?;
        let centred = sum.broadcast_sub(&sum.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
        let expected = centred
            .broadcast_div(&deviation)?
            .broadcast_mul(&Tensor::from_slice(&weight, width, device)?)?
            .broadcast_add(&Tensor::from_slice(&bias, width, device)?)?;
        let found = LayerNorm::new(weight, bias, 1e-12).of_sum(&x, &y)?;
        let difference = (found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(difference < 1e-6, "{difference}");
        Ok(())
    }

    #[test]
    fn vectors_get_length_one_and_zero_stays() {
        let mut vector = [3.0, 4.0];
        normalize(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
        let mut zero = [0.0; 4];
        normalize(&mut zero);
        assert_eq!(zero, [0.0; 4]);
    }
}
