//! Which cells the vectors of one group search.

use std::ops::Range;

use colidx_kernels::RowsU8;

use super::leaf::Centres;
use super::quantized::QuantizedRows;
use crate::promise::{Promising, best};

/// The most cells that a vector has searched after each round. After a round it knows a nearer
/// centroid, and fewer cells are likely to hold one nearer still.
pub(super) const ROUNDS: [usize; 4] = [1, 4, 16, MOST];
const MOST: usize = 64;

/// Vectors of one group.
pub(super) struct Task<'a> {
    /// The first leaf of the group.
    first: u32,
    centres: &'a Centres,
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

/// A leaf to search for a row.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    pub leaf: u32,
    pub row: u32,
}

impl<'a> Task<'a> {
    /// For rows of the group whose leaves begin with `first`.
    pub(super) fn new(first: u32, centres: &'a Centres, rows: &'a [u32]) -> Task<'a> {
        Task {
            first,
            centres,
            rows,
            scores: Vec::new(),
            best: Vec::new(),
            queued: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Comparisons with centres.
    pub(super) fn comparisons(&self) -> usize {
        self.centres.len() * self.rows.len()
    }

    /// Compares with all centres; `rows` is scratch space.
    pub(super) fn score(&mut self, quantized: &QuantizedRows, rows: &mut RowsU8) {
        quantized.gather(self.rows.iter().copied(), rows);
        let panels = &self.centres.panels;
        let stride = panels.padded_columns();
        self.scores.resize(self.rows.len() * stride, 0.0);
        colidx_kernels::kernels().dots_u8(rows, panels, &mut self.scores, stride);
        for scores in self.scores.chunks_exact_mut(stride) {
            // Missing cells compare as nothing.
            scores[panels.columns()..].fill(f32::NAN);
        }
    }

    /// Each row and its [margin](Centres::margin).
    pub(super) fn margins(&self, quantized: &QuantizedRows) -> impl Iterator<Item = (u32, f32)> {
        let rows = self.rows.iter();
        rows.map(|&row| (row, self.centres.margin(quantized, row)))
    }

    /// The cells that each row searches in a round, given its best score so far.
    pub(super) fn probes(&mut self, round: usize, scores: &[f32]) -> Vec<Probe> {
        match round {
            0 => {
                self.best = self.of_rows(&self.scores).map(best).collect();
                let rows = self.rows.iter().zip(&self.best);
                rows.map(|(&row, &best)| self.probe(row, best)).collect()
            }
            1 => {
                self.queue(scores);
                self.dequeue(round, scores)
            }
            _ => self.dequeue(round, scores),
        }
    }

    fn probe(&self, row: u32, cell: u32) -> Probe {
        let leaf = self.first + cell;
        Probe { leaf, row }
    }

    /// The scores of each row.
    fn of_rows<'s>(&self, scores: &'s [f32]) -> impl Iterator<Item = &'s [f32]> + use<'s> {
        scores.chunks_exact(self.centres.panels.padded_columns())
    }

    /// Queues the cells that may hold nearer centroids than the best cell does.
    fn queue(&mut self, least: &[f32]) {
        let scores = std::mem::take(&mut self.scores);
        let reaches = &self.centres.reaches;
        let mut promising = Promising::default();
        let rows = self.rows.iter().zip(&self.best);
        for ((&row, &best), scores) in rows.zip(self.of_rows(&scores)) {
            let least = least[row as usize];
            let cells = promising.cells(scores, reaches, least, best, MOST - 1);
            let first = self.queued.len() as u32;
            self.queued.extend(cells.map(|cell| Queued {
                cell,
                promise: scores[cell as usize] + reaches[cell as usize],
            }));
            let cells = first..self.queued.len() as u32;
            self.open.push(Open { row, cells });
        }
    }

    fn dequeue(&mut self, round: usize, least: &[f32]) -> Vec<Probe> {
        let most = (ROUNDS[round] - ROUNDS[round - 1]) as u32;
        let first = self.first;
        let mut probes = Vec::new();
        self.open.retain_mut(|Open { row, cells }| {
            let next = cells.start..cells.end.min(cells.start + most);
            cells.start = next.end;
            let next = &self.queued[next.start as usize..next.end as usize];
            let least = least[*row as usize];
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
