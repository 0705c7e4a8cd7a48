//! The interface of k-means backends, and the problems that need none.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;

use crate::ClusterError;
use crate::rows::mean;

/// One k-means problem. A backend gets at least two centroids, and more distinct vectors than
/// centroids.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    /// `[n, dim]`, finite.
    pub vectors: &'a [f32],
    pub dim: usize,
    pub centroids: usize,
    pub iterations: usize,
    pub tolerance: f32,
    pub seed: u64,
}

/// Called after every pass with its comparisons. After a break the result is discarded: a backend
/// may return any centroids.
pub(crate) type Tick<'a> = dyn Fn(u64) -> ControlFlow<()> + Sync + 'a;

/// A k-means backend.
pub(crate) trait Backend: Sync {
    /// Returns `[centroids, dim]`.
    fn fit(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError>;

    /// As `fit`, for one cell of many whose centroids are refined together afterwards; may return
    /// fewer centroids than asked for.
    fn fit_cell(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
        self.fit(problem, tick)
    }

    /// The expected number of comparisons, if the problem does not converge early.
    fn work(&self, vectors: usize, centroids: usize, iterations: usize) -> u64 {
        (vectors * centroids * iterations) as u64
    }

    /// Whether several problems may run at the same time.
    fn concurrent(&self) -> bool;
}

/// Solves the problems that need no backend: no vectors, no more distinct vectors than centroids,
/// one centroid.
pub(crate) fn trivial(problem: &Problem) -> Option<Vec<f32>> {
    let distinct = distinct_vectors(problem.vectors, problem.dim, problem.centroids + 1);
    if distinct.len() <= problem.centroids {
        return Some(distinct.concat());
    }
    match problem.centroids {
        0 => Some(Vec::new()),
        1 => Some(mean(problem.vectors.chunks_exact(problem.dim), problem.dim)),
        _ => None,
    }
}

/// The first `limit` distinct vectors, in order of appearance.
fn distinct_vectors(vectors: &[f32], dim: usize, limit: usize) -> Vec<&[f32]> {
    let mut seen = HashSet::new();
    vectors
        .chunks_exact(dim)
        .filter(|vector| seen.insert(Bits(vector)))
        .take(limit)
        .collect()
}

/// A vector that compares by its bits, where both zeros are equal.
struct Bits<'a>(&'a [f32]);

impl Bits<'_> {
    fn words(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|value| (value + 0.0).to_bits())
    }
}

impl PartialEq for Bits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.words().eq(other.words())
    }
}

impl Eq for Bits<'_> {}

impl Hash for Bits<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words().for_each(|word| state.write_u32(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_vectors_come_in_order_and_stop_at_the_limit() {
        let rows = [1.0, 2.0, 0.0, 3.0, 1.0, 2.0, -0.0, 3.0, 5.0, 5.0];
        assert_eq!(
            distinct_vectors(&rows, 2, 9),
            [[1.0, 2.0], [0.0, 3.0], [5.0, 5.0]]
        );
        assert_eq!(distinct_vectors(&rows, 2, 2).len(), 2);
    }
}
