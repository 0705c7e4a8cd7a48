//! Lloyd's algorithm, with the same result for any number of threads.
//!
//! Vectors are assigned in parallel, independently; members are listed by centroid in order of row;
//! each centroid becomes the mean of its list, summed in that order. No sum depends on how the work
//! was split. Vectors come in blocks, so they need not all be in memory; block boundaries do not
//! matter either.

use std::convert::Infallible;

use colidx_kernels::Nearest;
use rayon::prelude::*;

use crate::backend::{Problem, Tick};
use crate::lookup::Lookup;
use crate::members::Members;
use crate::nearest::{NOWHERE, nearest_into, pack, squared_distance, squared_norms};
use crate::neighbours::Neighbours;
use crate::rng::Rng;
use crate::rows::AHEAD;
use crate::seeding::seed;

/// Vectors that are visited in order, in blocks, any number of times.
pub(crate) trait Blocks {
    type Error;

    /// Calls `take` with each block, `[n, dim]`.
    fn visit(&self, take: &mut dyn FnMut(&[f32])) -> Result<(), Self::Error>;
}

/// One block, in memory.
struct InMemory<'a>(&'a [f32]);

impl Blocks for InMemory<'_> {
    type Error = Infallible;

    fn visit(&self, take: &mut dyn FnMut(&[f32])) -> Result<(), Infallible> {
        take(self.0);
        Ok(())
    }
}

/// Finds the nearest centroid of each vector of a block, given the one before, and returns the
/// comparisons made.
type Find<'a> = Box<dyn Fn(&[f32], &mut [Nearest]) -> u64 + 'a>;

/// Lloyd's algorithm, for at least two centroids and more distinct vectors than centroids.
pub(crate) fn lloyd(problem: &Problem, tick: &Tick) -> Vec<f32> {
    let &Problem {
        vectors,
        dim,
        centroids: k,
        ..
    } = problem;
    let mut centroids = seed(vectors, dim, k, &mut Rng::new(problem.seed));
    let prepare = |centroids: &[f32], _: Option<&[Split]>| -> Find {
        let panels = pack(centroids, dim);
        Box::new(move |vectors, found| {
            nearest_into(vectors, &panels, found);
            (found.len() * k) as u64
        })
    };
    let descent = Descent {
        dim,
        passes: problem.iterations,
        tolerance: problem.tolerance,
        prepare: &prepare,
    };
    let Ok(()) = descent.run(&InMemory(vectors), &mut centroids, tick);
    centroids
}

/// Up to `passes` passes of Lloyd's algorithm over many centroids, which compare each vector only
/// with centroids near it.
pub(crate) fn refine(problem: &Problem, centroids: &mut [f32], passes: usize, tick: &Tick) {
    let &Problem { dim, tolerance, .. } = problem;
    let blocks = InMemory(problem.vectors);
    let Ok(()) = refine_blocks(&blocks, dim, centroids, passes, tolerance, tick);
}

/// As [`refine`], for vectors that are not in memory.
pub(crate) fn refine_blocks<B: Blocks>(
    blocks: &B,
    dim: usize,
    centroids: &mut [f32],
    passes: usize,
    tolerance: f32,
    tick: &Tick,
) -> Result<(), B::Error> {
    let all = 0..centroids.len() / dim;
    let prepare = |centroids: &[f32], splits: Option<&[Split]>| -> Find {
        if let Some(splits) = splits {
            let mut neighbours = Neighbours::new(dim, centroids);
            for split in splits {
                neighbours.add(split.donor, split.centroid);
            }
            Box::new(move |vectors, found| neighbours.nearest(vectors, found))
        } else {
            let lookup = Lookup::new(dim, centroids, std::slice::from_ref(&all));
            Box::new(move |vectors, found| lookup.nearest(vectors, &|_| 0, found))
        }
    };
    let descent = Descent {
        dim,
        passes,
        tolerance,
        prepare: &prepare,
    };
    descent.run(blocks, centroids, tick)
}

/// Makes a [`Find`] of the centroids and, but for the first pass, what was split after the one
/// before.
type Prepare<'a> = dyn Fn(&[f32], Option<&[Split]>) -> Find<'a> + 'a;

