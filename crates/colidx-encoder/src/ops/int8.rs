//! 8-bit integer products that stay accurate for outliers.
//!
//! A number far larger than its neighbours leaves them few of the 255 levels they share. Trained
//! models have such outliers: a few dimensions of every token, a few weights of an output. Two
//! measures help:
//!
//! - Dimensions with small or large weights in all outputs are scaled to a common size: inputs are
//!   multiplied by a power of two and weights divided by it. This evens out a dimension that is
//!   large because its weights are small.
//! - The residual of a token or an output is quantized and multiplied as well if its step is too
//!   coarse. That depends only on its own numbers, and so do its results.

use std::f32::consts::SQRT_2;

use colidx_kernels::{PanelsI8, RowsU8, kernels};

/// Largest step relative to the mean magnitude of the quantized numbers. Evenly distributed weights
/// and activations have about 0.03.
const MAX_RELATIVE_STEP: f32 = 0.2;
/// Most quantizations of a number: three times eight bits are the precision of f32.
const MAX_PASSES: usize = 3;

/// The weights of a layer.
pub(super) struct Int8Weights {
    inputs: usize,
    /// Multipliers of the inputs, `[inputs]`; none if all are 1.
    scales: Option<Vec<f32>>,
    /// `[padded outputs]`.
    bias: Vec<f32>,
    all: PanelsI8,
    /// Successive residuals of the weights of outlier outputs.
    residual: Vec<Residual>,
}

struct Residual {
    outputs: Vec<usize>,
    panels: PanelsI8,
}

/// Buffers reused by a thread.
#[derive(Default)]
pub(super) struct Workspace {
    scaled: Vec<f32>,
    rows: RowsU8,
    /// Residuals of the quantized rows.
    residual: Vec<f32>,
    /// Rows that have a residual, each with its largest allowed step.
    outliers: Vec<(usize, f32)>,
    products: Vec<f32>,
    residual_products: Vec<f32>,
}

impl Int8Weights {
    /// Quantizes `weight`, `[outputs, inputs]`; `bias` is `[outputs]` or empty.
    pub(super) fn new(weight: &[f32], inputs: usize, bias: &[f32]) -> Int8Weights {
        let scales = scales(weight, inputs);
        let divided: Vec<f32>;
        let weight = match &scales {
            None => weight,
            Some(scales) => {
                let weight = weight.iter().zip(scales.iter().cycle());
                // A scale of 0 marks an input whose weights are all 0.
                divided = weight
                    .map(|(w, &scale)| if scale > 0.0 { w / scale } else { 0.0 })
                    .collect();
                &divided
            }
        };
        let all = PanelsI8::new(weight, inputs, bias);
        let mut outliers: Vec<(usize, f32)> = (weight.chunks_exact(inputs).enumerate())
            .map(|(output, weight)| (output, max_step(weight)))
            .filter(|&(output, max_step)| all.step(output) > max_step)
            .collect();
        let mut rest: Vec<f32> = outliers
            .iter()
            .flat_map(|&(output, _)| {
                let weight = &weight[output * inputs..][..inputs];
                weight.iter().zip(all.column(output)).map(|(w, q)| w - q)
            })
            .collect();
        let mut residual = Vec::new();
        while !outliers.is_empty() && residual.len() + 1 < MAX_PASSES {
            let panels = PanelsI8::new(&rest, inputs, &[]);
            let outputs = outliers.iter().map(|&(output, _)| output).collect();
            let still: Vec<usize> = (0..outliers.len())
                .filter(|&i| panels.step(i) > outliers[i].1)
                .collect();
            rest = (still.iter())
                .flat_map(|&i| {
                    let weight = &rest[i * inputs..][..inputs];
                    weight.iter().zip(panels.column(i)).map(|(w, q)| w - q)
                })
                .collect();
            outliers = still.into_iter().map(|i| outliers[i]).collect();
            residual.push(Residual { outputs, panels });
        }
        let mut bias = bias.to_vec();
        bias.resize(all.padded_columns(), 0.0);
        Int8Weights {
            inputs,
            scales,
            bias,
            all,
            residual,
        }
    }

