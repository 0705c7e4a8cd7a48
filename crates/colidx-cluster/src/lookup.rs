//! Finds the nearest of many centroids: by brute force where they are few, in a few cells where
//! they are many.
//!
//! A group of more than [`BRUTE_FORCE_UP_TO`] centroids is laid out by [`cells`](fn@crate::cells).
//! A vector is compared with all cell centres, then with the centroids of the nearest cell and of
//! those not much farther: few cells for a vector near a centre, many for one between cells.
//! Vectors are sorted by cell so that the kernels get many rows at a time, yet each vector's result
//! depends on that vector alone.

use std::ops::Range;

use colidx_kernels::{Nearest, Panels};
use rayon::prelude::*;

use crate::cells::cells;
use crate::members::Members;
use crate::nearest::{NOWHERE, ROWS, pack, squared_norm};
use crate::rows::{gather, gather_into};

/// Up to this many centroids a group is searched by brute force.
pub(crate) const BRUTE_FORCE_UP_TO: usize = 256;
/// A vector searches cells whose centre is at most this many times as far as the nearest, in
/// squared distance,
const REACH: f64 = 1.5;
/// and at most this many.
const PROBES: usize = 32;
/// Vectors sorted together: enough for full tasks, few enough for the last-level cache.
const BLOCK: usize = 1 << 14;
const SEED: u64 = 0x636F_6C69_6478;

/// Groups of centroids, laid out for the kernels.
pub(crate) struct Lookup {
    dim: usize,
    groups: Vec<Group>,
    leaves: Vec<Leaf>,
}

/// Leaf numbers start at `first`; without `centres` there is one leaf.
struct Group {
    first: u32,
    centres: Option<Panels>,
}

/// Centroids that are compared together.
struct Leaf {
    panels: Panels,
    numbers: Numbers,
}

enum Numbers {
    From(u32),
    Listed(Vec<u32>),
}

