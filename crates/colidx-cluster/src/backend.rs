//! The seam between the two k-means backends, and the cases that need neither.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;

use crate::ClusterError;
use crate::rows::mean;

/// One k-means problem. What reaches an backend has at least two centroids, and more distinct vectors than centroids.
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

/// Is told of every pass, in comparisons. After a break, centroids are of no interest: an backend may return what it has.
pub(crate) type Tick<'a> = dyn Fn(u64) -> ControlFlow<()> + Sync + 'a;

/// A k-means backend.
pub(crate) trait Backend: Sync {
    /// Returns `[centroids, dim]`.
    fn fit(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError>;

    /// As `fit`, for vectors that are one cell of many, whose centroids are refined together afterwards; there may be fewer
    /// than asked for.
    fn fit_cell(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
        self.fit(problem, tick)
    }

    /// About how many comparisons a problem takes that does not converge early.
    fn work(&self, vectors: usize, centroids: usize, iterations: usize) -> u64 {
        (vectors * centroids * iterations) as u64
    }

    /// Whether problems of one codebook may run at the same time.
    fn concurrent(&self) -> bool;
}

/// What needs no backend: no vectors, fewer distinct vectors than centroids, one centroid.
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

/// A vector compared by its bits, the two zeros being one.
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
