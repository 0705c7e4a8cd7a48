//! The element-wise and row-wise layers of a transformer: activation functions, softmax, LayerNorm
//! and RMSNorm.
//!
//! Each body is plain Rust, written to vectorise and compiled once for each instruction set. Sums
//! are in an order that does not depend on the register width, so that every instruction set gives
//! the same bits.

mod body;
mod math;

use crate::kernels::dispatch;
use crate::{Kernels, LANES};

/// A function applied to each element of a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x`.
    Identity,
    /// `x Φ(x)`, Φ being the normal distribution function (Hendrycks and Gimpel, arXiv 1606.08415),
    /// to 1e-6 absolute.
    Gelu,
    /// The tanh approximation of GELU, from the same paper.
    GeluTanh,
    /// The sigmoid approximation of GELU, from the same paper: `x / (1 + e^-1.702x)`.
    GeluQuick,
    /// `max(x, 0)`.
    Relu,
    /// `x / (1 + e^-x)`.
    Silu,
    /// The hyperbolic tangent, to 3e-7 absolute.
    Tanh,
    /// `1 / (1 + e^-x)`, to 3e-7 absolute.
    Sigmoid,
}

impl Kernels {
    /// Applies `activation` to each of `values`.
    pub fn activate(self, activation: Activation, values: &mut [f32]) {
        dispatch!(self, activate(activation, values));
    }

    /// Softmax of the first `n` values of each row of `scores`, `[n_rows, stride]`, in place; the
    /// others become zero.
    ///
    /// # Panics
    /// If `stride` is 0 or no multiple of [`LANES`], `n` is 0 or above `stride`, or `scores` is no
    /// whole number of rows.
    pub fn softmax(self, scores: &mut [f32], stride: usize, n: usize) {
        assert!(
            stride > 0 && stride.is_multiple_of(LANES) && scores.len().is_multiple_of(stride),
            "`scores` is [n_rows, stride], and the stride, {stride}, a multiple of {LANES}"
        );
        assert!((1..=stride).contains(&n), "{n} scores in rows of {stride}");
        dispatch!(self, softmax(scores, stride, n));
    }

    /// LayerNorm (Ba et al., arXiv 1607.06450) of each row of `x`, or of `x + y`, all
    /// `[n_rows, width]`: `(v - mean) / sqrt(variance + epsilon) * weight + bias`, with `weight`
    /// and `bias` `[width]`.
    ///
    /// # Panics
    /// If the lengths do not fit together or `width` is 0.
    pub fn layer_norm(
        self,
        x: &[f32],
        y: Option<&[f32]>,
        weight: &[f32],
        bias: &[f32],
        epsilon: f32,
        out: &mut [f32],
    ) {
        let width = weight.len();
        assert!(
            width > 0 && bias.len() == width && out.len().is_multiple_of(width),
            "`weight` and `bias` are [width], `out` is [n_rows, width]"
        );
        assert!(
            x.len() == out.len() && y.is_none_or(|y| y.len() == out.len()),
            "`x` and `y` are as long as `out`"
        );
        dispatch!(self, layer_norm(x, y, weight, bias, epsilon, out));
    }

    /// RMSNorm (Zhang and Sennrich, arXiv 1910.07467) of each row of `x`, `[n_rows, width]`:
    /// `x / sqrt(mean of squares + epsilon) * weight`, with `weight` `[width]`.
    ///
    /// # Panics
    /// If the lengths do not fit together or `width` is 0.
    pub fn rms_norm(self, x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
        let width = weight.len();
        assert!(
            width > 0 && out.len().is_multiple_of(width) && x.len() == out.len(),
            "`weight` is [width], `x` and `out` are [n_rows, width]"
        );
        dispatch!(self, rms_norm(x, weight, epsilon, out));
    }
}

/// The bodies, compiled for one instruction set with its multiply-add.
macro_rules! compile_for {
    ($module:ident, $fma:path $(, $features:literal)?) => {
        mod $module {
            use super::{Activation, body};

            $(#[target_feature(enable = $features)])?
            pub(super) fn activate(activation: Activation, values: &mut [f32]) {
                body::activate(activation, values, $fma);
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn softmax(scores: &mut [f32], stride: usize, n: usize) {
                body::softmax(scores, stride, n, $fma);
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn layer_norm(
                x: &[f32],
                y: Option<&[f32]>,
                weight: &[f32],
                bias: &[f32],
                epsilon: f32,
                out: &mut [f32],
            ) {
                body::layer_norm(x, y, weight, bias, epsilon, out, $fma);
            }

            $(#[target_feature(enable = $features)])?
            pub(super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
                body::rms_norm(x, weight, epsilon, out);
            }
        }
    };
}

compile_for!(scalar, crate::fma::fma);
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, f32::mul_add, "avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_for!(avx512, f32::mul_add, "avx512f,avx512bw,avx512vl,fma");
#[cfg(target_arch = "aarch64")]
compile_for!(neon, f32::mul_add, "neon");

#[cfg(test)]
mod tests;
