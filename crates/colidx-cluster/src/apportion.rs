//! Apportions centroids to sets of vectors.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::rows::mean;

/// Gives each set one centroid, then the next one always to the set with the greatest weight per
/// centroid (Jefferson's method), but no set more centroids than it has vectors. `sets` are pairs
/// of weight and number of vectors, at least one.
pub(crate) fn apportion(sets: &[(f64, usize)], centroids: usize) -> Vec<usize> {
    let mut shares = vec![1; sets.len()];
    // Non-negative floats sort by their bits; ties go to the earlier set.
    let claim = |share: usize, i: usize| ((sets[i].0 / (share + 1) as f64).to_bits(), Reverse(i));
    let mut claims: BinaryHeap<_> = (0..sets.len()).map(|i| claim(1, i)).collect();
    let mut left = centroids.saturating_sub(sets.len());
    while left > 0
        && let Some((_, Reverse(i))) = claims.pop()
    {
        let (weight, vectors) = sets[i];
        if weight > 0.0 && shares[i] < vectors {
            shares[i] += 1;
            left -= 1;
            claims.push(claim(shares[i], i));
        }
    }
    shares
}

/// Dispersion: how far vectors lie from their mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Dispersion {
    /// Number of vectors; a fraction where each stands for more than itself.
    vectors: f64,
    pub mean: Vec<f32>,
    /// The sum of squared distances to the mean: the error that a single centroid leaves.
    error: f64,
}

impl Dispersion {
    /// The dispersion of `vectors`, `[n, dim]`.
    pub(crate) fn of(vectors: &[f32], dim: usize) -> Dispersion {
        if vectors.is_empty() {
            return Dispersion::default();
        }
        let mean = mean(vectors.chunks_exact(dim), dim);
        let error = vectors
            .chunks_exact(dim)
            .flat_map(|row| row.iter().zip(&mean))
            .map(|(&value, &mean)| f64::from(value - mean) * f64::from(value - mean))
            .sum();
        Dispersion {
            vectors: (vectors.len() / dim) as f64,
            mean,
            error,
        }
    }

    /// The same with `factor` times as many vectors.
    pub(crate) fn scaled(self, factor: f64) -> Dispersion {
        Dispersion {
            vectors: self.vectors * factor,
            error: self.error * factor,
            ..self
        }
    }

    /// The dispersion of the union of several sets, from theirs.
    pub(crate) fn merged<'a>(dispersions: impl IntoIterator<Item = &'a Dispersion>) -> Dispersion {
        let mut merged = Dispersion::default();
        for dispersion in dispersions {
            if merged.vectors == 0.0 {
                merged = dispersion.clone();
                continue;
            }
            let vectors = merged.vectors + dispersion.vectors;
            let share = dispersion.vectors / vectors;
            let mut apart = 0.0;
            for (mean, &other) in merged.mean.iter_mut().zip(&dispersion.mean) {
                let step = f64::from(other) - f64::from(*mean);
                apart += step * step;
                *mean = (f64::from(*mean) + step * share) as f32;
            }
            merged.error += dispersion.error + apart * share * merged.vectors;
            merged.vectors = vectors;
        }
        merged
    }

    /// The weight for [`apportion`]: `error ^ damping`.
    pub(crate) fn weight(&self, damping: f32) -> f64 {
        self.error.powf(f64::from(damping))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_weight_up_to_the_vectors_there_are() {
        let sets = [(6.0, 100), (3.0, 100), (9.0, 2), (0.0, 100)];
        assert_eq!(apportion(&sets, 12), [6, 3, 2, 1]);
        assert_eq!(apportion(&sets, 1), [1; 4]);
    }

    #[test]
    fn what_cannot_be_given_is_kept() {
        assert_eq!(apportion(&[(1.0, 3), (1.0, 4)], 40), [3, 4]);
    }

    #[test]
    fn error_is_around_the_mean() {
        assert_eq!(Dispersion::of(&[1.0, 3.0], 1).weight(1.0), 2.0);
        assert_eq!(Dispersion::of(&[], 1).weight(1.0), 0.0);
    }

    #[test]
    fn spreads_of_parts_make_the_spread_of_the_whole() {
        let vectors: Vec<f32> = (0..60).map(|i| ((i * i) % 23) as f32).collect();
        let whole = Dispersion::of(&vectors, 3);
        let parts = [0..15, 15..18, 18..18, 18..60].map(|range| Dispersion::of(&vectors[range], 3));
        let merged = Dispersion::merged(&parts);
        assert_eq!(merged.vectors, 20.0);
        assert!((merged.error / whole.error - 1.0).abs() < 1e-6);
        let pairs = merged.mean.iter().zip(&whole.mean);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));
        let twice = Dispersion::merged(&[whole.clone(), whole.clone()]);
        assert_eq!(twice, whole.scaled(2.0));
    }
}
