//! The best rows of a matrix of scores, for each column.

use super::Scored;
use colidx_kernels::PanelsI7;

/// Rows scored at a time: their scores stay in the first-level cache.
const ROWS: usize = 256;

/// Keeps the `k` best rows of each column while rows pass by; of equal scores the lower numbers.
pub(crate) struct ColumnTopK {
    k: usize,
    /// By column: a score at or below this cannot be among the best any more.
    thresholds: Vec<i16>,
    kept: Vec<Vec<Scored>>,
    /// `[padded_columns]`: the least score that a row needs in any column to be looked at.
    needed: Vec<i16>,
    /// Rows of a block that have it.
    passing: Vec<u32>,
}

impl ColumnTopK {
    pub(crate) fn new(columns: usize, k: usize) -> Self {
        Self {
            k,
            thresholds: vec![i16::MIN; columns],
            kept: vec![Vec::new(); columns],
            needed: Vec::new(),
            passing: Vec::new(),
        }
    }

    /// Scores rows, `[n, dim]`, into `scores`, `[n, padded_columns]`, and takes them. The first row
    /// has the number `first`; rows come in ascending order.
    pub(crate) fn score(
        &mut self,
        first: usize,
        rows: &[i8],
        panels: &PanelsI7,
        scores: &mut [i16],
    ) {
        let (dim, stride) = (panels.dim(), panels.padded_columns());
        let blocks = rows.chunks(ROWS * dim);
        let firsts = (first..).step_by(ROWS);
        for ((rows, scores), first) in blocks.zip(scores.chunks_mut(ROWS * stride)).zip(firsts) {
            let scores = &mut scores[..rows.len() / dim * stride];
            colidx_kernels::kernels().dots_i8(rows, panels, scores);
            self.take(first as u32, scores, stride);
        }
    }

    /// Takes rows of `scores`, `[n, stride]`, of which the first columns count. The first row has
    /// the number `first`; rows come in ascending order.
    fn take(&mut self, first: u32, scores: &[i16], stride: usize) {
        // One comparison a column settles most rows.
        self.needed.resize(stride, i16::MAX);
        for (needed, &threshold) in self.needed.iter_mut().zip(&self.thresholds) {
            *needed = threshold.saturating_add(1);
        }
        self.passing.clear();
        colidx_kernels::kernels().rows_any_ge_i16(scores, &self.needed, &mut self.passing);
        let columns = self.thresholds.len();
        for &at in &self.passing {
            let row = &scores[at as usize * stride..][..columns];
            for (column, &score) in row.iter().enumerate() {
                if score > self.thresholds[column] {
                    let kept = &mut self.kept[column];
                    kept.push((i32::from(score), first + at));
                    if kept.len() >= self.k.saturating_mul(2) {
                        // A score of 16 bits.
                        self.thresholds[column] = cut(kept, self.k) as i16;
                    }
                }
            }
        }
    }

    /// The best of each column, best first.
    pub(crate) fn finish(mut self) -> Vec<Vec<Scored>> {
        for kept in &mut self.kept {
            if kept.len() > self.k {
                cut(kept, self.k);
            }
            kept.sort_unstable_by(order);
        }
        self.kept
    }
}

/// Keeps the `count` best and returns the lowest score kept.
fn cut(kept: &mut Vec<Scored>, count: usize) -> i32 {
    kept.select_nth_unstable_by(count - 1, order);
    kept.truncate(count);
    kept[count - 1].0
}

/// Better first; of equal scores the lower number.
fn order(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    b.0.cmp(&a.0).then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(
            scores in prop::collection::vec(-9i16..9, 0..240),
            count in 1usize..7,
            cut in 0usize..50,
        ) {
            let (columns, stride) = (3, 4);
            let rows = scores.len() / stride;
            let scores = &scores[..rows * stride];
            let mut best = ColumnTopK::new(columns, count);
            let cut = cut.min(rows);
            best.take(10, &scores[..cut * stride], stride);
            best.take(10 + cut as u32, &scores[cut * stride..], stride);
            for (column, found) in best.finish().into_iter().enumerate() {
                let mut all: Vec<Scored> = (0..rows)
                    .map(|row| (i32::from(scores[row * stride + column]), 10 + row as u32))
                    .collect();
                all.sort_by(order);
                all.truncate(count);
                prop_assert_eq!(found, all);
            }
        }
    }
}
