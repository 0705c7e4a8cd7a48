//! Coarse cells: vectors grouped around a few centres, so that a search need not compare all.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::backend::{Problem, trivial};
use crate::lloyd::lloyd;
use crate::members::Members;
use crate::nearest::{nearest, pack};
use crate::rng::{Rng, mix};
use crate::rows::gather;

/// Sample vectors per centre. Centres only have to partition, for which a sample does as well as
/// all vectors.
const SAMPLE: usize = 64;
const PASSES: usize = 8;
const TOLERANCE: f32 = 5e-3;
/// A cell larger than this many times the mean is split again, because searching it costs its size.
pub(crate) const LARGE: usize = 4;

/// Vectors, such as the centroids of a codebook, grouped into cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// `[C, dim]`, row-major.
    pub centres: Vec<f32>,
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Cells {
    /// `C`, the number of cells.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no cells, which is so for no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in a cell, ascending; at least one.
    ///
    /// # Panics
    /// If `cell` is not below [`len`](Cells::len).
    pub fn members(&self, cell: usize) -> &[u32] {
        &self.members[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }
}

/// Groups `centroids` (`[K, dim]`, row-major, finite) into about `cells` cells by k-means with
/// Euclidean distance. About `2 * sqrt(K)` cells minimise the comparisons with centres and members
/// of a few cells.
///
/// Every centroid is in one cell, and no cell is empty. A cell of more than four times the mean
/// size is split while its centroids differ, so there may be more cells than asked for; with fewer
/// distinct centroids there are fewer. The bytes are the same for any number of threads.
pub fn cells(centroids: &[f32], dim: usize, cells: usize, seed: u64) -> Cells {
    let n = centroids.len() / dim.max(1);
    let mut divided = Cells {
        centres: Vec::new(),
        starts: vec![0],
        members: Vec::new(),
    };
    if n == 0 {
        return divided;
    }
    let limit = LARGE * n.div_ceil(cells.max(1));
    for (centre, rows) in divide(centroids, dim, (0..n as u32).collect(), cells, seed, limit) {
        divided.centres.extend(centre);
        divided.members.extend(rows);
        divided.starts.push(divided.members.len() as u32);
    }
    divided
}

/// Groups rows by the nearest of `cells` centres, and splits cells of more than `limit` rows again.
fn divide(
    vectors: &[f32],
    dim: usize,
    rows: Vec<u32>,
    cells: usize,
    seed: u64,
    limit: usize,
) -> Vec<(Vec<f32>, Vec<u32>)> {
    let all = rows.len() * dim == vectors.len();
    let own = if all {
        Vec::new()
    } else {
        gather(vectors, dim, &rows)
    };
    let own = if all { vectors } else { &own };
    let centres = centres(own, dim, cells.max(1), seed);
    let found = nearest(own, &pack(&centres, dim));
    let members = Members::new(found.iter().map(|found| found.index), centres.len() / dim);
    let parts: Vec<(Vec<f32>, Vec<u32>)> = centres
        .chunks_exact(dim)
        .zip(members.lists())
        .filter(|(_, part)| !part.is_empty())
        .map(|(centre, part)| {
            let part = part.iter().map(|&at| rows[at as usize]).collect();
            (centre.to_vec(), part)
        })
        .collect();
    if parts.len() == 1 {
        return parts;
    }
    parts
        .into_par_iter()
        .enumerate()
        .flat_map(|(at, (centre, part))| {
            if part.len() <= limit {
                return vec![(centre, part)];
            }
            let cells = (LARGE * part.len()).div_ceil(limit);
            divide(vectors, dim, part, cells, mix(seed, at as u64), limit)
        })
        .collect()
}

fn centres(vectors: &[f32], dim: usize, cells: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    let n = vectors.len() / dim;
    // A random row of each interval: a fixed step could be in phase with the corpus.
    let stride = (n / (SAMPLE * cells)).max(1);
    let sample: Vec<u32> = (0..n)
        .step_by(stride)
        .map(|first| (first + rng.below(stride.min(n - first))) as u32)
        .collect();
    let problem = Problem {
        vectors: &gather(vectors, dim, &sample),
        dim,
        centroids: cells,
        iterations: PASSES,
        tolerance: TOLERANCE,
        seed: rng.next(),
    };
    trivial(&problem).unwrap_or_else(|| lloyd(&problem, &|_| ControlFlow::Continue(())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    fn blobs(n: usize, dim: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        let hubs: Vec<f32> = (0..9 * dim).map(|_| rng.unit() as f32).collect();
        (0..n)
            .flat_map(|_| {
                let hub = rng.below(9).min(rng.below(9));
                let row: Vec<f32> = (0..dim)
                    .map(|d| hubs[hub * dim + d] + 0.2 * rng.unit() as f32)
                    .collect();
                row
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_centroid_is_in_one_cell_and_no_cell_is_large(
            n in 0usize..700, dim in 1usize..9, asked in 0usize..60, seed in any::<u64>(),
        ) {
            let vectors = blobs(n, dim, seed);
            let cells = cells(&vectors, dim, asked, seed);
            prop_assert_eq!(cells.centres.len(), cells.len() * dim);
            let mut seen = vec![false; n];
            for cell in 0..cells.len() {
                let members = cells.members(cell);
                prop_assert!(!members.is_empty() && members.is_sorted_by(|a, b| a < b));
                prop_assert!(members.len() <= LARGE * n.div_ceil(asked.max(1)));
                for &row in members {
                    prop_assert!(!std::mem::replace(&mut seen[row as usize], true));
                }
            }
            prop_assert!(seen.into_iter().all(|seen| seen));
        }
    }

    #[test]
    fn near_centroids_share_a_cell() {
        let vectors: Vec<f32> = (0..600)
            .flat_map(|i| [(i % 6) as f32 * 100.0, (i / 6) as f32 * 0.01])
            .collect();
        let cells = cells(&vectors, 2, 12, 1);
        for cell in 0..cells.len() {
            let hub = cells.members(cell)[0] % 6;
            assert!(cells.members(cell).iter().all(|row| row % 6 == hub));
        }
    }

    #[test]
    fn centroids_that_do_not_differ_share_a_cell_of_any_size() {
        let cells = cells(&[0.5; 300], 3, 25, 1);
        assert_eq!((cells.len(), cells.members(0).len()), (1, 100));
    }

    #[test]
    fn any_number_of_threads_gives_the_same_cells() {
        let vectors = blobs(5000, 8, 3);
        let run = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| cells(&vectors, 8, 40, 9))
        };
        assert!(run(1) == run(2) && run(1) == run(5));
    }
}
