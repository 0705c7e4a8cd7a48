//! Finds nearest centroids again, after they moved a little: among the neighbours of those that
//! were nearest before.
//!
//! Vectors with the same centroid before are compared with the same few others, as one product, so
//! a pass costs a tenth of a [lookup](crate::lookup) that knows nothing.

use std::collections::HashMap;

use colidx_kernels::{Nearest, Panels, RowsView};
use rayon::prelude::*;

use crate::cells::{Cells, cells};
use crate::members::Members;
use crate::nearest::{NOWHERE, ROWS, best_first, biases, pack};
use crate::rows::{gather, gather_into};

/// Centroids that a vector is compared with, the one before included.
pub(crate) const NEIGHBOURS: usize = 32;
/// Cells that neighbours are looked for in.
const PROBES: usize = 24;
const SEED: u64 = 0x6E65_6172;

/// The nearest centroids of each of many.
pub(crate) struct Neighbours {
    dim: usize,
    centroids: Vec<f32>,
    /// `[K]`: the biases with which a product tells the nearest.
    biases: Vec<f32>,
    /// `[K, most]`, each row ascending.
    lists: Vec<u32>,
    most: usize,
    /// Further neighbours of some centroids.
    more: HashMap<usize, Vec<u32>>,
}

impl Neighbours {
    /// For `centroids`, `[K, dim]`, at least one.
    pub(crate) fn new(dim: usize, centroids: &[f32]) -> Neighbours {
        let k = centroids.len() / dim;
        let most = NEIGHBOURS.min(k);
        // Cells of as many centroids as are looked for.
        let cells = cells(centroids, dim, k.div_ceil(NEIGHBOURS), SEED);
        let mut lists = vec![0; k * most];
        let found: Vec<Vec<u32>> = (0..cells.len())
            .into_par_iter()
            .map(|cell| of_cell(dim, centroids, &cells, cell, most))
            .collect();
        for (cell, found) in found.iter().enumerate() {
            let rows = cells.members(cell).iter().zip(found.chunks_exact(most));
            for (&row, list) in rows {
                lists[row as usize * most..][..most].copy_from_slice(list);
            }
        }
        Neighbours {
            dim,
            centroids: centroids.to_vec(),
            biases: biases(centroids, dim),
            lists,
            most,
            more: HashMap::new(),
        }
    }

    /// Compares the vectors of `centroid` with another one, too.
    pub(crate) fn add(&mut self, centroid: usize, other: usize) {
        self.more.entry(centroid).or_default().push(other as u32);
    }

    /// The neighbours of a centroid, ascending.
    fn of(&self, centroid: usize) -> Vec<u32> {
        let mut list = self.lists[centroid * self.most..][..self.most].to_vec();
        if let Some(more) = self.more.get(&centroid) {
            list.extend(more);
            list.sort_unstable();
            list.dedup();
        }
        list
    }

    /// Replaces the centroid of each of `vectors` that was nearest before by the nearest of its
    /// neighbours. Ties go to the lower number. Returns the comparisons made.
    pub(crate) fn nearest(&self, vectors: &[f32], found: &mut [Nearest]) -> u64 {
        let k = self.centroids.len() / self.dim;
        let by_centroid = Members::new(found.iter().map(|found| found.index), k);
        let mut nearest = vec![NOWHERE; found.len()];
        let mut rest = &mut nearest[..];
        let mut tasks = Vec::new();
        for (centroid, rows) in by_centroid.lists().enumerate() {
            let (own, others) = rest.split_at_mut(rows.len());
            if !rows.is_empty() {
                tasks.push((centroid, rows, own));
            }
            rest = others;
        }
        let buffers = || (Vec::new(), Vec::new(), Panels::empty(self.dim));
        tasks.into_par_iter().for_each_init(
            buffers,
            |(gathered, biases, panels), (centroid, rows, nearest)| {
                let list = self.of(centroid);
                gather_into(gathered, &self.centroids, self.dim, list.iter().copied());
                gather_into(biases, &self.biases, 1, list.iter().copied());
                panels.refill_with_bias(RowsView::new(gathered, self.dim), biases);
                for (rows, nearest) in rows.chunks(ROWS).zip(nearest.chunks_mut(ROWS)) {
                    gather_into(gathered, vectors, self.dim, rows.iter().copied());
                    colidx_kernels::kernels().nearest(gathered, panels, nearest);
                    for nearest in nearest {
                        nearest.index = list[nearest.index as usize];
                    }
                }
            },
        );
        for (&row, nearest) in by_centroid.rows().iter().zip(nearest) {
            found[row as usize] = nearest;
        }
        (found.len() * self.most) as u64
    }
}

