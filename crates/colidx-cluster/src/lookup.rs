//! Finds the nearest of many centroids: by brute force where they are few, in a few cells where
//! they are many.
//!
//! A group of more than [`BRUTE_FORCE_UP_TO`] centroids is laid out by [`cells`](fn@crate::cells).
//! A vector is compared with all cell centres, then with the centroids of cells, the most promising
//! first, until no other cell is likely to hold a nearer one: few cells for a vector near a
//! centroid, many for one between cells. Vectors are sorted by cell so that the kernels get many
//! rows at a time, yet each vector's result depends on that vector alone.

use std::ops::Range;

use colidx_kernels::{Nearest, Panels};
use rayon::prelude::*;

use crate::cells::cells;
use crate::members::Members;
use crate::nearest::{NOWHERE, ROWS, pack};
use crate::promise::{Promising, best, reach};
use crate::rows::{gather, gather_into};

/// Up to this many centroids a group is searched by brute force.
pub(crate) const BRUTE_FORCE_UP_TO: usize = 256;
/// The most cells that a vector has searched after each round. After a round it knows a nearer
/// centroid, and fewer cells are likely to hold one nearer still.
const ROUNDS: [usize; 4] = [1, 4, 16, MOST];
const MOST: usize = 64;
/// Vectors sorted together: enough for full tasks, few enough for the last-level cache.
const BLOCK: usize = 1 << 14;
/// Scores of centres that a block keeps at most, but for [`ROWS`] vectors.
const SCORES: usize = 4 << 20;
/// The number of cells is the square root of this many times the number of centroids. About five
/// cells are searched, which then cost a third of what the centres cost.
const CELLS: usize = 16;
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
    centres: Option<Centres>,
}

struct Centres {
    panels: Panels,
    /// `[padded columns]`: half of the squared distance that a cell's centroids reach from its
    /// centre ([`reach`]).
    ///
    /// The offset of a vector from its nearest centroid is roughly orthogonal to the offset of that
    /// centroid from the centre. So the score of the centre plus this is about the best score in
    /// the cell, and a vector that already has a better one skips the cell.
    reaches: Vec<f32>,
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
        let built: Vec<(Option<Centres>, Vec<Leaf>)> = groups
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
        let lists = self.groups.iter().zip(by_group.lists());
        let mut tasks: Vec<Task> = lists
            .flat_map(|(group, rows)| rows.chunks(ROWS).map(|rows| Task::new(group, rows)))
            .collect();
        tasks
            .par_iter_mut()
            .for_each_init(Vec::new, |gathered, task| task.score(vectors, gathered));
        let centres = |task: &Task| task.group.cells() * task.rows.len();
        let mut comparisons = tasks.iter().map(centres).sum::<usize>();

        for round in 0..ROUNDS.len() {
            let probes: Vec<Vec<Probe>> = tasks
                .par_iter_mut()
                .map(|task| task.probes(round, found))
                .collect();
            comparisons += self.search(vectors, &probes.concat(), round == 0, found);
        }
        comparisons as u64
    }

    /// Searches the leaf of each probe for centroids nearer than `found`, or, the first time, for
    /// any. Returns the comparisons made.
    fn search(
        &self,
        vectors: &[f32],
        probes: &[Probe],
        first: bool,
        found: &mut [Nearest],
    ) -> usize {
        let by_leaf = Members::new(probes.iter().map(|probe| probe.leaf), self.leaves.len());
        let mut nearest = vec![NOWHERE; probes.len()];
        let mut rest = &mut nearest[..];
        let mut tasks = Vec::new();
        let mut comparisons = 0;
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
        for (row, nearest) in by_leaf.rows().iter().map(row_of).zip(&nearest) {
            let found = &mut found[row as usize];
            let tie = nearest.score == found.score && nearest.index < found.index;
            if first || nearest.score > found.score || tie {
                *found = *nearest;
            }
        }
        comparisons
    }
}

/// Vectors of one group.
struct Task<'a> {
    group: &'a Group,
    rows: &'a [u32],
    /// `[rows, padded cells]`, of the centres, while they are needed.
    scores: Vec<f32>,
    /// The best cell of each row.
    best: Vec<u32>,
    /// The cells that rows may have to search after the best, row after row, best first.
    queued: Vec<Queued>,
    /// Rows that may have more cells to search.
    open: Vec<Open>,
}

struct Queued {
    cell: u32,
    /// A vector with a better score skips the cell.
    promise: f32,
}

/// A row and its cells that are queued.
struct Open {
    row: u32,
    cells: Range<u32>,
}

#[derive(Clone, Copy)]
struct Probe {
    leaf: u32,
    row: u32,
}

