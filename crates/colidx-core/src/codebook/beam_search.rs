//! Beam search over the graph of the centroids: the best centroids of one query token.
//!
//! From a few entry points it expands the best centroid that it has not expanded yet, until it has
//! expanded the `beam` best it knows (HNSW, arXiv 1603.09320, algorithm 2).

use super::Scored;
use crate::error::Result;

/// A beam search and its buffers, for one query token after another.
pub(crate) struct BeamSearch<'a, N> {
    /// `[K, dim]`.
    rows: &'a [i8],
    /// Replaces a list by the neighbors of a centroid.
    neighbors: N,
    beam: usize,
    /// A bit a centroid: whether it was scored. All are clear between searches.
    visited: Vec<u64>,
    /// Every visited centroid, in the order of scoring. Empty between searches.
    scored: Vec<u32>,
    /// The best so far, best first.
    best: Vec<Neighbor>,
    /// Centroids to score next, and their scores.
    next: Vec<u32>,
    scores: Vec<i32>,
    /// Those of `next` that may be among the best.
    frontier: Vec<Neighbor>,
}

impl<'a, N: Fn(u32, &mut Vec<u32>) -> Result<()>> BeamSearch<'a, N> {
    /// `neighbors` replaces a list by the neighbors of a centroid, all of them rows of `rows`,
    /// `[K, dim]`.
    pub(crate) fn new(rows: &'a [i8], dim: usize, beam: usize, neighbors: N) -> Self {
        Self {
            rows,
            neighbors,
            beam: beam.max(1),
            visited: vec![0; (rows.len() / dim).div_ceil(u64::BITS as usize)],
            scored: Vec::new(),
            best: Vec::new(),
            next: Vec::new(),
            scores: Vec::new(),
            frontier: Vec::new(),
        }
    }

    /// The best centroids for a column that are found from `entry_points`, best first.
    pub(crate) fn search(
        &mut self,
        column: &[i16],
        entry_points: impl Iterator<Item = u32>,
    ) -> Result<Vec<Scored>> {
        self.best.clear();
        for centroid in self.scored.drain(..) {
            self.visited[centroid as usize / 64] = 0;
        }
        self.next.clear();
        self.next.extend(entry_points);
        let mut at = self.score_next(column);
        while let Some(neighbor) = self.best.get_mut(at) {
            at += 1;
            if !neighbor.mark_expanded() {
                let (_, centroid) = neighbor.scored();
                (self.neighbors)(centroid, &mut self.next)?;
                at = at.min(self.score_next(column));
            }
        }
        Ok(self.best.iter().map(|best| best.scored()).collect())
    }

    /// Number of centroids that the last search scored.
    pub(crate) fn num_scored(&self) -> u64 {
        self.scored.len() as u64
    }

    /// Scores the centroids of `next` that were not visited. Returns the first place among the best
    /// that one of them took.
    fn score_next(&mut self, column: &[i16]) -> usize {
        // Branch-free: which are new, and which are good enough, would be unpredictable.
        let mut new = 0;
        for at in 0..self.next.len() {
            let centroid = self.next[at];
            let (word, bit) = (&mut self.visited[centroid as usize / 64], centroid % 64);
            self.next[new] = centroid;
            new += usize::from(*word >> bit & 1 == 0);
            *word |= 1 << bit;
        }
        self.next.truncate(new);
        self.scored.extend(&self.next);
        self.scores.resize(new, 0);
        colidx_kernels::kernels().gather_dots(self.rows, &self.next, column, &mut self.scores);
        let full = self.best.len() == self.beam;
        let threshold = if full {
            self.best[self.beam - 1].key()
        } else {
            0
        };
        self.frontier.resize(new, Neighbor::default());
        let mut count = 0;
        for (&score, &centroid) in self.scores.iter().zip(&self.next) {
            let neighbor = Neighbor::new(score, centroid);
            self.frontier[count] = neighbor;
            count += usize::from(neighbor.key() > threshold);
        }
        let mut first = usize::MAX;
        for &neighbor in &self.frontier[..count] {
            if self.best.len() == self.beam {
                if self.best[self.beam - 1].key() > neighbor.key() {
                    continue;
                }
                self.best.pop();
            }
            let place = self
                .best
                .partition_point(|best| best.key() > neighbor.key());
            self.best.insert(place, neighbor);
            first = first.min(place);
        }
        first
    }
}

/// A centroid's score, its number and whether it was expanded, in one number: larger is better, and
/// of equal scores lower centroids are.
#[derive(Clone, Copy, Default)]
struct Neighbor(u64);

impl Neighbor {
    /// The number of a centroid is below 2^31.
    fn new(score: i32, centroid: u32) -> Self {
        Self(u64::from(score.cast_unsigned() ^ 1 << 31) << 32 | u64::from(!centroid << 1))
    }

    /// Larger for the better of two different centroids.
    fn key(self) -> u64 {
        self.0
    }

    /// Marks it as expanded and returns whether it was before.
    fn mark_expanded(&mut self) -> bool {
        let before = self.0 & 1 == 1;
        self.0 |= 1;
        before
    }

    fn scored(self) -> Scored {
        let score = ((self.0 >> 32) as u32 ^ 1 << 31).cast_signed();
        (score, !(self.0 as u32 >> 1) & i32::MAX as u32)
    }
}
