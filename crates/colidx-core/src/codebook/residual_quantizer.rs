//! The residual quantizer: how the difference between a vector and its centroid becomes bits.
//!
//! Each dimension is divided by its own scale, and each vector by one of a few gains, so that all
//! vectors are about equally long. The values then name weights of a trellis
//! (`colidx_kernels::Quantizer`). ColBERTv2 (arXiv 2112.01488, section 3.3) uses one set of
//! quantile buckets for all vectors; `docs/design/codebook.md` has what gains and trellis each
//! save.

use colidx_kernels::{GAINS, packed_len};
use rayon::prelude::*;

/// How residuals become bits and back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResidualQuantizer {
    pub nbits: usize,
    /// `[2, 2^nbits]`, each row ascending, in units of scale and gain.
    pub weights: Vec<f32>,
    /// `[GAINS]`, ascending, in units of the scale.
    pub gains: Vec<f32>,
    /// `[dim]`: the root mean square residual of each dimension.
    pub scales: Vec<f32>,
}

/// Values that the first weights are learned from, over all dimensions; more add nothing.
const POOL: usize = 1 << 20;

/// Lloyd steps; the error changes by less than one part in a thousand after these.
const LLOYD_STEPS: usize = 30;

/// Vectors that weights are fitted to the trellis with, and the number of iterations.
const TRELLIS_VECTORS: usize = 1 << 13;
const TRELLIS_STEPS: usize = 8;

/// Vectors that a thread takes at a time.
const TOGETHER: usize = 256;

/// The ratio of a gain to the next, the fourth root of 1/2: with gains this dense the error is
/// within a hundredth of that with a gain of its own for every vector.
const GAIN_RATIO: f32 = 0.840_896_4;

/// One in this many vectors of the sample has a longer residual than the greatest gain suits.
const CLIPPED: usize = 1000;

impl ResidualQuantizer {
    /// Learns scales, gains and weights from residuals, `[n, dim]` row-major. With none, everything
    /// decodes to the centroid.
    pub(crate) fn train(residuals: &[f32], dim: usize, nbits: usize) -> Self {
        let scales = scales(residuals, dim);
        let rows = residuals.len() / dim.max(1);
        let stride = rows.div_ceil(POOL / dim.max(1)).max(1);
        let mut pool: Vec<f32> = residuals
            .chunks_exact(dim.max(1))
            .step_by(stride)
            .flatten()
            .copied()
            .collect();
        let inverse_scales = inverse(&scales);
        let mut lengths = Vec::new();
        for row in pool.chunks_exact_mut(dim.max(1)) {
            multiply(row, &inverse_scales);
            lengths.push(length(row));
        }
        let gains = gains(&lengths);
        let inverse_gains = inverse(&gains);
        for (row, &length) in pool.chunks_exact_mut(dim.max(1)).zip(&lengths) {
            let by = inverse_gains[gain(&gains, length)];
            row.iter_mut().for_each(|value| *value *= by);
        }
        let mut sorted = pool.clone();
        sorted.par_sort_unstable_by(f32::total_cmp);
        let weights = in_rows(&lloyd(&sorted, 2 << nbits));
        pool.truncate(TRELLIS_VECTORS * dim);
        Self {
            nbits,
            weights: fit(weights, &pool, dim, nbits),
            gains,
            scales,
        }
    }

    /// `1 / scale`, and 0 where the scale is 0 or nearly so.
    pub(crate) fn inverse_scales(&self) -> Vec<f32> {
        inverse(&self.scales)
    }

    /// The weights times each gain, `[GAINS, 2, 2^nbits]`.
    pub(crate) fn all_weights(gains: &[f32], weights: &[f32]) -> Vec<f32> {
        let of_gain = |&gain: &f32| weights.iter().map(move |weight| gain * weight);
        gains.iter().flat_map(of_gain).collect()
    }
}

/// A [`ResidualQuantizer`] made ready to encode.
pub(crate) struct ResidualEncoder {
    trellis: colidx_kernels::Quantizer,
    gains: Vec<f32>,
    inverse_gains: Vec<f32>,
    inverse_scales: Vec<f32>,
}

impl ResidualEncoder {
    pub(crate) fn new(quantizer: &ResidualQuantizer) -> Self {
        Self {
            trellis: colidx_kernels::Quantizer::new(&quantizer.weights, quantizer.nbits),
            inverse_gains: inverse(&quantizer.gains),
            gains: quantizer.gains.clone(),
            inverse_scales: quantizer.inverse_scales(),
        }
    }

    pub(crate) fn inverse_scales(&self) -> &[f32] {
        &self.inverse_scales
    }