    /// Computes the products of every row of `x` with every output, plus bias, into `out`,
    /// `[n, padded outputs]`.
    pub(super) fn products(&self, x: &[f32], workspace: &mut Workspace, out: &mut [f32]) {
        let (inputs, stride) = (self.inputs, self.all.padded_columns());
        let x = match &self.scales {
            None => x,
            Some(scales) => {
                workspace.scaled.clear();
                for row in x.chunks_exact(inputs) {
                    workspace
                        .scaled
                        .extend(row.iter().zip(scales).map(|(x, scale)| x * scale));
                }
                &workspace.scaled
            }
        };
        kernels().quantize_rows(&mut workspace.rows, x, inputs, inputs);
        self.quantized_products(&workspace.rows, &mut workspace.residual_products, out);

        workspace.outliers.clear();
        workspace.residual.clear();
        for (i, row) in x.chunks_exact(inputs).enumerate() {
            let max_step = max_step(row);
            if workspace.rows.step(i) > max_step {
                workspace.outliers.push((i, max_step));
                let residual = row.iter().zip(workspace.rows.row(i)).map(|(x, q)| x - q);
                workspace.residual.extend(residual);
            }
        }
        for _ in 1..MAX_PASSES {
            if workspace.outliers.is_empty() {
                break;
            }
            kernels().quantize_rows(&mut workspace.rows, &workspace.residual, inputs, inputs);
            workspace
                .products
                .resize(workspace.outliers.len() * stride, 0.0);
            self.quantized_products(
                &workspace.rows,
                &mut workspace.residual_products,
                &mut workspace.products,
            );
            let products = workspace.products.chunks_exact(stride);
            for ((i, _), products) in workspace.outliers.iter().zip(products) {
                let out = &mut out[i * stride..][..stride];
                for ((out, product), bias) in out.iter_mut().zip(products).zip(&self.bias) {
                    *out += product - bias;
                }
            }
            let mut kept = 0;
            for k in 0..workspace.outliers.len() {
                let (i, max_step) = workspace.outliers[k];
                if workspace.rows.step(k) > max_step {
                    for (at, q) in (0..inputs).zip(workspace.rows.row(k)) {
                        workspace.residual[kept * inputs + at] =
                            workspace.residual[k * inputs + at] - q;
                    }
                    workspace.outliers[kept] = (i, max_step);
                    kept += 1;
                }
            }
            workspace.outliers.truncate(kept);
            workspace.residual.truncate(kept * inputs);
        }
    }

    /// The products of quantized rows.
    fn quantized_products(&self, rows: &RowsU8, residual_products: &mut Vec<f32>, out: &mut [f32]) {
        let stride = self.all.padded_columns();
        kernels().dots_u8(rows, &self.all, out, stride);
        for Residual { outputs, panels } in &self.residual {
            let width = panels.padded_columns();
            residual_products.resize(rows.len() * width, 0.0);
            kernels().dots_u8(rows, panels, residual_products, width);
            for (out, products) in out
                .chunks_mut(stride)
                .zip(residual_products.chunks_exact(width))
            {
                for (&output, product) in outputs.iter().zip(products) {
                    out[output] += product;
                }
            }
        }
    }
}

/// For each input, the power of two nearest to the mean magnitude of its weights relative to the
/// median input; 0 if all its weights are 0. None if all scales are 1.
fn scales(weight: &[f32], inputs: usize) -> Option<Vec<f32>> {
    let mut means = vec![0.0f32; inputs];
    for weight in weight.chunks_exact(inputs) {
        for (mean, weight) in means.iter_mut().zip(weight) {
            *mean += weight.abs();
        }
    }
    let mut sorted: Vec<f32> = means.iter().copied().filter(|&mean| mean > 0.0).collect();
    sorted.sort_by(f32::total_cmp);
    let middle = *sorted.get(sorted.len() / 2)?;
    let scale = |mean: f32| {
        if mean == 0.0 {
            return 0.0;
        }
        // Clearing the mantissa rounds down to a power of two; the clamp keeps it well within f32.
        let ratio = (SQRT_2 * mean / middle).clamp(1e-9, 1e9);
        f32::from_bits(ratio.to_bits() >> 23 << 23)
    };
    let scales: Vec<f32> = means.into_iter().map(scale).collect();
    scales.iter().any(|&scale| scale != 1.0).then_some(scales)
}