impl<'a> Task<'a> {
    fn new(group: &'a Group, rows: &'a [u32]) -> Task<'a> {
        Task {
            group,
            rows,
            scores: Vec::new(),
            best: Vec::new(),
            queued: Vec::new(),
            open: Vec::new(),
        }
    }

    fn score(&mut self, vectors: &[f32], gathered: &mut Vec<f32>) {
        let Some(Centres { panels, .. }) = &self.group.centres else {
            return;
        };
        let dim = panels.dim();
        let rows = match self.rows {
            // All vectors of a block may be of one group.
            [first, .., last] if (last - first) as usize + 1 == self.rows.len() => {
                &vectors[*first as usize * dim..(*last as usize + 1) * dim]
            }
            rows => {
                gather_into(gathered, vectors, dim, rows.iter().copied());
                gathered
            }
        };
        let stride = panels.padded_columns();
        self.scores.resize(self.rows.len() * stride, 0.0);
        colidx_kernels::kernels().dots(rows, panels, &mut self.scores);
        for scores in self.scores.chunks_exact_mut(stride) {
            // Missing cells compare as nothing.
            scores[panels.columns()..].fill(f32::NAN);
        }
    }

    /// The cells that each row searches in a round, given the centroids found before.
    fn probes(&mut self, round: usize, found: &[Nearest]) -> Vec<Probe> {
        match (round, &self.group.centres) {
            (0, None) => self.rows.iter().map(|&row| self.probe(row, 0)).collect(),
            (0, Some(centres)) => {
                self.best = centres.of_rows(&self.scores).map(best).collect();
                let rows = self.rows.iter().zip(&self.best);
                rows.map(|(&row, &best)| self.probe(row, best)).collect()
            }
            (_, None) => Vec::new(),
            (1, Some(centres)) => {
                self.queue(centres, found);
                self.dequeue(round, found)
            }
            _ => self.dequeue(round, found),
        }
    }

    fn probe(&self, row: u32, cell: u32) -> Probe {
        let leaf = self.group.first + cell;
        Probe { leaf, row }
    }

    /// Queues the cells that may hold nearer centroids than the best cell does.
    fn queue(&mut self, centres: &Centres, found: &[Nearest]) {
        let scores = std::mem::take(&mut self.scores);
        let mut promising = Promising::default();
        let rows = self.rows.iter().zip(&self.best);
        for ((&row, &best), scores) in rows.zip(centres.of_rows(&scores)) {
            let least = found[row as usize].score;
            let cells = promising.cells(scores, &centres.reaches, least, best, MOST - 1);
            let first = self.queued.len() as u32;
            self.queued.extend(cells.map(|cell| Queued {
                cell,
                promise: scores[cell as usize] + centres.reaches[cell as usize],
            }));
            let cells = first..self.queued.len() as u32;
            self.open.push(Open { row, cells });
        }
    }

    fn dequeue(&mut self, round: usize, found: &[Nearest]) -> Vec<Probe> {
        let most = (ROUNDS[round] - ROUNDS[round - 1]) as u32;
        let first = self.group.first;
        let mut probes = Vec::new();
        self.open.retain_mut(|Open { row, cells }| {
            let next = cells.start..cells.end.min(cells.start + most);
            cells.start = next.end;
            let next = &self.queued[next.start as usize..next.end as usize];
            let least = found[*row as usize].score;
            let next = next.iter().filter(|queued| queued.promise >= least);
            probes.extend(next.map(|queued| Probe {
                leaf: first + queued.cell,
                row: *row,
            }));
            cells.start < cells.end
        });
        probes
    }
}

impl Centres {
    /// The scores of each row.
    fn of_rows<'a>(&self, scores: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        scores.chunks_exact(self.panels.padded_columns())
    }
}

impl Group {
    fn cells(&self) -> usize {
        self.centres
            .as_ref()
            .map_or(0, |centres| centres.panels.columns())
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
fn build(centroids: &[f32], dim: usize, first: u32) -> (Option<Centres>, Vec<Leaf>) {
    let n = centroids.len() / dim;
    if n <= BRUTE_FORCE_UP_TO {
        let leaf = Leaf {
            panels: pack(centroids, dim),
            numbers: Numbers::From(first),
        };
        return (None, vec![leaf]);
    }
    let cells = cells(centroids, dim, ((CELLS * n) as f64).sqrt() as usize, SEED);
    let leaf = |cell: usize| {
        let members = cells.members(cell);
        let own = gather(centroids, dim, members);
        let leaf = Leaf {
            panels: pack(&own, dim),
            numbers: Numbers::Listed(members.iter().map(|row| first + row).collect()),
        };
        (reach(&cells.centres[cell * dim..][..dim], &own), leaf)
    };
    let (mut reaches, leaves): (Vec<f32>, Vec<Leaf>) =
        (0..cells.len()).into_par_iter().map(leaf).unzip();
    let panels = pack(&cells.centres, dim);
    reaches.resize(panels.padded_columns(), 0.0);
    (Some(Centres { panels, reaches }), leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::squared_norm;
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
    fn a_vector_that_is_not_finite_finds_some_centroid() {
        let dim = 4;
        let centroids = random(700 * dim, 6);
        let table = Lookup::new(dim, &centroids, std::slice::from_ref(&(0..700)));
        let mut vectors = random(3 * dim, 7);
        vectors[1] = f32::NAN;
        vectors[dim + 2] = f32::INFINITY;
        let (found, _) = lookup(&table, &vectors, 1);
        assert!(found.iter().all(|found| found.index < 700));
    }
}
