//! Lloyd's algorithm, with the same result for any number of threads.
//!
//! Vectors are assigned in parallel, each on its own; members are listed by centroid in order of row; each centroid is then
//! the mean of its list, summed in that order. No sum depends on how the work was split.

use std::ops::Range;

use colidx_kernels::Nearest;
use rayon::prelude::*;

use crate::engine::{Problem, mean};
use crate::lookup::Lookup;
use crate::members::Members;
use crate::nearest::{NOWHERE, nearest_into, pack, squared_distance, squared_norms};
use crate::rng::Rng;
use crate::seeding::seed;

/// k-means proper: at least two centroids, and more distinct vectors than centroids. `tick` is told of every pass, in
/// comparisons.
pub(crate) fn lloyd(problem: &Problem, tick: &(dyn Fn(u64) + Sync)) -> Vec<f32> {
    let &Problem {
        vectors,
        dim,
        centroids: k,
        ..
    } = problem;
    let mut centroids = seed(vectors, dim, k, &mut Rng::new(problem.seed));
    descend(
        problem,
        &mut centroids,
        problem.iterations,
        tick,
        &|centroids, found| {
            nearest_into(vectors, &pack(centroids, dim), found);
            problem.pass()
        },
    );
    centroids
}

/// Up to `passes` passes of Lloyd's algorithm over many centroids, each vector being compared with those near it.
pub(crate) fn refine(
    problem: &Problem,
    centroids: &mut [f32],
    passes: usize,
    tick: &(dyn Fn(u64) + Sync),
) {
    let dim = problem.dim;
    let all = 0..centroids.len() / dim;
    descend(problem, centroids, passes, tick, &|centroids, found| {
        Lookup::new(dim, centroids, std::slice::from_ref(&all)).nearest(
            problem.vectors,
            &|_| 0,
            found,
        )
    });
}

/// Lloyd's passes; `find` replaces the nearest centroid of each vector, and says how many comparisons that took.
fn descend(
    problem: &Problem,
    centroids: &mut [f32],
    passes: usize,
    tick: &(dyn Fn(u64) + Sync),
    find: &dyn Fn(&[f32], &mut [Nearest]) -> u64,
) {
    let &Problem { vectors, dim, .. } = problem;
    let norms = squared_norms(vectors, dim);
    let mut found = vec![NOWHERE; norms.len()];
    let mut before = f64::INFINITY;
    for _ in 0..passes {
        let compared = find(centroids, &mut found);
        let distances: Vec<f32> = norms
            .iter()
            .zip(&found)
            .map(|(&norm, found)| squared_distance(norm, found))
            .collect();
        let members = Members::new(found.iter().map(|found| found.index), centroids.len() / dim);
        centroids
            .par_chunks_mut(dim)
            .enumerate()
            .for_each(|(c, centroid)| {
                let rows = members.of(c);
                if !rows.is_empty() {
                    centroid.copy_from_slice(&mean(
                        rows.iter().map(|&row| &vectors[span(row, dim)]),
                        dim,
                    ));
                }
            });
        let repaired = repair(centroids, vectors, dim, &members, &distances);
        tick(compared);
        let error: f64 = distances.iter().map(|&distance| f64::from(distance)).sum();
        if repaired == 0 && before - error < f64::from(problem.tolerance) * before {
            break;
        }
        before = error;
    }
}

fn span(row: u32, dim: usize) -> Range<usize> {
    row as usize * dim..(row as usize + 1) * dim
}

/// Splits a cluster for every centroid without members: the clusters of greatest squared error, worst first, each hand their
/// farthest member over as a centroid. Returns how many were split.
fn repair(
    centroids: &mut [f32],
    vectors: &[f32],
    dim: usize,
    members: &Members,
    distances: &[f32],
) -> usize {
    let k = centroids.len() / dim;
    let empty: Vec<usize> = (0..k).filter(|&c| members.of(c).is_empty()).collect();
    if empty.is_empty() {
        return 0;
    }
    let error = |c: usize| {
        members
            .of(c)
            .iter()
            .map(|&row| f64::from(distances[row as usize]))
            .sum::<f64>()
    };
    let mut worst: Vec<(f64, usize)> = (0..k)
        .map(|c| (error(c), c))
        .filter(|&(error, _)| error > 0.0)
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut split = 0;
    for (&c, &(_, donor)) in empty.iter().zip(&worst) {
        let farthest = members.of(donor).iter().copied().reduce(|far, row| {
            if distances[row as usize] > distances[far as usize] {
                row
            } else {
                far
            }
        });
        if let Some(row) = farthest {
            centroids[c * dim..(c + 1) * dim].copy_from_slice(&vectors[span(row, dim)]);
            split += 1;
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::nearest;

    fn fit(vectors: &[f32], dim: usize, k: usize, iterations: usize) -> Vec<f32> {
        let problem = Problem {
            vectors,
            dim,
            centroids: k,
            iterations,
            tolerance: 0.0,
            seed: 5,
        };
        lloyd(&problem, &|_| ())
    }

    #[test]
    fn separate_clusters_are_found() {
        let vectors: Vec<f32> = (0..300)
            .flat_map(|i| [(i % 3) as f32 * 10.0, (i / 3) as f32 * 0.01])
            .collect();
        let mut found: Vec<f32> = fit(&vectors, 2, 3, 20).chunks(2).map(|c| c[0]).collect();
        found.sort_by(f32::total_cmp);
        assert_eq!(found, [0.0, 10.0, 20.0]);
    }

    #[test]
    fn an_empty_cluster_is_filled_from_the_worst_one() {
        // All vectors are nearest to centroid 0; row 3 is the farthest from it.
        let vectors = [0.0f32, 1.0, 2.0, 9.0];
        let mut centroids = [3.0f32, 100.0];
        let split = repair(
            &mut centroids,
            &vectors,
            1,
            &Members::new([0; 4].into_iter(), 2),
            &[9.0, 4.0, 1.0, 36.0],
        );
        assert_eq!((split, centroids), (1, [3.0, 9.0]));
    }

    #[test]
    fn more_passes_never_raise_the_error() {
        let mut rng = Rng::new(11);
        let vectors: Vec<f32> = (0..4000).map(|_| rng.unit() as f32 - 0.5).collect();
        let norms = squared_norms(&vectors, 8);
        let error = |centroids: &[f32]| -> f64 {
            let found = nearest(&vectors, &pack(centroids, 8));
            norms
                .iter()
                .zip(&found)
                .map(|(&norm, found)| f64::from(squared_distance(norm, found)))
                .sum()
        };
        let errors: Vec<f64> = [1, 2, 4, 8, 16]
            .map(|passes| error(&fit(&vectors, 8, 32, passes)))
            .to_vec();
        assert!(errors.is_sorted_by(|a, b| a * 1.0001 >= *b), "{errors:?}");
    }
}
