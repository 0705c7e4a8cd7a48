//! Finds the nearest of many centroids: by brute force where they are few, in a few cells where
//! they are many.
//!
//! A group of more than [`BRUTE_FORCE_UP_TO`] centroids is laid out by [`cells`](fn@crate::cells).
//! A vector is compared with all cell centres, then with the centroids of cells, the most promising
//! first, until no other cell is likely to hold a nearer one: few cells for a vector near a
//! centroid, many for one between cells. All this happens in 8 bits. The cells whose best score is
//! within rounding of the best of all, mostly one or two, are compared once more, exactly. Vectors
//! are sorted by cell so that the kernels get many rows at a time, yet each vector's result depends
//! on that vector alone.

mod leaf;
mod quantized;
mod task;

use std::cmp::Ordering;
use std::ops::Range;

use colidx_kernels::{Nearest, RowsU8};
use rayon::prelude::*;

use crate::members::Members;
use crate::nearest::{NOWHERE, ROWS};
use crate::rows::gather_into;
use leaf::{Centres, Leaf};
use quantized::QuantizedRows;
use task::{Probe, ROUNDS, Task};

/// Up to this many centroids a group is searched by brute force.
pub(crate) const BRUTE_FORCE_UP_TO: usize = 256;
/// Vectors sorted together: enough for full tasks, few enough for the last-level cache.
const BLOCK: usize = 1 << 14;
/// Scores of centres that a block keeps at most, but for [`ROWS`] vectors.
const SCORES: usize = 4 << 20;

/// Groups of centroids, laid out for the kernels.
pub(crate) struct Lookup {
    dim: usize,
    groups: Vec<Group>,
    leaves: Vec<Leaf>,
}

/// Leaf numbers start at `first`; without `centres` there is one leaf.
struct Group {
    first: u32,
    centres: Option<Centres>,
}

/// A leaf that may hold the nearest centroid of a row.
struct Contender {
    probe: Probe,
    /// The best score in the leaf, in 8 bits.
    score: f32,
}

/// The state of the 8-bit pass over a block.
struct Scan {
    /// The best score of each row so far.
    best: Vec<f32>,
    /// The [margin](Centres::margin) of each row.
    margins: Vec<f32>,
    contenders: Vec<Contender>,
}

impl Lookup {
    /// `groups` are ranges of rows of `centroids`, `[K, dim]`.
    pub(crate) fn new(dim: usize, centroids: &[f32], groups: &[Range<usize>]) -> Lookup {
        let built: Vec<(Option<Centres>, Vec<Leaf>)> = groups
            .par_iter()
            .map(|range| {
                let own = &centroids[range.start * dim..range.end * dim];
                leaf::build(own, dim, range.start as u32)
            })
            .collect();
        let mut lookup = Lookup {
            dim,
            groups: Vec::with_capacity(groups.len()),
            leaves: Vec::new(),
        };
        for (centres, leaves) in built {
            let first = lookup.leaves.len() as u32;
            lookup.groups.push(Group { first, centres });
            lookup.leaves.extend(leaves);
        }
        lookup
    }

    /// Sets `found` to the nearest centroid of each of `vectors` within the group that `group_of`
    /// returns for its row. Ties go to the lower number. Returns the comparisons made.
    pub(crate) fn nearest(
        &self,
        vectors: &[f32],
        group_of: &(dyn Fn(usize) -> usize + Sync),
        found: &mut [Nearest],
    ) -> u64 {
        let most = self.groups.iter().map(Group::cells).max().unwrap_or(0);
        let block = (SCORES / most.max(1)).clamp(ROWS, BLOCK);
        vectors
            .chunks(block * self.dim)
            .zip(found.chunks_mut(block))
            .enumerate()
            .map(|(at, (vectors, found))| {
                self.block(vectors, &|row| group_of(at * block + row), found)
            })
            .sum()
    }

    fn block(
        &self,
        vectors: &[f32],
        group_of: &(dyn Fn(usize) -> usize + Sync),
        found: &mut [Nearest],
    ) -> u64 {
        let labels = (0..found.len()).map(|row| group_of(row) as u32);
        let by_group = Members::new(labels, self.groups.len());
        let (mut probes, mut tasks) = (Vec::new(), Vec::new());
        for (group, rows) in self.groups.iter().zip(by_group.lists()) {
            let leaf = group.first;
            match &group.centres {
                None => probes.extend(rows.iter().map(|&row| Probe { leaf, row })),
                Some(centres) => {
                    let rows = rows.chunks(ROWS);
                    tasks.extend(rows.map(|rows| Task::new(leaf, centres, rows)));
                }
            }
        }
        let mut comparisons = 0;
        if !tasks.is_empty() {
            let (contenders, scanned) = self.scan(vectors, tasks, found.len());
            probes.extend(contenders);
            comparisons += scanned;
        }
        (comparisons + self.search(vectors, &probes, found)) as u64
    }