    /// Packs residuals, `[n, dim]`, into `out`, `[n, packed_len]`, and adds each one's gain to its
    /// centroid's number in `codes`. The residuals are scaled in place.
    pub(crate) fn encode(&self, residuals: &mut [f32], codes: &mut [u32], out: &mut [u8]) {
        let dim = self.inverse_scales.len();
        for (row, code) in residuals.chunks_exact_mut(dim).zip(codes) {
            multiply(row, &self.inverse_scales);
            let gain = gain(&self.gains, length(row));
            row.iter_mut()
                .for_each(|value| *value *= self.inverse_gains[gain]);
            *code = *code * GAINS as u32 + gain as u32;
        }
        colidx_kernels::kernels().quantize(&self.trellis, residuals, dim, out);
    }
}

/// 1 over each, and 0 for those whose inverse an f32 does not hold.
fn inverse(values: &[f32]) -> Vec<f32> {
    let inverse = |&x: &f32| Some(1.0 / x).filter(|inverse| x > 0.0 && inverse.is_finite());
    values.iter().map(|x| inverse(x).unwrap_or(0.0)).collect()
}

fn multiply(row: &mut [f32], by: &[f32]) {
    row.iter_mut().zip(by).for_each(|(value, by)| *value *= by);
}

/// The root mean square of a vector's dimensions.
fn length(row: &[f32]) -> f32 {
    let squares: f32 = row.iter().map(|value| value * value).sum();
    (squares / row.len().max(1) as f32).sqrt()
}

/// Gains for vectors of these lengths, ascending.
fn gains(lengths: &[f32]) -> Vec<f32> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let greatest = sorted.len().checked_sub(1 + sorted.len() / CLIPPED);
    let greatest = greatest.map_or(0.0, |at| sorted[at]);
    let descending = std::iter::successors(Some(greatest), |gain| Some(gain * GAIN_RATIO));
    let mut gains: Vec<f32> = descending.take(GAINS).collect();
    gains.reverse();
    gains
}

/// The gain that a length is nearest to.
fn gain(gains: &[f32], length: f32) -> usize {
    let middles = gains.windows(2).map(|pair| (pair[0] * pair[1]).sqrt());
    middles.filter(|&middle| middle <= length).count()
}

/// Ascending weights as the trellis has them: alternately in the first row and in the second.
fn in_rows(ascending: &[f32]) -> Vec<f32> {
    let row = |first| ascending.iter().skip(first).step_by(2).copied();
    row(0).chain(row(1)).collect()
}

/// Fits weights, `[2, 2^nbits]`, to the trellis: moves each to the mean of the values of vectors,
/// `[n, dim]`, that the trellis gives it, [`TRELLIS_STEPS`] times.
fn fit(mut weights: Vec<f32>, vectors: &[f32], dim: usize, nbits: usize) -> Vec<f32> {
    let bytes = packed_len(dim, nbits);
    let mut packed = vec![0; vectors.len() / dim.max(1) * bytes];
    let mut which = vec![0; dim];
    for _ in 0..if packed.is_empty() { 0 } else { TRELLIS_STEPS } {
        let quantizer = colidx_kernels::Quantizer::new(&weights, nbits);
        let pieces = vectors.par_chunks(TOGETHER * dim);
        pieces
            .zip(packed.par_chunks_mut(TOGETHER * bytes))
            .for_each(|(vectors, packed)| {
                colidx_kernels::kernels().quantize(&quantizer, vectors, dim, packed);
            });
        let mut sums = vec![(0f64, 0u32); weights.len()];
        for (vector, packed) in vectors.chunks_exact(dim).zip(packed.chunks_exact(bytes)) {
            colidx_kernels::unpack(packed, nbits, &mut which);
            for (&value, &which) in vector.iter().zip(&which) {
                let (sum, count) = &mut sums[usize::from(which)];
                *sum += f64::from(value);
                *count += 1;
            }
        }
        for (weight, (sum, count)) in weights.iter_mut().zip(sums) {
            if count > 0 {
                *weight = (sum / f64::from(count)) as f32;
            }
        }
        weights.sort_unstable_by(f32::total_cmp);
        weights = in_rows(&weights);
    }
    weights
}

fn scales(residuals: &[f32], dim: usize) -> Vec<f32> {
    let mut sums = vec![0f64; dim];
    let rows = residuals.len() / dim.max(1);
    for row in residuals.chunks_exact(dim.max(1)) {
        for (sum, &r) in sums.iter_mut().zip(row) {
            *sum += f64::from(r) * f64::from(r);
        }
    }
    let scale = |sum: &f64| (sum / rows.max(1) as f64).sqrt() as f32;
    // Residuals so small that their scale has no inverse count as zero.
    let scales = sums.iter().map(scale);
    scales
        .map(|s| if s.is_normal() { s } else { 0.0 })
        .collect()
}

