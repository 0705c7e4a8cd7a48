//! The functions themselves. `inline(always)`, so that it compiles inside the functions of each
//! instruction set.

use super::Activation;
use super::math::{self, Fma};
use crate::LANES;

#[inline(always)]
pub(super) fn activate(activation: Activation, values: &mut [f32], fma: impl Fma) {
    match activation {
        Activation::Identity => {}
        Activation::Gelu => each(values, |x| math::gelu(x, fma)),
        Activation::GeluTanh => each(values, |x| math::gelu_tanh(x, fma)),
        Activation::GeluQuick => each(values, |x| x * math::sigmoid(1.702 * x, fma)),
        Activation::Relu => each(values, |x| if x > 0.0 { x } else { 0.0 }),
        Activation::Silu => each(values, |x| x * math::sigmoid(x, fma)),
        Activation::Tanh => each(values, |x| math::tanh(x, fma)),
        Activation::Sigmoid => each(values, |x| math::sigmoid(x, fma)),
    }
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in values {
        *value = function(*value);
    }
}

#[inline(always)]
pub(super) fn softmax(scores: &mut [f32], stride: usize, n: usize, fma: impl Fma) {
    for row in scores.chunks_exact_mut(stride) {
        // Padding is computed like the rest, which avoids a remainder loop and adds at most 1e-38
        // per column to a sum of at least one.
        row[n..].fill(f32::NEG_INFINITY);
        let (chunks, _) = row.as_chunks_mut::<LANES>();
        let max = math::max(chunks);
        let scale = 1.0 / math::map_sum(chunks, |x| math::exp(x - max, fma));
        row[n..].fill(0.0);
        each(row, |x| x * scale);
    }
}

#[inline(always)]
pub(super) fn layer_norm(
    x: &[f32],
    y: Option<&[f32]>,
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    out: &mut [f32],
    fma: impl Fma,
) {
    let width = weight.len();
    for (row, out) in out.chunks_exact_mut(width).enumerate() {
        let x = &x[row * width..][..width];
        match y {
            Some(y) => {
                let y = &y[row * width..][..width];
                for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
                    *out = x + y;
                }
            }
            None => out.copy_from_slice(x),
        }
        let mean = math::sum(out, |v| v) / width as f32;
        let variance = math::sum(out, |v| (v - mean) * (v - mean)) / width as f32;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((out, weight), bias) in out.iter_mut().zip(weight).zip(bias) {
            *out = fma((*out - mean) * scale, *weight, *bias);
        }
    }
}

#[inline(always)]
pub(super) fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = weight.len();
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let squares = math::sum(x, |v| v * v) / width as f32;
        let scale = 1.0 / (squares + epsilon).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = x * scale * weight;
        }
    }
}