    /// The leaves that may hold the nearest centroids of `n` vectors, and the comparisons made.
    fn scan(
        &self,
        vectors: &[f32],
        mut tasks: Vec<Task>,
        n: usize,
    ) -> (impl Iterator<Item = Probe>, usize) {
        let quantized = QuantizedRows::new(vectors, self.dim);
        tasks
            .par_iter_mut()
            .for_each_init(RowsU8::default, |rows, task| task.score(&quantized, rows));
        let mut comparisons = tasks.iter().map(Task::comparisons).sum::<usize>();
        let mut scan = Scan {
            best: vec![f32::NEG_INFINITY; n],
            margins: vec![0.0; n],
            contenders: Vec::new(),
        };
        for task in &tasks {
            for (row, margin) in task.margins(&quantized) {
                scan.margins[row as usize] = margin;
            }
        }
        for round in 0..ROUNDS.len() {
            let probes: Vec<Vec<Probe>> = tasks
                .par_iter_mut()
                .map(|task| task.probes(round, &scan.best))
                .collect();
            comparisons += self.scan_leaves(&quantized, &probes.concat(), &mut scan);
        }
        let Scan {
            best,
            margins,
            contenders,
        } = scan;
        let contenders = contenders.into_iter().filter(move |contender| {
            let row = contender.probe.row as usize;
            may_reach(contender.score, best[row] - margins[row])
        });
        (contenders.map(|contender| contender.probe), comparisons)
    }

    /// Finds the best score in the leaf of each probe, in 8 bits. Returns the comparisons made.
    fn scan_leaves(&self, quantized: &QuantizedRows, probes: &[Probe], scan: &mut Scan) -> usize {
        let mut scores = vec![0.0; probes.len()];
        let buffers = <(RowsU8, Vec<f32>)>::default;
        let (by_leaf, comparisons) = self.by_leaf(probes, &mut scores, |tasks| {
            tasks.into_par_iter().for_each_init(
                buffers,
                |(rows, dots), LeafTask { leaf, list, out }| {
                    quantized.gather(list.iter().map(|&probe| probes[probe as usize].row), rows);
                    leaf.best_scores(rows, dots, out);
                },
            );
        });
        for (&probe, &score) in by_leaf.rows().iter().zip(&scores) {
            let probe = probes[probe as usize];
            let best = &mut scan.best[probe.row as usize];
            if may_reach(score, *best - scan.margins[probe.row as usize]) {
                scan.contenders.push(Contender { probe, score });
                *best = best.max(score);
            }
        }
        comparisons
    }

    /// Searches the leaf of each probe, of which every row has one. Returns the comparisons made.
    fn search(&self, vectors: &[f32], probes: &[Probe], found: &mut [Nearest]) -> usize {
        let mut nearest = vec![NOWHERE; probes.len()];
        let row_of = |&probe: &u32| probes[probe as usize].row;
        let (by_leaf, comparisons) = self.by_leaf(probes, &mut nearest, |tasks| {
            tasks
                .into_par_iter()
                .for_each_init(Vec::new, |rows, LeafTask { leaf, list, out }| {
                    gather_into(rows, vectors, self.dim, list.iter().map(row_of));
                    leaf.nearest(rows, out);
                });
        });
        // Any centroid is better, also for a vector that is not finite and scores minus infinity.
        found.fill(Nearest {
            index: u32::MAX,
            ..NOWHERE
        });
        for (row, nearest) in by_leaf.rows().iter().map(row_of).zip(&nearest) {
            let found = &mut found[row as usize];
            let tie = nearest.score == found.score && nearest.index < found.index;
            if nearest.score > found.score || tie {
                *found = *nearest;
            }
        }
        comparisons
    }

