//! The residual quantiser: how the difference between a vector and its centroid becomes bits.
//!
//! Each dimension is divided by a scale of its own and put into one of `2^nbits` buckets; a bucket
//! decodes to its weight (ColBERTv2, arXiv 2112.01488, section 3.3). Cut-offs start at quantiles, as
//! in the paper, and are then moved by Lloyd's rule, which lowers the squared error that quantiles
//! leave behind; the figures are in `docs/codebook.md`.

use rayon::prelude::*;

/// How residuals become buckets and back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantizer {
    pub nbits: usize,
    /// `[2^nbits - 1]`, ascending, in units of the scale.
    pub cutoffs: Vec<f32>,
    /// `[2^nbits]`, in units of the scale.
    pub weights: Vec<f32>,
    /// `[dim]`: the root mean square residual of each dimension.
    pub scales: Vec<f32>,
}

/// Values of one dimension-free pool that the buckets are learned from; more adds nothing.
const POOL: usize = 1 << 20;

/// Lloyd steps; the error changes by less than one part in a thousand after these.
const LLOYD_STEPS: usize = 30;

impl Quantizer {
    /// Learns scales and buckets from residuals `[n, dim]` f32 row-major. With none, everything
    /// decodes to the centroid.
    pub(crate) fn train(residuals: &[f32], dim: usize, nbits: usize) -> Self {
        let scales = scales(residuals, dim);
        let stride = (residuals.len() / dim.max(1))
            .div_ceil(POOL / dim.max(1))
            .max(1);
        let mut pool: Vec<f32> = residuals
            .chunks_exact(dim.max(1))
            .step_by(stride)
            .flat_map(|row| {
                row.iter()
                    .zip(&scales)
                    .map(|(r, s)| if *s > 0.0 { r / s } else { 0.0 })
            })
            .collect();
        pool.par_sort_unstable_by(f32::total_cmp);
        let (cutoffs, weights) = buckets(&pool, 1 << nbits);
        Self {
            nbits,
            cutoffs,
            weights,
            scales,
        }
    }

    /// `1 / scale`, and 0 where the scale is 0.
    pub(crate) fn inverse_scales(&self) -> Vec<f32> {
        self.scales
            .iter()
            .map(|&s| if s > 0.0 { 1.0 / s } else { 0.0 })
            .collect()
    }
}

fn scales(residuals: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0f64; dim];
    let rows = residuals.len() / dim.max(1);
    for row in residuals.chunks_exact(dim.max(1)) {
        for (sum, &r) in sums.iter_mut().zip(row) {
            *sum += f64::from(r) * f64::from(r);
        }
    }
    sums.iter()
        .map(|sum| (sum / rows.max(1) as f64).sqrt() as f32)
        .collect()
}

/// Cut-offs and weights of `count` buckets for sorted values.
fn buckets(sorted: &[f32], count: usize) -> (Vec<f32>, Vec<f32>) {
    if sorted.is_empty() {
        return (vec![0.0; count - 1], vec![0.0; count]);
    }
    let n = sorted.len();
    // Sums of all values before each, so that a bucket's mean is a subtraction.
    let mut sums = Vec::with_capacity(n + 1);
    sums.push(0f64);
    for &v in sorted {
        sums.push(sums[sums.len() - 1] + f64::from(v));
    }
    let mean = |from: usize, to: usize| (sums[to] - sums[from]) / (to - from) as f64;

    let mut bounds: Vec<usize> = (0..=count).map(|i| i * n / count).collect();
    let mut weights = vec![0f32; count];
    for step in 0..=LLOYD_STEPS {
        for b in 0..count {
            let (from, to) = (bounds[b], bounds[b + 1]);
            // A bucket without values stands where it begins, so that weights stay ascending.
            weights[b] = if from < to {
                mean(from, to) as f32
            } else {
                sorted[from.min(n - 1)]
            };
        }
        if step == LLOYD_STEPS {
            break;
        }
        for b in 1..count {
            let middle = (weights[b - 1] + weights[b]) / 2.0;
            bounds[b] = sorted.partition_point(|&v| v < middle);
        }
    }
    let cutoffs = weights.windows(2).map(|w| (w[0] + w[1]) / 2.0).collect();
    (cutoffs, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(values: &[f32], cutoffs: &[f32], weights: &[f32]) -> f64 {
        values
            .iter()
            .map(|&v| {
                let bucket = cutoffs.iter().filter(|&&c| c <= v).count();
                f64::from(v - weights[bucket]).powi(2)
            })
            .sum()
    }

    #[test]
    fn buckets_beat_quantiles_on_a_bell() {
        // A sum of uniform numbers from a fixed congruential sequence is close to normal.
        let mut state = 1u32;
        let mut values: Vec<f32> = (0..20_000)
            .map(|_| {
                (0..12)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        state as f32 / u32::MAX as f32
                    })
                    .sum::<f32>()
                    - 6.0
            })
            .collect();
        values.sort_by(f32::total_cmp);
        for count in [2usize, 4, 16] {
            let (cutoffs, weights) = buckets(&values, count);
            assert!(cutoffs.windows(2).all(|w| w[0] <= w[1]));
            let n = values.len();
            let quantiles: Vec<f32> = (1..count).map(|i| values[i * n / count]).collect();
            let means: Vec<f32> = (0..count)
                .map(|b| {
                    let part = &values[b * n / count..(b + 1) * n / count];
                    part.iter().sum::<f32>() / part.len() as f32
                })
                .collect();
            let (ours, theirs) = (
                error(&values, &cutoffs, &weights),
                error(&values, &quantiles, &means),
            );
            assert!(
                ours <= theirs * 1.0001,
                "{count} buckets: {ours} against {theirs}"
            );
        }
    }

    #[test]
    fn nothing_to_learn_from_decodes_to_the_centroid() {
        let q = Quantizer::train(&[], 4, 2);
        assert_eq!(q.weights, [0.0; 4]);
        assert_eq!(q.scales, [0.0; 4]);
        let q = Quantizer::train(&[0.0; 8], 4, 1);
        assert!(q.inverse_scales().iter().all(|s| *s == 0.0));
    }
}
