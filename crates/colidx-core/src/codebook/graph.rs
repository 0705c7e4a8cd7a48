//! The graph over the centroids, for beam search: each centroid links to others that have a large
//! inner product with it.
//!
//! For each centroid the best others are found, first in the nearest cells, then by a beam search
//! over the graph that these make. Its neighbors are chosen among them, best first, without those
//! that lie nearer to one chosen before (the pruning of Vamana, DiskANN, NeurIPS 2019, algorithm
//! 2). Each neighbor links back while it has room.
//!
//! Every pass reads the graph of the pass before and links back in a fixed order, so the graph does
//! not depend on the number of threads.

use super::layout::Layout;
use super::{BeamSearch, ColumnTopK};
use crate::error::Result;
use colidx_kernels::{Panels, PanelsI7, RowsView, max_chunk_norm};
use rayon::prelude::*;
use std::ops::Range;

/// Neighbors of each centroid. Fixed by the file format.
pub(crate) const NEIGHBORS: usize = 32;

/// Up to this many centroids need no graph: scoring all of them is about as fast
/// (`docs/lab/2026-11-27-search.md`).
const BRUTE_FORCE_BELOW: usize = 1 << 16;

/// Cells in which the first neighbors of a cell's centroids are looked for.
const CELLS: usize = 8;

/// Passes of beam search, each over the graph of the pass before.
const BEAM_PASSES: usize = 1;

/// The best others, among which a centroid's neighbors are chosen. Also the beam of a search.
const CONSIDERED: usize = 96;

/// Neighbors that are chosen; the other places are for links back.
const CHOSEN: usize = 20;

/// Comparisons to choose a centroid's neighbors; finding those considered takes about as many.
const COMPARISONS: u64 = (CONSIDERED * (1 + CHOSEN)) as u64;

/// Vamana's alpha: another is pruned when it lies this many times nearer to one chosen before.
const PRUNE_ALPHA: f32 = 1.6;

/// Whether search needs a graph over this many centroids.
pub(crate) fn is_needed(centroids: usize) -> bool {
    centroids > BRUTE_FORCE_BELOW
}

/// About how many comparisons of two centroids [`build`] makes.
pub(crate) fn work(centroids: usize) -> u64 {
    ((1 + BEAM_PASSES) * centroids) as u64 * COMPARISONS
}

/// The neighbors of every centroid, `[K, NEIGHBORS]`; a list that is not full repeats the centroid
/// itself. `step` is called from any thread with the comparisons made since, [`work`] in all, and
/// can stop the build with an error.
pub(crate) fn build(layout: &Layout, step: &Step<'_>) -> Result<Vec<u32>> {
    let space = Space::new(layout);
    let mut graph = space.pass(step, |cell, panels| Ok(space.in_cells(cell, panels)))?;
    for _ in 0..BEAM_PASSES {
        graph = space.pass(step, |cell, panels| space.by_beam(&graph, cell, panels))?;
    }
    Ok(graph)
}

/// Called with the work that was done.
pub(crate) type Step<'a> = dyn Fn(u64) -> Result<()> + Sync + 'a;

/// Centroids as they are stored.
struct Space<'a> {
    layout: &'a Layout,
    dim: usize,
    /// As they decode, `[K, dim]`.
    values: Vec<f32>,
    /// The largest squared length, and so the largest inner product.
    longest: f32,
    /// The coarse length of the centroids.
    max_chunk_norm: f64,
}

