//! Dividing centroids over sets of vectors.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::mean;

/// Gives each set one centroid, then the next always to the set with the greatest weight per centroid (Jefferson's method),
/// but none more centroids than it has vectors. `sets` are pairs of weight and number of vectors, at least one.
pub(crate) fn apportion(sets: &[(f64, usize)], centroids: usize) -> Vec<usize> {
    let mut shares = vec![1; sets.len()];
    // The bits of floats that are not negative sort as the floats do; ties go to the earlier set.
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

/// What a set's share goes by: `(squared error it has with one centroid) ^ damping`.
pub(crate) fn weight(vectors: &[f32], dim: usize, rows: &[u32], damping: f32) -> f64 {
    squared_error(vectors, dim, rows).powf(f64::from(damping))
}

/// The sum over the rows of their squared distance to their mean.
fn squared_error(vectors: &[f32], dim: usize, rows: &[u32]) -> f64 {
    if rows.is_empty() {
        return 0.0;
    }
    let row = |&row: &u32| &vectors[row as usize * dim..(row as usize + 1) * dim];
    let mean = mean(rows.iter().map(row), dim);
    rows.iter()
        .flat_map(|at| row(at).iter().zip(&mean))
        .map(|(&value, &mean)| f64::from(value - mean) * f64::from(value - mean))
        .sum()
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
    fn error_is_around_the_mean_of_the_rows_named() {
        assert_eq!(weight(&[0.0, 1.0, 9.0, 3.0], 1, &[1, 3], 1.0), 2.0);
        assert_eq!(weight(&[1.0], 1, &[], 1.0), 0.0);
    }
}