    /// Runs tasks of probes into the same leaf, each with its part of `out`, which is in the order
    /// of the returned lists of probes by leaf. Also returns the comparisons made.
    fn by_leaf<T>(
        &self,
        probes: &[Probe],
        out: &mut [T],
        run: impl FnOnce(Vec<LeafTask<'_, T>>),
    ) -> (Members, usize) {
        let by_leaf = Members::new(probes.iter().map(|probe| probe.leaf), self.leaves.len());
        let mut rest = out;
        let mut tasks = Vec::new();
        let mut comparisons = 0;
        for (leaf, list) in self.leaves.iter().zip(by_leaf.lists()) {
            comparisons += leaf.len() * list.len();
            for list in list.chunks(ROWS) {
                let (out, others) = rest.split_at_mut(list.len());
                tasks.push(LeafTask { leaf, list, out });
                rest = others;
            }
        }
        run(tasks);
        (by_leaf, comparisons)
    }
}

/// Whether a score is at least `least`, or one of them is NaN.
fn may_reach(score: f32, least: f32) -> bool {
    score.partial_cmp(&least) != Some(Ordering::Less)
}

/// Probes into the same leaf.
struct LeafTask<'a, T> {
    leaf: &'a Leaf,
    /// Which probes.
    list: &'a [u32],
    /// The result of each.
    out: &'a mut [T],
}

impl Group {
    fn cells(&self) -> usize {
        self.centres.as_ref().map_or(0, Centres::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::{pack, squared_norm};
    use crate::rng::Rng;

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = Rng::new(seed);
        (0..n).map(|_| rng.unit() as f32 - 0.5).collect()
    }

    fn lookup(lookup: &Lookup, vectors: &[f32], groups: usize) -> (Vec<Nearest>, u64) {
        let nowhere = Nearest {
            index: 0,
            score: 0.0,
        };
        let mut found = vec![nowhere; vectors.len() / lookup.dim];
        let compared = lookup.nearest(vectors, &|row| row % groups, &mut found);
        (found, compared)
    }

    #[test]
    fn few_comparisons_find_centroids_about_as_near_as_the_nearest() {
        let (dim, k, n) = (6, 3000, 5000);
        let centroids = random(k * dim, 1);
        let around = centroids.iter().cycle().zip(random(n * dim, 2));
        let vectors: Vec<f32> = around.map(|(centroid, x)| centroid + 0.1 * x).collect();
        let table = Lookup::new(dim, &centroids, std::slice::from_ref(&(0..k)));
        let (found, compared) = lookup(&table, &vectors, 1);
        let exact = crate::nearest::nearest(&vectors, &pack(&centroids, dim));
        let error = |found: &[Nearest]| -> f64 {
            let pairs = vectors.chunks(dim).zip(found);
            pairs
                .map(|(vector, found)| squared_norm(vector) - 2.0 * f64::from(found.score))
                .sum()
        };
        let ratio = error(&found) / error(&exact);
        assert!((1.0..1.05).contains(&ratio), "{ratio}");
        assert!(compared < (n * k / 6) as u64, "{compared}");
    }

    #[test]
    fn a_vector_finds_the_same_alone_and_among_others() {
        let dim = 4;
        let centroids = random(1000 * dim, 3);
        let table = Lookup::new(dim, &centroids, &[0..600, 600..601, 601..1000]);
        let vectors = random(300 * dim, 4);
        let (found, _) = lookup(&table, &vectors, 3);
        for (row, (vector, found)) in vectors.chunks(dim).zip(&found).enumerate() {
            let mut alone = [*found];
            table.nearest(vector, &|_| row % 3, &mut alone);
            assert_eq!(alone[0], *found);
            assert!([0..600, 600..601, 601..1000][row % 3].contains(&found.index));
        }
    }

    #[test]
    fn a_centroid_that_is_there_twice_is_found_under_its_lower_number() {
        let dim = 4;
        let half = random(800 * dim, 5);
        let centroids = [&half[..], &half].concat();
        let (found, _) = lookup(
            &Lookup::new(dim, &centroids, std::slice::from_ref(&(0..1600))),
            &half,
            1,
        );
        assert!(
            found
                .iter()
                .enumerate()
                .all(|(row, found)| found.index == row as u32)
        );
    }

    #[test]
    fn a_vector_that_is_not_finite_finds_some_centroid_of_its_group() {
        let dim = 4;
        let groups = [0..600, 600..601, 601..1000];
        let table = Lookup::new(dim, &random(1000 * dim, 6), &groups);
        let mut vectors = random(9 * dim, 7);
        for row in [0, 1, 2, 3, 4, 5] {
            let value = if row < 3 { f32::NAN } else { f32::INFINITY };
            vectors[row * dim + row % dim] = value;
        }
        let (found, _) = lookup(&table, &vectors, 3);
        for (row, found) in found.iter().enumerate() {
            let group = &groups[row % 3];
            assert!(group.contains(&(found.index as usize)), "{row}: {found:?}");
        }
    }
}
