//! The best centroids of each query token, found through cells.
//!
//! A dense product of the query with all K centroids is what bounds a search over a large codebook. Centroids lie in cells
//! of about half the square root of K, so the query is compared with the centres first and then with the centroids of the cells
//! nearest to any of its tokens.

use super::Query;
use super::best::{Best, Scored};
use crate::codebook::Codebook;
use colidx_kernels::CoarsePanels;
use std::ops::Range;

/// Centroids scored at a time: their scores stay in the first-level cache.
const ROWS: usize = 64;

/// The centroids probed for each query token, best first, with their scores.
pub(super) struct Probes {
    /// By mean of query tokens ([`super::merged`]).
    pub tokens: Vec<Vec<Scored>>,
    /// Value of one unit of a score.
    pub step: f64,
    /// Centres and centroids that were scored.
    pub scored: u64,
}

/// Finds about the `count` best centroids of each query token in its `cells` best cells; in all of them they are the best.
pub(super) fn probe(codebook: &Codebook, query: &Query, count: usize, cells: usize) -> Probes {
    let panels = query.scaled(codebook.steps());
    let mut scorer = Scorer {
        panels: &panels,
        scores: Vec::new(),
        scored: 0,
    };
    let mut chosen = vec![cells >= codebook.cells(); codebook.cells()];
    if cells < codebook.cells() {
        let mut best = Best::new(panels.columns(), cells);
        scorer.score(codebook.centres(), 0, &mut best);
        for &(_, cell) in best.finish().iter().flatten() {
            chosen[cell as usize] = true;
        }
    }
    let mut best = Best::new(panels.columns(), count);
    for range in runs(codebook, &chosen) {
        scorer.score(codebook.centroids(range.clone()), range.start, &mut best);
    }
    Probes {
        tokens: best.finish(),
        step: panels.step(),
        scored: scorer.scored,
    }
}

struct Scorer<'a> {
    panels: &'a CoarsePanels,
    scores: Vec<i32>,
    scored: u64,
}

impl Scorer<'_> {
    /// Scores rows `[n, dim]`, the first of which has the number `first`.
    fn score(&mut self, rows: &[i8], first: usize, best: &mut Best) {
        let (dim, stride) = (self.panels.dim(), self.panels.padded_columns());
        for (block, rows) in rows.chunks(ROWS * dim).enumerate() {
            let count = rows.len() / dim;
            self.scores.resize(count * stride, 0);
            colidx_kernels::coarse_dots(rows, self.panels, &mut self.scores);
            best.take((first + block * ROWS) as u32, &self.scores, stride);
            self.scored += count as u64;
        }
    }
}

/// The centroids of the chosen cells, as ranges as long as they can be.
fn runs(codebook: &Codebook, chosen: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (cell, _) in chosen.iter().enumerate().filter(|(_, chosen)| **chosen) {
        let range = codebook.cell(cell);
        match runs.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => runs.push(range),
        }
    }
    runs
}