impl<'a> Space<'a> {
    fn new(layout: &'a Layout) -> Self {
        let dim = layout.steps.len();
        let rows = layout.centroids.chunks_exact(dim.max(1));
        let decode = |row: &'a [i8]| {
            let units = row.iter().zip(&layout.steps);
            units.map(|(&c, step)| step * f32::from(c))
        };
        let values: Vec<f32> = rows.flat_map(decode).collect();
        let squares = values
            .chunks_exact(dim.max(1))
            .map(|row| row.iter().map(|x| x * x).sum());
        Self {
            longest: squares.fold(0.0, f32::max),
            max_chunk_norm: max_chunk_norm(&layout.centroids, dim.max(1)),
            layout,
            dim,
            values,
        }
    }

    fn value(&self, centroid: u32) -> &[f32] {
        &self.values[centroid as usize * self.dim..][..self.dim]
    }

    fn cell(&self, cell: usize) -> Range<u32> {
        self.layout.cells[cell]..self.layout.cells[cell + 1]
    }

    /// A graph whose neighbors are chosen among those that `find` gives for the centroids of a cell:
    /// for each column, others that have large inner products with it, best first.
    fn pass(
        &self,
        step: &Step<'_>,
        find: impl Fn(usize, &PanelsI7) -> Result<Vec<Vec<u32>>> + Sync,
    ) -> Result<Vec<u32>> {
        let chosen: Vec<Vec<Vec<u32>>> = (0..self.layout.cells.len() - 1)
            .into_par_iter()
            .map_init(
                || Pruner::new(self),
                |pruner, cell| {
                    let found = find(cell, &self.columns(cell))?;
                    let lists = self.cell(cell).zip(&found);
                    let chosen = lists
                        .map(|(number, found)| pruner.choose(number, found))
                        .collect();
                    step(found.len() as u64 * COMPARISONS)?;
                    Ok(chosen)
                },
            )
            .collect::<Result<_>>()?;
        Ok(link_back(&chosen.concat()))
    }

    /// The centroids of a cell as columns, in steps as the rows are.
    fn columns(&self, cell: usize) -> PanelsI7 {
        let columns = self.cell(cell).flat_map(|number| {
            let value = self.value(number).iter().zip(&self.layout.steps);
            value.map(|(x, step)| x * step)
        });
        PanelsI7::new(
            &columns.collect::<Vec<f32>>(),
            self.dim,
            self.max_chunk_norm,
        )
    }

    /// The best of the nearest cells.
    fn in_cells(&self, cell: usize, panels: &PanelsI7) -> Vec<Vec<u32>> {
        let mut best = ColumnTopK::new(panels.columns(), CONSIDERED);
        let mut scores = Vec::new();
        for cell in self.nearest_cells(cell) {
            let cell = self.cell(cell);
            let (first, end) = (cell.start as usize, cell.end as usize);
            let rows = &self.layout.centroids[first * self.dim..end * self.dim];
            scores.resize(cell.len() * panels.padded_columns(), 0);
            best.score(first, rows, panels, &mut scores);
        }
        let number = |(_, number)| number;
        let lists = best.finish().into_iter();
        lists
            .map(|list| list.into_iter().map(number).collect())
            .collect()
    }

    /// The cells with the nearest centres, ascending.
    fn nearest_cells(&self, cell: usize) -> Vec<usize> {
        let centres = self.layout.centres.chunks_exact(self.dim);
        let own = &self.layout.centres[cell * self.dim..][..self.dim];
        let distance = |centre: &[i8]| {
            let pairs = centre.iter().zip(own).zip(&self.layout.steps);
            let differences = pairs.map(|((&a, &b), step)| (f32::from(a) - f32::from(b)) * step);
            differences.map(|d| d * d).sum::<f32>()
        };
        let mut near: Vec<(f32, usize)> = centres.map(distance).zip(0..).collect();
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(CELLS);
        near.sort_unstable_by_key(|&(_, cell)| cell);
        near.into_iter().map(|(_, cell)| cell).collect()
    }

    /// The best that a beam search over a graph finds from the centroids themselves.
    fn by_beam(&self, graph: &[u32], cell: usize, panels: &PanelsI7) -> Result<Vec<Vec<u32>>> {
        let neighbors = |centroid: u32, out: &mut Vec<u32>| {
            out.clear();
            out.extend(&graph[centroid as usize * NEIGHBORS..][..NEIGHBORS]);
            Ok(())
        };
        let rows = &self.layout.centroids;
        let mut beam = BeamSearch::new(rows, self.dim, CONSIDERED, neighbors);
        let numbers = self.cell(cell).enumerate();
        numbers
            .map(|(column, number)| {
                let found = beam.search(&panels.column(column), [number].into_iter())?;
                Ok(found.into_iter().map(|(_, number)| number).collect())
            })
            .collect()
    }
}

