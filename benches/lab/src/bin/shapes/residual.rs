//! Scalar quantisers of the residual: bucket bounds, weights, and scales of dimensions.

use rayon::prelude::*;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Bounds and weights are quantiles, weights those of bucket middles (the ColBERTv2 reference
    /// code).
    Quantiles,
    /// Cut-offs are quantiles, weights the means of the buckets.
    Means,
    /// `Means`, then Lloyd's algorithm in one dimension until it settles.
    Lloyd,
}

impl Rule {
    pub fn name(self) -> &'static str {
        match self {
            Rule::Quantiles => "quantiles",
            Rule::Means => "quantile cut-offs, bucket means",
            Rule::Lloyd => "Lloyd",
        }
    }
}

pub struct Quantizer {
    pub scales: Vec<f32>,
    inverse: Vec<f32>,
    cutoffs: Vec<f32>,
    pub weights: Vec<f32>,
}

/// The root mean square of each dimension of `residuals`, `[n, dim]`.
pub fn dimension_scales(residuals: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0f64; dim];
    for row in residuals.chunks_exact(dim) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value) * f64::from(value);
        }
    }
    let n = (residuals.len() / dim).max(1) as f64;
    sums.iter()
        .map(|sum| ((sum / n).sqrt() as f32).max(f32::MIN_POSITIVE))
        .collect()
}

impl Quantizer {
    /// Learns `2^nbits` buckets from residuals `[n, dim]`.
    pub fn learn(residuals: &[f32], scales: &[f32], nbits: u32, rule: Rule) -> Quantizer {
        let inverse: Vec<f32> = scales.iter().map(|scale| 1.0 / scale).collect();
        let mut values: Vec<f32> = residuals
            .chunks_exact(scales.len())
            .flat_map(|row| row.iter().zip(&inverse).map(|(x, s)| x * s))
            .collect();
        values.par_sort_unstable_by(f32::total_cmp);
        let buckets = 1usize << nbits;
        let quantile = |q: f64| values[((q * values.len() as f64) as usize).min(values.len() - 1)];
        let mut cutoffs: Vec<f32> = (1..buckets)
            .map(|i| quantile(i as f64 / buckets as f64))
            .collect();
        let mut weights: Vec<f32> = (0..buckets)
            .map(|i| quantile((i as f64 + 0.5) / buckets as f64))
            .collect();
        if rule != Rule::Quantiles {
            let mut sums = vec![0f64; values.len() + 1];
            for (i, &value) in values.iter().enumerate() {
                sums[i + 1] = sums[i] + f64::from(value);
            }
            means(&values, &sums, &cutoffs, &mut weights);
            for _ in 0..if rule == Rule::Lloyd { 500 } else { 0 } {
                let before = weights.clone();
                for (cutoff, pair) in cutoffs.iter_mut().zip(weights.windows(2)) {
                    *cutoff = 0.5 * (pair[0] + pair[1]);
                }
                means(&values, &sums, &cutoffs, &mut weights);
                if before
                    .iter()
                    .zip(&weights)
                    .all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs())
                {
                    break;
                }
            }
        }
        Quantizer {
            scales: scales.to_vec(),
            inverse,
            cutoffs,
            weights,
        }
    }

    /// What dimension `d` of a residual decodes to.
    pub fn round(&self, d: usize, value: f32) -> f32 {
        let scaled = value * self.inverse[d];
        self.scales[d] * self.weights[self.cutoffs.partition_point(|&cutoff| cutoff <= scaled)]
    }
}

/// The mean of the sorted values in each bucket; a bucket without values keeps its weight.
fn means(values: &[f32], sums: &[f64], cutoffs: &[f32], weights: &mut [f32]) {
    let mut start = 0;
    for (i, weight) in weights.iter_mut().enumerate() {
        let end = cutoffs.get(i).map_or(values.len(), |&cutoff| {
            values.partition_point(|&value| value < cutoff)
        });
        if end > start {
            *weight = ((sums[end] - sums[start]) / (end - start) as f64) as f32;
        }
        start = end.max(start);
    }
}
