//! The initial centroids of the built-in backend.
//!
//! k-means++ (Arthur and Vassilvitskii, SODA 2007) draws each seed with probability proportional to
//! the squared distance from the seeds before it, which takes as many passes over the vectors as
//! there are centroids. Here seeds are drawn in batches that double their number, as k-means||
//! (Bahmani et al., VLDB 2012) draws them in rounds: each vector is compared with each seed once,
//! so seeding costs one pass of Lloyd's algorithm.

use crate::nearest::{nearest, pack, squared_distance, squared_norms};
use crate::rng::Rng;

/// Draws `k` seeds among more than `k` distinct vectors; returns `[k, dim]`.
pub(crate) fn seed(vectors: &[f32], dim: usize, k: usize, rng: &mut Rng) -> Vec<f32> {
    let norms = squared_norms(vectors, dim);
    let mut distances = vec![f32::INFINITY; norms.len()];
    let mut seeds = Vec::with_capacity(k * dim);
    let mut batch = vec![rng.below(norms.len())];
    loop {
        let first = seeds.len();
        for &row in &batch {
            seeds.extend_from_slice(&vectors[row * dim..(row + 1) * dim]);
        }
        let have = seeds.len() / dim;
        if have == k {
            return seeds;
        }
        let found = nearest(vectors, &pack(&seeds[first..], dim));
        for ((distance, found), &norm) in distances.iter_mut().zip(&found).zip(&norms) {
            *distance = distance.min(squared_distance(norm, found));
        }
        // Never draw a seed again, whatever rounding left of its distance to itself.
        batch.iter().for_each(|&row| distances[row] = 0.0);
        batch = draw(&distances, have.min(k - have), rng);
        if batch.is_empty() {
            // All remaining vectors are closer to a seed than f32 resolves.
            return seeds.iter().copied().cycle().take(k * dim).collect();
        }
    }
}

/// Draws up to `count` different rows, each with probability proportional to its weight; none if
/// all weights are zero.
fn draw(weights: &[f32], count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut total = 0f64;
    let cumulative: Vec<f64> = weights
        .iter()
        .map(|&weight| {
            total += f64::from(weight);
            total
        })
        .collect();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut rows: Vec<usize> = (0..count)
        .map(|_| {
            let at = rng.unit() * total;
            cumulative.partition_point(|&sum| sum <= at)
        })
        .filter(|&row| row < weights.len())
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_closer_than_f32_can_tell_give_as_many_seeds() {
        let vectors: Vec<f32> = (0..9).flat_map(|i| [1000.0, i as f32 * 1e-6]).collect();
        for k in 1..9 {
            let seeds = seed(&vectors, 2, k, &mut Rng::new(k as u64));
            assert_eq!(seeds.len(), 2 * k);
            assert!(
                seeds
                    .chunks(2)
                    .all(|seed| vectors.chunks(2).any(|v| v == seed))
            );
        }
    }

    #[test]
    fn draw_never_takes_a_row_without_weight() {
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        let mut rng = Rng::new(1);
        for _ in 0..50 {
            assert!(
                draw(&weights, 4, &mut rng)
                    .iter()
                    .all(|row| [1, 3].contains(row))
            );
        }
        assert!(draw(&[0.0; 3], 2, &mut rng).is_empty());
    }

    #[test]
    fn seeds_are_spread_over_separate_clusters() {
        let vectors: Vec<f32> = (0..400)
            .flat_map(|i| [(i % 8) as f32 * 100.0, (i / 8) as f32 * 0.01])
            .collect();
        let seeds = seed(&vectors, 2, 16, &mut Rng::new(3));
        assert_eq!(seeds.len(), 32);
        let mut clusters: Vec<i64> = seeds.chunks(2).map(|s| s[0] as i64).collect();
        clusters.sort_unstable();
        clusters.dedup();
        assert!(clusters.len() >= 6, "{clusters:?}");
    }
}