impl Lookup {
    /// `groups` are ranges of rows of `centroids`, `[K, dim]`.
    pub(crate) fn new(dim: usize, centroids: &[f32], groups: &[Range<usize>]) -> Lookup {
        let built: Vec<(Option<Panels>, Vec<Leaf>)> = groups
            .par_iter()
            .map(|range| {
                let own = &centroids[range.start * dim..range.end * dim];
                build(own, dim, range.start as u32)
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
        vectors
            .chunks(BLOCK * self.dim)
            .zip(found.chunks_mut(BLOCK))
            .enumerate()
            .map(|(at, (vectors, found))| {
                self.block(vectors, &|row| group_of(at * BLOCK + row), found)
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
        let tasks: Vec<(&Group, &[u32])> = self
            .groups
            .iter()
            .zip(by_group.lists())
            .flat_map(|(group, rows)| rows.chunks(ROWS).map(move |rows| (group, rows)))
            .collect();
        let probes: Vec<Vec<Probe>> = tasks
            .par_iter()
            .map_init(Scratch::default, |scratch, (group, rows)| {
                self.probe(vectors, group, rows, scratch)
            })
            .collect();
        let centres = |(group, rows): &(&Group, &[u32])| group.cells() * rows.len();
        let mut comparisons = tasks.iter().map(centres).sum::<usize>();

        let probes = probes.concat();
        let by_leaf = Members::new(probes.iter().map(|probe| probe.leaf), self.leaves.len());
        let mut nearest = vec![NOWHERE; probes.len()];
        let mut rest = &mut nearest[..];
        let mut tasks = Vec::new();
        for (leaf, list) in self.leaves.iter().zip(by_leaf.lists()) {
            comparisons += leaf.panels.columns() * list.len();
            for list in list.chunks(ROWS) {
                let (own, others) = rest.split_at_mut(list.len());
                tasks.push((leaf, list, own));
                rest = others;
            }
        }
        let row_of = |&probe: &u32| probes[probe as usize].row;
        tasks
            .into_par_iter()
            .for_each_init(Vec::new, |rows, (leaf, list, nearest)| {
                gather_into(rows, vectors, self.dim, list.iter().map(row_of));
                leaf.nearest(rows, nearest);
            });

        found.fill(NOWHERE);
        let mut met = vec![false; found.len()];
        for (row, nearest) in by_leaf.rows().iter().map(row_of).zip(&nearest) {
            let found = &mut found[row as usize];
            let tie = nearest.score == found.score && nearest.index < found.index;
            if !std::mem::replace(&mut met[row as usize], true)
                || nearest.score > found.score
                || tie
            {
                *found = *nearest;
            }
        }
        comparisons as u64
    }

    /// The leaves that each row searches.
    fn probe(
        &self,
        vectors: &[f32],
        group: &Group,
        rows: &[u32],
        scratch: &mut Scratch,
    ) -> Vec<Probe> {
        let probe = |cell: u32, row: u32| Probe {
            leaf: group.first + cell,
            row,
        };
        let Some(centres) = &group.centres else {
            return rows.iter().map(|&row| probe(0, row)).collect();
        };
        let Scratch {
            rows: gathered,
            scores,
            cells,
        } = scratch;
        gather_into(gathered, vectors, self.dim, rows.iter().copied());
        let stride = centres.padded_columns();
        scores.resize(rows.len() * stride, 0.0);
        colidx_kernels::kernels().dots(gathered, centres, scores);
        let mut probes = Vec::new();
        for ((&row, vector), scores) in rows
            .iter()
            .zip(gathered.chunks_exact(self.dim))
            .zip(scores.chunks_exact(stride))
        {
            near(squared_norm(vector), &scores[..centres.columns()], cells);
            probes.extend(cells.iter().map(|&cell| probe(cell, row)));
        }
        probes
    }
}

#[derive(Clone, Copy)]
struct Probe {
    leaf: u32,
    row: u32,
}

#[derive(Default)]
struct Scratch {
    rows: Vec<f32>,
    scores: Vec<f32>,
    cells: Vec<u32>,
}

impl Group {
    fn cells(&self) -> usize {
        self.centres.as_ref().map_or(0, Panels::columns)
    }
}

impl Leaf {
    fn nearest(&self, rows: &[f32], nearest: &mut [Nearest]) {
        colidx_kernels::kernels().nearest(rows, &self.panels, nearest);
        for nearest in nearest {
            nearest.index = match &self.numbers {
                Numbers::From(first) => first + nearest.index,
                Numbers::Listed(numbers) => numbers[nearest.index as usize],
            };
        }
    }
}

/// The leaves of one group, whose centroids are numbered from `first`.
fn build(centroids: &[f32], dim: usize, first: u32) -> (Option<Panels>, Vec<Leaf>) {
    let n = centroids.len() / dim;
    if n <= BRUTE_FORCE_UP_TO {
        let leaf = Leaf {
            panels: pack(centroids, dim),
            numbers: Numbers::From(first),
        };
        return (None, vec![leaf]);
    }
    // About eight cells are searched; this size makes them cost as much as the centres.
    let cells = cells(centroids, dim, ((8 * n) as f64).sqrt() as usize, SEED);
    let leaf = |cell: usize| {
        let members = cells.members(cell);
        Leaf {
            panels: pack(&gather(centroids, dim, members), dim),
            numbers: Numbers::Listed(members.iter().map(|row| first + row).collect()),
        }
    };
    let leaves = (0..cells.len()).into_par_iter().map(leaf).collect();
    (Some(pack(&cells.centres, dim)), leaves)
}

/// Sets `cells` to those within reach of a vector of that squared norm, given the scores of their
/// centres.
fn near(squared_norm: f64, scores: &[f32], cells: &mut Vec<u32>) {
    let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let farthest = REACH * (squared_norm - 2.0 * f64::from(best)).max(0.0);
    // Rounding must not exclude the nearest itself.
    let least = (((squared_norm - farthest) / 2.0) as f32).min(best);
    cells.clear();
    cells.extend((0..scores.len() as u32).filter(|&cell| scores[cell as usize] >= least));
    if cells.len() > PROBES {
        let score = |cell: u32| scores[cell as usize];
        cells.sort_unstable_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        cells.truncate(PROBES);
    }
    if cells.is_empty() {
        // A vector that is not finite has no distances: search any cell.
        cells.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn cells_within_reach_are_looked_into() {
        let mut cells = Vec::new();
        // Squared distances 2, 6, 2.8 and 4 from a vector of squared norm 10.
        near(10.0, &[4.0, 2.0, 3.6, 3.0], &mut cells);
        assert_eq!(cells, [0, 2]);
        near(0.0, &[0.0; 50], &mut cells);
        assert!(cells.into_iter().eq(0..PROBES as u32));
    }
}