/// Lloyd's passes.
struct Descent<'a> {
    dim: usize,
    passes: usize,
    tolerance: f32,
    prepare: &'a Prepare<'a>,
}

impl Descent<'_> {
    fn run<B: Blocks>(
        &self,
        blocks: &B,
        centroids: &mut [f32],
        tick: &Tick,
    ) -> Result<(), B::Error> {
        let dim = self.dim;
        // The nearest centroid of each vector, pass after pass.
        let mut labels: Vec<u32> = Vec::new();
        let mut found = Vec::new();
        let mut before = f64::INFINITY;
        let mut last: Option<Vec<Split>> = None;
        for _ in 0..self.passes {
            let find = (self.prepare)(centroids, last.as_deref());
            let mut pass = Pass::new(centroids.len() / dim, dim);
            let mut compared = 0;
            blocks.visit(&mut |vectors| {
                let rows = pass.rows..pass.rows + vectors.len() / dim;
                labels.resize(labels.len().max(rows.end), NOWHERE.index);
                let labels = &mut labels[rows];
                found.clear();
                found.extend(labels.iter().map(|&index| Nearest { index, ..NOWHERE }));
                compared += find(vectors, &mut found);
                for (label, found) in labels.iter_mut().zip(&found) {
                    *label = found.index;
                }
                pass.add(vectors, &squared_norms(vectors, dim), &found);
            })?;
            drop(find);
            pass.move_centroids(centroids);
            let splits = pass.splits();
            if !splits.is_empty() {
                split(blocks, dim, &splits, centroids)?;
            }
            let converged = before - pass.error < f64::from(self.tolerance) * before;
            if tick(compared).is_break() || (splits.is_empty() && converged) {
                break;
            }
            before = pass.error;
            for split in &splits {
                labels[split.row] = split.centroid as u32;
            }
            last = Some(splits);
        }
        Ok(())
    }
}

/// Statistics of one pass for every centroid.
struct Pass {
    dim: usize,
    /// Vectors seen.
    rows: usize,
    /// `[k, dim]`: sums of the members.
    sums: Vec<f64>,
    clusters: Vec<Cluster>,
    /// The sum of all squared distances.
    error: f64,
}

#[derive(Clone, Default)]
struct Cluster {
    members: u32,
    /// The sum of the members' squared distances.
    error: f64,
    /// The farthest member, the first of equal ones.
    farthest: usize,
    distance: f32,
}

/// Row `row` of cluster `donor` becomes centroid `centroid`.
struct Split {
    row: usize,
    donor: usize,
    centroid: usize,
}

impl Pass {
    fn new(k: usize, dim: usize) -> Pass {
        Pass {
            dim,
            rows: 0,
            sums: vec![0.0; k * dim],
            clusters: vec![Cluster::default(); k],
            error: 0.0,
        }
    }

    /// Adds a block, given the squared norms and nearest centroids of its vectors.
    fn add(&mut self, vectors: &[f32], norms: &[f32], found: &[Nearest]) {
        let (dim, first) = (self.dim, self.rows);
        let distances: Vec<f32> = norms
            .iter()
            .zip(found)
            .map(|(&norm, found)| squared_distance(norm, found))
            .collect();
        let members = Members::new(found.iter().map(|found| found.index), self.clusters.len());
        let kernels = colidx_kernels::kernels();
        self.sums
            .par_chunks_mut(dim)
            .zip(self.clusters.par_iter_mut())
            .enumerate()
            .for_each(|(c, (sum, cluster))| {
                let members = members.of(c);
                for (at, &row) in members.iter().enumerate() {
                    if let Some(&ahead) = members.get(at + AHEAD) {
                        colidx_kernels::prefetch(&vectors[ahead as usize * dim..][..dim]);
                    }
                    let row = row as usize;
                    kernels.add_to_sums(&vectors[row * dim..][..dim], sum);
                    let distance = distances[row];
                    if cluster.members == 0 || distance > cluster.distance {
                        (cluster.farthest, cluster.distance) = (first + row, distance);
                    }
                    cluster.members += 1;
                    cluster.error += f64::from(distance);
                }
            });
        self.error = distances
            .iter()
            .fold(self.error, |sum, &distance| sum + f64::from(distance));
        self.rows += found.len();
    }