/// Largest allowed step to quantize `values`: [`MAX_RELATIVE_STEP`] of their mean magnitude, summed
/// in an order that depends only on their number.
fn max_step(values: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value.abs();
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value.abs();
    }
    MAX_RELATIVE_STEP * (sums.iter().sum::<f32>() / values.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;

    const INPUTS: usize = 96;

    /// Largest difference from exact products.
    fn error(x: &[f32], weight: &[f32]) -> f64 {
        let outputs = weight.len() / INPUTS;
        let bias = random(outputs, 3);
        let stride = outputs.next_multiple_of(16);
        let mut found = vec![0.0; x.len() / INPUTS * stride];
        let weights = Int8Weights::new(weight, INPUTS, &bias);
        weights.products(x, &mut Workspace::default(), &mut found);
        let mut greatest = 0.0f64;
        for (x, found) in x.chunks_exact(INPUTS).zip(found.chunks_exact(stride)) {
            for ((weight, bias), found) in weight.chunks_exact(INPUTS).zip(&bias).zip(found) {
                let products = x
                    .iter()
                    .zip(weight)
                    .map(|(x, w)| f64::from(*x) * f64::from(*w));
                let expected = products.sum::<f64>() + f64::from(*bias);
                greatest = greatest.max((expected - f64::from(*found)).abs());
            }
        }
        greatest
    }

    /// Applies `change` to every `step`th number, beginning at `first`.
    fn change(values: &mut [f32], first: usize, step: usize, change: impl Fn(f32) -> f32) {
        let values = values.iter_mut().skip(first).step_by(step);
        values.for_each(|value| *value = change(*value));
    }

    #[test]
    fn outliers_lose_little_accuracy() {
        let x = || random(9 * INPUTS, 1);
        let weight = || random(40 * INPUTS, 2);
        let even = error(&x(), &weight());
        assert!(even < 0.2, "{even}");
        for factor in [20.0, 100.0, 1e4, 1e6] {
            // The outputs' root mean square is three. Quantized once, errors would be six or more
            // from 100 on.
            let allowed = 1.5 + 1e-5 * f64::from(factor);
            // A dimension of every token is large, and its weights are exact in 8 bits.
            let (mut tokens, mut weights) = (x(), weight());
            change(&mut tokens, 5, INPUTS, |x| factor * (2.0 + x));
            weights
                .iter_mut()
                .for_each(|w| *w = (*w * 127.0).round() / 127.0);
            change(&mut weights, 5, INPUTS, |w| w.signum() * 64.0 / 127.0);
            for (output, weights) in weights.chunks_exact_mut(INPUTS).enumerate() {
                weights[6 + output] = 1.0;
            }
            let error_of_tokens = error(&tokens, &weights);
            assert!(error_of_tokens < allowed, "{factor}: {error_of_tokens}");

            // A weight of some outputs is large, and its input is zero.
            let (mut tokens, mut weights) = (x(), weight());
            change(&mut tokens, 5, INPUTS, |_| 0.0);
            change(&mut weights, 5, 3 * INPUTS, |w| factor * w);
            let error_of_outputs = error(&tokens, &weights);
            assert!(error_of_outputs < allowed, "{factor}: {error_of_outputs}");

            // Dimensions of every token are large because their weights are small, and vice versa.
            for factor in [factor, 1.0 / factor] {
                let (mut tokens, mut weights) = (x(), weight());
                change(&mut tokens, 3, 8, |x| x * factor);
                change(&mut weights, 3, 8, |w| w / factor);
                let error_of_both = error(&tokens, &weights);
                assert!(error_of_both < 3.0 * even, "{factor}: {error_of_both}");
            }
        }
    }

    #[test]
    fn dimensions_without_weights_do_not_matter() {
        let (mut x, mut weight) = (random(9 * INPUTS, 1), random(40 * INPUTS, 2));
        change(&mut weight, 5, INPUTS, |_| 0.0);
        let expected = error(&x, &weight);
        change(&mut x, 5, INPUTS, |_| 1e30);
        assert_eq!(error(&x, &weight), expected);
        assert!(scales(&[0.0; 2 * INPUTS], INPUTS).is_none());
        assert!(scales(&[1.0; 2 * INPUTS], INPUTS).is_none());
    }
}