/// Room to choose a centroid's neighbors in.
struct Pruner<'a> {
    space: &'a Space<'a>,
    rows: Vec<f32>,
    panels: Panels,
    dots: Vec<f32>,
}

impl<'a> Pruner<'a> {
    fn new(space: &'a Space<'a>) -> Self {
        Self {
            space,
            rows: Vec::new(),
            panels: Panels::empty(space.dim),
            dots: Vec::new(),
        }
    }

    /// Chooses among others, best first, and prunes those nearer to one chosen before.
    fn choose(&mut self, number: u32, others: &[u32]) -> Vec<u32> {
        let others = others.iter().copied().filter(|&other| other != number);
        let all: Vec<u32> = [number].into_iter().chain(others).collect();
        self.rows.clear();
        for &number in &all {
            self.rows.extend_from_slice(self.space.value(number));
        }
        let rows = RowsView::new(&self.rows, self.space.dim);
        self.panels.refill(rows, 1.0);
        let stride = self.panels.padded_columns();
        self.dots.resize((1 + CHOSEN) * stride, 0.0);
        let (rows, panels, dots) = (&self.rows, &self.panels, &mut self.dots);
        // Distances are needed only from the centroid and from those chosen.
        let products = |place: usize, of: usize, dots: &mut [f32]| {
            let row = &rows[of * self.space.dim..][..self.space.dim];
            colidx_kernels::kernels().dots(row, panels, &mut dots[place * stride..][..stride]);
        };
        products(0, 0, dots);
        let mut chosen = Vec::with_capacity(CHOSEN);
        for other in 1..all.len() {
            // Half the squared distance, if all were as long as the longest.
            let distance = |place: usize| self.space.longest - dots[place * stride + other];
            let own = distance(0);
            if (1..=chosen.len()).all(|before| PRUNE_ALPHA * distance(before) >= own) {
                chosen.push(all[other]);
                if chosen.len() == CHOSEN {
                    break;
                }
                products(chosen.len(), other, dots);
            }
        }
        chosen
    }
}