/// The `most` nearest of each centroid of a cell, in the cells nearest to it.
fn of_cell(dim: usize, centroids: &[f32], cells: &Cells, cell: usize, most: usize) -> Vec<u32> {
    let centre = &cells.centres[cell * dim..][..dim];
    let distance = |other: &[f32]| -> f64 {
        let pairs = centre.iter().zip(other);
        pairs.map(|(x, y)| f64::from(x - y).powi(2)).sum()
    };
    let mut near: Vec<(f64, usize)> = cells
        .centres
        .chunks_exact(dim)
        .map(distance)
        .zip(0..)
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut candidates = Vec::new();
    for (at, &(_, cell)) in near.iter().enumerate() {
        if at >= PROBES && candidates.len() >= most {
            break;
        }
        candidates.extend_from_slice(cells.members(cell));
    }
    candidates.sort_unstable();
    let panels = pack(&gather(centroids, dim, &candidates), dim);
    let own = gather(centroids, dim, cells.members(cell));
    let stride = panels.padded_columns();
    let mut scores = vec![0.0; own.len() / dim * stride];
    colidx_kernels::kernels().dots(&own, &panels, &mut scores);
    let mut lists = Vec::with_capacity(own.len() / dim * most);
    let mut keys: Vec<u64> = Vec::new();
    for scores in scores.chunks_exact(stride) {
        keys.clear();
        let numbered = scores.iter().zip(&candidates);
        keys.extend(numbered.map(|(&score, &number)| best_first(score, number)));
        if keys.len() > most {
            keys.select_nth_unstable(most);
            keys.truncate(most);
        }
        let start = lists.len();
        lists.extend(keys.iter().map(|&key| key as u32));
        lists[start..].sort_unstable();
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::nearest;
    use crate::rng::Rng;

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        (0..n).map(|_| rng.unit() as f32 - 0.5).collect()
    }

    #[test]
    fn most_neighbours_are_the_nearest_centroids() {
        let (dim, k) = (6, 2000);
        let centroids = random(k * dim, 1);
        let neighbours = Neighbours::new(dim, &centroids);
        let mut hits = 0;
        for centroid in (0..k).step_by(50) {
            let own = &centroids[centroid * dim..][..dim];
            let squares = |other: &[f32]| -> f32 {
                own.iter().zip(other).map(|(x, y)| (x - y).powi(2)).sum()
            };
            let mut near: Vec<u32> = (0..k as u32).collect();
            near.sort_by(|&a, &b| {
                let at = |c: u32| squares(&centroids[c as usize * dim..][..dim]);
                at(a).total_cmp(&at(b))
            });
            let list = neighbours.of(centroid);
            assert!(list.len() == NEIGHBOURS && list.is_sorted_by(|a, b| a < b));
            assert!(list.contains(&(centroid as u32)));
            hits += list
                .iter()
                .filter(|c| near[..NEIGHBOURS].contains(c))
                .count();
        }
        assert!(hits > 40 * NEIGHBOURS * 9 / 10, "{hits}");
    }

    #[test]
    fn vectors_whose_centroids_moved_a_little_find_the_nearest_again() {
        let (dim, k, n) = (6, 2000, 5000);
        let centroids = random(k * dim, 2);
        let vectors = random(n * dim, 3);
        let before = nearest(&vectors, &pack(&centroids, dim));
        let moved = centroids.iter().zip(random(k * dim, 4));
        let moved: Vec<f32> = moved.map(|(x, by)| x + 0.05 * by).collect();
        let neighbours = Neighbours::new(dim, &moved);
        let mut found = before.clone();
        assert_eq!(
            neighbours.nearest(&vectors, &mut found),
            (n * NEIGHBOURS) as u64
        );
        let all = nearest(&vectors, &pack(&moved, dim));
        let same = found.iter().zip(&all).filter(|(a, b)| a == b).count();
        assert!(same > n * 97 / 100, "{same}");
        // A vector finds the same alone and among others.
        for row in (0..n).step_by(100) {
            let mut alone = [before[row]];
            neighbours.nearest(&vectors[row * dim..][..dim], &mut alone);
            assert_eq!(alone[0], found[row]);
        }
    }

    #[test]
    fn an_added_neighbour_is_compared() {
        let dim = 2;
        let mut centroids: Vec<f32> = (0..200).flat_map(|i| [i as f32, 0.0]).collect();
        centroids[199 * dim..].copy_from_slice(&[1000.0, 0.0]);
        let mut neighbours = Neighbours::new(dim, &centroids);
        let at = |neighbours: &Neighbours| {
            let mut found = [Nearest {
                index: 3,
                ..NOWHERE
            }];
            neighbours.nearest(&[990.0, 0.0], &mut found);
            found[0].index
        };
        assert!(at(&neighbours) < 199);
        neighbours.add(3, 199);
        assert_eq!(at(&neighbours), 199);
    }

    #[test]
    fn few_centroids_are_all_neighbours() {
        let neighbours = Neighbours::new(1, &[0.0, 1.0, 2.0]);
        assert_eq!(neighbours.of(2), [0, 1, 2]);
        let mut found = [NOWHERE];
        neighbours.nearest(&[1.6], &mut found);
        assert_eq!(found[0].index, 2);
    }
}
