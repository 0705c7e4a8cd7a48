//! The best centroids of one query token, found by a walk over the graph of the centroids.
//!
//! From a few centroids the walk goes on to the neighbours of the best that it has not been at, until it has been at the `beam`
//! best it knows: best-first search with a bound, as in HNSW (arXiv 1603.09320, algorithm 2).

use super::best::Scored;
use crate::error::Result;

/// A walker and its memory, for one walk after another.
pub(crate) struct Walk<'a, N> {
    /// `[K, dim]`.
    rows: &'a [i8],
    /// Replaces a list by the neighbours of a centroid.
    neighbours: N,
    beam: usize,
    /// By centroid, a bit: whether it was scored. All are clear between walks.
    met: Vec<u64>,
    /// Every centroid scored, in the order of scoring. None between walks.
    scored: Vec<u32>,
    /// The best so far, best first.
    best: Vec<Known>,
    /// Centroids to meet, and their scores.
    next: Vec<u32>,
    scores: Vec<i32>,
    /// Those that may be among the best.
    good: Vec<Known>,
}

impl<'a, N: Fn(u32, &mut Vec<u32>) -> Result<()>> Walk<'a, N> {
    /// `neighbours` replaces a list by the neighbours of a centroid, all of them rows of `rows`, `[K, dim]`.
    pub(crate) fn new(rows: &'a [i8], dim: usize, beam: usize, neighbours: N) -> Self {
        Self {
            rows,
            neighbours,
            beam: beam.max(1),
            met: vec![0; (rows.len() / dim).div_ceil(u64::BITS as usize)],
            scored: Vec::new(),
            best: Vec::new(),
            next: Vec::new(),
            scores: Vec::new(),
            good: Vec::new(),
        }
    }

    /// The best centroids for a column that a walk from `entries` finds, best first.
    pub(crate) fn best(
        &mut self,
        column: &[i16],
        entries: impl Iterator<Item = u32>,
    ) -> Result<Vec<Scored>> {
        self.best.clear();
        for centroid in self.scored.drain(..) {
            self.met[centroid as usize / 64] = 0;
        }
        self.next.clear();
        self.next.extend(entries);
        let mut at = self.meet(column);
        while let Some(known) = self.best.get_mut(at) {
            at += 1;
            if !known.visit() {
                let (_, centroid) = known.scored();
                (self.neighbours)(centroid, &mut self.next)?;
                at = at.min(self.meet(column));
            }
        }
        Ok(self.best.iter().map(|known| known.scored()).collect())
    }

    /// Centroids that the last walk scored.
    pub(crate) fn scored(&self) -> u64 {
        self.scored.len() as u64
    }

    /// Scores the centroids that come next and were not met before. Returns the first place among the best that one of them took.
    fn meet(&mut self, column: &[i16]) -> usize {
        // No processor could tell which are new or good enough, so no branch depends on it.
        let mut new = 0;
        for at in 0..self.next.len() {
            let centroid = self.next[at];
            let (word, bit) = (&mut self.met[centroid as usize / 64], centroid % 64);
            self.next[new] = centroid;
            new += usize::from(*word >> bit & 1 == 0);
            *word |= 1 << bit;
        }
        self.next.truncate(new);
        self.scored.extend(&self.next);
        self.scores.resize(new, 0);
        colidx_kernels::kernels().gather_dots(self.rows, &self.next, column, &mut self.scores);
        let full = self.best.len() == self.beam;
        let least = if full {
            self.best[self.beam - 1].key()
        } else {
            0
        };
        self.good.resize(new, Known::default());
        let mut good = 0;
        for (&score, &centroid) in self.scores.iter().zip(&self.next) {
            let known = Known::new(score, centroid);
            self.good[good] = known;
            good += usize::from(known.key() > least);
        }
        let mut first = usize::MAX;
        for &known in &self.good[..good] {
            if self.best.len() == self.beam {
                if self.best[self.beam - 1].key() > known.key() {
                    continue;
                }
                self.best.pop();
            }
            let place = self.best.partition_point(|best| best.key() > known.key());
            self.best.insert(place, known);
            first = first.min(place);
        }
        first
    }
}

/// A centroid's score and number and whether the walk has been there, in one number: the better the larger, of equal scores
/// the lower numbers.
#[derive(Clone, Copy, Default)]
struct Known(u64);

impl Known {
    /// The number of a centroid is below 2^31.
    fn new(score: i32, centroid: u32) -> Self {
        Self(u64::from(score.cast_unsigned() ^ 1 << 31) << 32 | u64::from(!centroid << 1))
    }

    /// Larger for the better of two different centroids.
    fn key(self) -> u64 {
        self.0
    }

    /// Notes that the walk goes there and returns whether it was there before.
    fn visit(&mut self) -> bool {
        let before = self.0 & 1 == 1;
        self.0 |= 1;
        before
    }

    fn scored(self) -> Scored {
        let score = ((self.0 >> 32) as u32 ^ 1 << 31).cast_signed();
        (score, !(self.0 as u32 >> 1) & i32::MAX as u32)
    }
}