/// Adds links back from chosen neighbors while there is room: first to the best of each list, then
/// to the second best, and so on.
fn link_back(chosen: &[Vec<u32>]) -> Vec<u32> {
    let mut lists = chosen.to_vec();
    for rank in 0..CHOSEN {
        for (from, neighbors) in (0u32..).zip(chosen) {
            let Some(&to) = neighbors.get(rank) else {
                continue;
            };
            let list = &mut lists[to as usize];
            if list.len() < NEIGHBORS && !list.contains(&from) {
                list.push(from);
            }
        }
    }
    for (number, list) in (0u32..).zip(&mut lists) {
        list.resize(NEIGHBORS, number);
    }
    lists.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use colidx_cluster::{Codebook, Group, SHARED};
    use std::sync::atomic::{AtomicU64, Ordering};

    const DIM: usize = 16;

    /// Numbers in -1..1 that depend on the seed alone.
    fn noise(n: usize, mut state: u64) -> Vec<f32> {
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    /// Vectors around a few, of different lengths.
    fn clustered(n: usize, seed: u64) -> Vec<f32> {
        let hubs = noise(40 * DIM, 7);
        let offsets = noise(n * DIM, seed);
        let near = |(i, offset): (usize, &[f32])| {
            let hub = &hubs[i % 40 * DIM..][..DIM];
            let length = 1.0 - 0.3 * (i % 7) as f32 / 7.0;
            let row = hub.iter().zip(offset);
            row.map(|(h, o)| length * (h + 0.4 * o))
                .collect::<Vec<f32>>()
        };
        offsets.chunks(DIM).enumerate().flat_map(near).collect()
    }

    fn layout(n: usize) -> Layout {
        let group = Group {
            token_id: SHARED,
            first: 0,
            len: n as u32,
        };
        let trained = Codebook {
            dim: DIM,
            centroids: clustered(n, 1),
            groups: vec![group],
        };
        Layout::new(&trained, 3)
    }

    #[test]
    fn beam_search_finds_nearly_all_of_the_best() {
        let layout = layout(4000);
        let graph = build(&layout, &|_| Ok(())).unwrap();
        let neighbors = |centroid: u32, out: &mut Vec<u32>| {
            *out = graph[centroid as usize * NEIGHBORS..][..NEIGHBORS].to_vec();
            Ok(())
        };
        let queries = clustered(100, 5);
        let scaled = queries
            .chunks(DIM)
            .flat_map(|q| q.iter().zip(&layout.steps));
        let scaled: Vec<f32> = scaled.map(|(x, step)| x * step).collect();
        let longest =
            max_chunk_norm(&layout.centroids, DIM).max(max_chunk_norm(&layout.centres, DIM));
        let panels = PanelsI7::new(&scaled, DIM, longest);
        let best_of = |rows: &[i8], count| {
            let mut best = ColumnTopK::new(100, count);
            let mut scores = vec![0; rows.len() / DIM * panels.padded_columns()];
            best.score(0, rows, &panels, &mut scores);
            best.finish()
        };
        let cells = best_of(&layout.centres, 4);
        let mut beam = BeamSearch::new(&layout.centroids, DIM, 64, neighbors);
        let (mut both, mut scored) = (0, 0);
        for (query, truth) in best_of(&layout.centroids, 32).iter().enumerate() {
            let entries = cells[query].iter();
            let entries = entries.map(|&(_, cell)| layout.cells[cell as usize]);
            let found = beam.search(&panels.column(query), entries).unwrap();
            assert_eq!(found.len(), 64);
            assert!(found.is_sorted_by(|a, b| a.0 > b.0 || a.0 == b.0 && a.1 < b.1));
            let is_found = |&(_, one): &(i32, u32)| found.iter().any(|&(_, other)| one == other);
            both += truth.iter().filter(|&one| is_found(one)).count();
            scored += beam.num_scored();
        }
        assert!(both >= 3040, "{both} of 3200");
        assert!(scored < 100 * 2000, "{scored} products");
    }

    #[test]
    fn a_graph_names_centroids_and_is_the_same_for_any_number_of_threads() {
        let layout = layout(1500);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build()
                .unwrap()
                .install(|| build(&layout, &|_| Ok(())).unwrap())
        };
        let graph = run(1);
        assert!(graph == run(2) && graph == run(5));
        assert_eq!(graph.len(), 1500 * NEIGHBORS);
        for (number, list) in (0u32..).zip(graph.chunks(NEIGHBORS)) {
            assert!(list[0] != number && list.iter().all(|&other| other < 1500));
            let others: Vec<u32> = list.iter().copied().filter(|&o| o != number).collect();
            let mut distinct = others.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), others.len());
        }
    }

    #[test]
    fn steps_add_up_to_the_work_and_one_that_fails_is_the_last_but_those_that_run() {
        let layout = layout(1500);
        let steps = |most: u64| {
            let (count, done) = (AtomicU64::new(0), AtomicU64::new(0));
            let step = |work| {
                done.fetch_add(work, Ordering::Relaxed);
                if count.fetch_add(1, Ordering::Relaxed) < most {
                    Ok(())
                } else {
                    Err(Error::Cancelled)
                }
            };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
            let graph = pool.build().unwrap().install(|| build(&layout, &step));
            (graph, count.into_inner(), done.into_inner())
        };
        let (whole, count, done) = steps(u64::MAX);
        assert!(whole.is_ok());
        assert_eq!(done, work(1500));
        // In each of the passes.
        for most in [3, count - 4] {
            let (stopped, steps, _) = steps(most);
            assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
            assert!(steps <= most + 2, "{steps} of {count}");
        }
    }

    #[test]
    fn few_centroids_are_all_linked_and_none_need_nothing() {
        for n in [0, 1, 2, 3] {
            let graph = build(&layout(n), &|_| Ok(())).unwrap();
            assert_eq!(graph.len(), n * NEIGHBORS);
            assert!(graph.iter().all(|&number| (number as usize) < n));
        }
    }
}