/// The means of `count` buckets of sorted values: quantiles, moved by Lloyd's rule.
fn lloyd(sorted: &[f32], count: usize) -> Vec<f32> {
    if sorted.is_empty() {
        return vec![0.0; count];
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
            // An empty bucket keeps its start, so that weights stay ascending.
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
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use colidx_kernels::{Codec, kernels};

    /// Residuals near a normal distribution, `[n, dim]`, each vector of another length.
    fn bells(n: usize, dim: usize) -> Vec<f32> {
        let mut state = 1u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mut rows = Vec::new();
        for _ in 0..n {
            let length = 0.01 + 0.1 * uniform();
            rows.extend((0..dim).map(|_| {
                let bell = (0..12).map(|_| uniform()).sum::<f32>() - 6.0;
                bell * length
            }));
        }
        rows
    }

    /// The share of the squared length of residuals that is lost.
    fn lost(quantizer: &ResidualQuantizer, residuals: &[f32], dim: usize) -> f64 {
        let encoder = ResidualEncoder::new(quantizer);
        let n = residuals.len() / dim;
        let mut codes = vec![0; n];
        let mut packed = vec![0; n * packed_len(dim, quantizer.nbits)];
        encoder.encode(&mut residuals.to_vec(), &mut codes, &mut packed);
        let codec = Codec {
            dim,
            nbits: quantizer.nbits,
            centroids: &vec![0; dim],
            steps: &vec![0.0; dim],
            weights: &ResidualQuantizer::all_weights(&quantizer.gains, &quantizer.weights),
            scales: &quantizer.scales,
        };
        let mut back = vec![0.0; residuals.len()];
        kernels()
            .decode(&codec, &codes, &packed, &mut back)
            .unwrap();
        let square = |x: f32| f64::from(x).powi(2);
        let off = residuals.iter().zip(&back).map(|(r, b)| square(r - b));
        off.sum::<f64>() / residuals.iter().map(|&r| square(r)).sum::<f64>()
    }

    #[test]
    fn less_is_lost_than_the_best_buckets_for_a_bell_lose() {
        let dim = 96;
        let residuals = bells(4000, dim);
        // The loss of Lloyd's buckets on a normal distribution of one scale (Max, IRE Transactions
        // 6(1), 1960), and the loss here.
        for (nbits, buckets, here) in [
            (1, 0.3634, 0.36),
            (2, 0.1175, 0.097),
            (4, 0.009_497, 0.0069),
        ] {
            let quantizer = ResidualQuantizer::train(&residuals, dim, nbits);
            let lost = lost(&quantizer, &residuals, dim);
            assert!(lost < here && here < buckets, "{nbits} bits: {lost}");
            assert!(
                quantizer
                    .weights
                    .chunks(1 << nbits)
                    .all(|row| row.is_sorted())
            );
            assert!(quantizer.gains.is_sorted());
        }
    }

    #[test]
    fn weights_of_a_trellis_suit_it_better_than_means_of_buckets() {
        let (dim, nbits) = (64, 2);
        let residuals = bells(1000, dim);
        let trained = ResidualQuantizer::train(&residuals, dim, nbits);
        let encoder = ResidualEncoder::new(&trained);
        let mut scaled = residuals.clone();
        encoder.encode(&mut scaled, &mut vec![0; 1000], &mut vec![0; 16_000]);
        scaled.sort_unstable_by(f32::total_cmp);
        let means = ResidualQuantizer {
            weights: in_rows(&lloyd(&scaled, 2 << nbits)),
            ..trained.clone()
        };
        assert!(lost(&trained, &residuals, dim) < lost(&means, &residuals, dim));
    }

    #[test]
    fn columns_of_any_size_give_finite_numbers() {
        for exponent in -45..38 {
            let mut residuals = bells(100, 8);
            let column = residuals.iter_mut().skip(3).step_by(8);
            column.for_each(|x| *x *= 10f64.powi(exponent) as f32);
            let q = ResidualQuantizer::train(&residuals, 8, 2);
            let mut numbers = q.weights.iter().chain(&q.gains).chain(&q.scales);
            assert!(numbers.all(|x| x.is_finite()), "10^{exponent}");
        }
    }

    #[test]
    fn nothing_to_learn_from_decodes_to_the_centroid() {
        let q = ResidualQuantizer::train(&[], 4, 2);
        assert_eq!(q.weights, [0.0; 8]);
        assert_eq!(q.gains, [0.0; GAINS]);
        assert_eq!(q.scales, [0.0; 4]);
        let q = ResidualQuantizer::train(&[0.0; 8], 4, 1);
        assert!(q.inverse_scales().iter().all(|s| *s == 0.0));
        let mut codes = [3];
        ResidualEncoder::new(&q).encode(&mut [1.0, 0.0, 2.0, -1.0], &mut codes, &mut [0]);
        assert_eq!(codes[0] / GAINS as u32, 3);
    }
}