    /// Moves each centroid to the mean of its members, if it has any.
    fn move_centroids(&self, centroids: &mut [f32]) {
        let means = self.sums.chunks_exact(self.dim).zip(&self.clusters);
        for (centroid, (sum, cluster)) in centroids.chunks_exact_mut(self.dim).zip(means) {
            if cluster.members > 0 {
                for (value, sum) in centroid.iter_mut().zip(sum) {
                    *value = (sum / f64::from(cluster.members)) as f32;
                }
            }
        }
    }

    /// A split for every centroid without members: the clusters of greatest squared error, worst
    /// first, each give up their farthest member as a new centroid.
    fn splits(&self) -> Vec<Split> {
        let clusters = self.clusters.iter().enumerate();
        let empty: Vec<usize> = clusters
            .clone()
            .filter(|(_, cluster)| cluster.members == 0)
            .map(|(c, _)| c)
            .collect();
        if empty.is_empty() {
            return Vec::new();
        }
        let mut worst: Vec<(usize, &Cluster)> = clusters
            .filter(|(_, cluster)| cluster.error > 0.0)
            .collect();
        worst.sort_by(|a, b| b.1.error.total_cmp(&a.1.error).then(a.0.cmp(&b.0)));
        empty
            .into_iter()
            .zip(worst)
            .map(|(centroid, (donor, cluster))| Split {
                row: cluster.farthest,
                donor,
                centroid,
            })
            .collect()
    }
}

/// Copies the rows that splits name into their centroids.
fn split<B: Blocks>(
    blocks: &B,
    dim: usize,
    splits: &[Split],
    centroids: &mut [f32],
) -> Result<(), B::Error> {
    let mut first = 0;
    blocks.visit(&mut |vectors| {
        let rows = first..first + vectors.len() / dim;
        for split in splits.iter().filter(|split| rows.contains(&split.row)) {
            let row = &vectors[(split.row - first) * dim..][..dim];
            centroids[split.centroid * dim..][..dim].copy_from_slice(row);
        }
        first = rows.end;
    })
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

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
        lloyd(&problem, &|_| ControlFlow::Continue(()))
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
        let panels = pack(&centroids, 1);
        let mut pass = Pass::new(2, 1);
        // In two blocks, as if they were read one after the other.
        for block in vectors.chunks(2) {
            pass.add(block, &squared_norms(block, 1), &nearest(block, &panels));
        }
        pass.move_centroids(&mut centroids);
        assert_eq!(centroids, [3.0, 100.0]);
        let splits = pass.splits();
        split(&InMemory(&vectors), 1, &splits, &mut centroids).unwrap();
        assert_eq!((splits.len(), centroids), (1, [3.0, 9.0]));
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

    /// Blocks of some rows.
    struct Pieces<'a>(&'a [f32], usize);

    impl Blocks for Pieces<'_> {
        type Error = Infallible;

        fn visit(&self, take: &mut dyn FnMut(&[f32])) -> Result<(), Infallible> {
            self.0.chunks(self.1).for_each(take);
            Ok(())
        }
    }

    #[test]
    fn blocks_of_any_size_give_the_same_centroids() {
        let (dim, k) = (4, 400);
        let mut rng = Rng::new(4);
        let vectors: Vec<f32> = (0..3000 * dim).map(|_| rng.unit() as f32).collect();
        // Repeated centroids are empty ones.
        let start: Vec<f32> = vectors[..(k - 20) * dim].to_vec();
        let start = [&start[..], &start[..20 * dim]].concat();
        let refined = |rows: usize| {
            let mut centroids = start.clone();
            let blocks = Pieces(&vectors, rows * dim);
            refine_blocks(&blocks, dim, &mut centroids, 3, 0.0, &|_| {
                ControlFlow::Continue(())
            })
            .unwrap();
            centroids
        };
        let whole = refined(3000);
        assert_ne!(whole, start);
        assert!(whole == refined(1000) && whole == refined(77));
    }
}
