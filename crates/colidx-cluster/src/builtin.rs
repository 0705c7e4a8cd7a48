//! The built-in backend: Lloyd's algorithm for few centroids, Lloyd's algorithm per cell for many.
//!
//! Lloyd's algorithm compares `n` vectors with all `k` centroids in every pass. Vectors far apart
//! never share a centroid, so for large `k` the vectors are first partitioned into about `sqrt(k)`
//! coarse cells, each a problem of its own with about `sqrt(k)` centroids. A few passes over all
//! vectors then let centroids move across cell borders: one that looks each vector up, and some
//! that compare it with the neighbours of the centroid it had.

use rayon::prelude::*;

use crate::ClusterError;
use crate::apportion::{Dispersion, apportion};
use crate::backend::{Backend, Problem, Tick, trivial};
use crate::cells::cells;
use crate::lloyd::{lloyd, refine};
use crate::lookup::BRUTE_FORCE_UP_TO;
use crate::neighbours::NEIGHBOURS;
use crate::rng::mix;
use crate::rows::gather;

/// [`TrainOptions::damping`](crate::TrainOptions) by default, for cells in place of tokens.
pub(crate) const DAMPING: f32 = 0.9;
/// Passes within a cell, whose centroids are refined afterwards; 5 leave an 800th less error.
const CELL_PASSES: usize = 3;
/// Refining passes over all vectors, the first by a lookup, the others among neighbours.
pub(crate) const PASSES: usize = 4;

pub(crate) struct Builtin;

impl Backend for Builtin {
    fn fit(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
        Ok(fit(problem, tick))
    }

    fn fit_cell(&self, problem: &Problem, tick: &Tick) -> Result<Vec<f32>, ClusterError> {
        Ok(fit_cell(problem, tick))
    }

    fn work(&self, vectors: usize, centroids: usize, iterations: usize) -> u64 {
        let root = centroids.isqrt();
        let compared = match centroids {
            ..=BRUTE_FORCE_UP_TO => centroids * iterations,
            // Measured: cells differ in size, and a lookup costs about this much.
            _ => 2 * root * iterations.min(CELL_PASSES) + 8 * root + NEIGHBOURS * (PASSES - 1),
        };
        (vectors * compared) as u64
    }

    fn concurrent(&self) -> bool {
        true
    }
}

fn fit(problem: &Problem, tick: &Tick) -> Vec<f32> {
    if problem.centroids <= BRUTE_FORCE_UP_TO {
        return lloyd(problem, tick);
    }
    let mut centroids = by_cell(problem, tick);
    fill(&mut centroids, problem.centroids * problem.dim);
    refine(
        problem,
        &mut centroids,
        PASSES.min(problem.iterations),
        tick,
    );
    centroids
}

fn fit_cell(problem: &Problem, tick: &Tick) -> Vec<f32> {
    let problem = &Problem {
        iterations: problem.iterations.min(CELL_PASSES),
        ..*problem
    };
    trivial(problem).unwrap_or_else(|| match problem.centroids {
        ..=BRUTE_FORCE_UP_TO => lloyd(problem, tick),
        _ => by_cell(problem, tick),
    })
}

/// Repeats centroids up to `values`, where a cell of repeated vectors used less than its share. A
/// repeated centroid wins no vector, so the next pass moves it to where the error is greatest.
pub(crate) fn fill(centroids: &mut Vec<f32>, values: usize) {
    let missing = values.saturating_sub(centroids.len());
    centroids.extend_from_within(..missing.min(centroids.len()));
}

/// The centroids of all cells, concatenated; fewer than asked for where vectors repeat.
fn by_cell(problem: &Problem, tick: &Tick) -> Vec<f32> {
    let &Problem {
        vectors,
        dim,
        centroids: k,
        ..
    } = problem;
    let cells = cells(vectors, dim, k.isqrt(), problem.seed);
    if cells.len() < 2 {
        return lloyd(problem, tick);
    }
    let sets: Vec<(f64, usize)> = (0..cells.len())
        .into_par_iter()
        .map(|cell| {
            let rows = cells.members(cell);
            let dispersion = Dispersion::of(&gather(vectors, dim, rows), dim);
            (dispersion.weight(DAMPING), rows.len())
        })
        .collect();
    let shares = apportion(&sets, k);
    let parts: Vec<Vec<f32>> = (0..cells.len())
        .into_par_iter()
        .map(|cell| {
            let own = Problem {
                vectors: &gather(vectors, dim, cells.members(cell)),
                centroids: shares[cell],
                seed: mix(problem.seed, cell as u64),
                ..*problem
            };
            fit_cell(&own, tick)
        })
        .collect();
    parts.concat()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::nearest::{nearest, pack, squared_norm};
    use crate::rng::Rng;

    const DIM: usize = 8;

    fn problem(vectors: &[f32], centroids: usize) -> Problem<'_> {
        Problem {
            vectors,
            dim: DIM,
            centroids,
            iterations: 10,
            tolerance: 1e-3,
            seed: 3,
        }
    }

    fn clustered(n: usize) -> Vec<f32> {
        let mut rng = Rng::new(8);
        let hubs: Vec<f32> = (0..50 * DIM).map(|_| rng.unit() as f32).collect();
        (0..n)
            .flat_map(|row| {
                let hub = &hubs[row % 50 * DIM..][..DIM];
                let near: Vec<f32> = hub.iter().map(|x| x + 0.3 * rng.unit() as f32).collect();
                near
            })
            .collect()
    }

    #[test]
    fn cells_leave_about_the_error_of_one_problem() {
        let vectors = clustered(12_000);
        let problem = problem(&vectors, 600);
        let error = |centroids: &[f32]| -> f64 {
            assert_eq!(centroids.len(), 600 * DIM);
            let found = nearest(&vectors, &pack(centroids, DIM));
            let pairs = vectors.chunks(DIM).zip(&found);
            pairs
                .map(|(vector, found)| squared_norm(vector) - 2.0 * f64::from(found.score))
                .sum()
        };
        let (cells, whole) = (
            fit(&problem, &|_| ControlFlow::Continue(())),
            lloyd(&problem, &|_| ControlFlow::Continue(())),
        );
        let ratio = error(&cells) / error(&whole);
        assert!(ratio < 1.03, "{ratio}");
    }

    #[test]
    fn any_number_of_threads_gives_the_same_centroids() {
        let vectors = clustered(5000);
        let run = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| fit(&problem(&vectors, 400), &|_| ControlFlow::Continue(())))
        };
        assert!(run(1) == run(2) && run(1) == run(5));
    }

    #[test]
    fn what_repeated_vectors_leave_of_their_share_is_given_to_others() {
        let mut vectors = clustered(2000);
        for row in 0..1000 {
            let from = row % 7 * DIM;
            vectors.copy_within(from..from + DIM, row * DIM);
        }
        let centroids = fit(&problem(&vectors, 500), &|_| ControlFlow::Continue(()));
        assert_eq!(centroids.len(), 500 * DIM);
        let mut distinct: Vec<Vec<u32>> = centroids
            .chunks(DIM)
            .map(|c| c.iter().map(|x| x.to_bits()).collect())
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 490, "{}", distinct.len());
    }
}
