//! Imputed scores: what a query token scores with a document that is in none of the lists it reads.
//!
//! Such a document's best match is worse than the worst centroid read, and by how much grows with
//! the collection: a token reads the same number of postings in any index, while the best of an
//! ordinary document's n vectors lies at rank N / n among all N, which is the number of documents.
//! WARP (arXiv 2501.17788, section 4.3) imputes at a cumulative cluster size for the same reason.
//! So the lists that a token would read next are followed further down: those probed by their
//! sizes, and beyond them a sample of all. How far, [`tuning::imputation_rank`] says.

use super::tuning;
use crate::codebook::{Codebook, Scored};
use crate::error::Result;
use crate::segment::postings::Postings;
use colidx_kernels::PanelsI7;

/// Some centroids, evenly spread over the codebook, and their scores.
pub(super) struct Sample {
    /// Each stands for as many.
    every: usize,
    /// `[n, stride]`.
    scores: Vec<i16>,
    stride: usize,
    /// What the scores are shifted left by, to be those of the probes.
    shift: u32,
}

impl Sample {
    /// Scores the sample. The scores of the probes are shifted right by `shifted`.
    pub(super) fn new(codebook: &Codebook, panels: &PanelsI7, shifted: u32) -> Sample {
        let every = codebook.len().div_ceil(tuning::IMPUTATION_SAMPLE).max(1);
        let mut rows = Vec::with_capacity(tuning::IMPUTATION_SAMPLE * codebook.dim);
        for centroid in (0..codebook.len()).step_by(every) {
            rows.extend_from_slice(codebook.centroids(centroid..centroid + 1));
        }
        let stride = panels.padded_columns();
        let mut scores = vec![0; rows.len() / panels.dim() * stride];
        colidx_kernels::kernels().dots_i8(&rows, panels, &mut scores);
        Sample {
            every,
            scores,
            stride,
            shift: panels.shift() - shifted,
        }
    }

    /// Imputes from the posting lists of a segment, at the score where they hold `rank` entries.
    pub(super) fn impute<'a>(
        &'a self,
        postings: &'a Postings,
        rank: u64,
    ) -> Result<Imputation<'a>> {
        let rows = 0..self.scores.len() / self.stride.max(1);
        let centroids = rows.map(|row| (row * self.every) as u32);
        let size = |centroid| Ok(u64::from(postings.count(centroid)?));
        Ok(Imputation {
            sample: self,
            sizes: centroids.map(size).collect::<Result<_>>()?,
            postings,
            rank,
        })
    }

    /// The score of token number `token` at which all lists, best first, hold `rank` entries, where
    /// those of the sample have these sizes.
    fn score_at(&self, token: usize, sizes: &[u64], rank: u64) -> i32 {
        let rows = self.scores.chunks_exact(self.stride);
        let scores = rows.map(|row| row[token]).zip(sizes.iter().copied());
        let mut scores: Vec<(i16, u64)> = scores.collect();
        let descending = |a: &(i16, u64), b: &(i16, u64)| b.0.cmp(&a.0);
        let (mut entries, mut rest) = (0u64, &mut scores[..]);
        while !rest.is_empty() {
            // The best part is nearly always enough.
            let best = (rest.len() / 8).max(1);
            if best < rest.len() {
                rest.select_nth_unstable_by(best, descending);
            }
            let (part, others) = rest.split_at_mut(best);
            part.sort_unstable_by(descending);
            for &mut (score, size) in part {
                entries = entries.saturating_add(size.saturating_mul(self.every as u64));
                if entries >= rank {
                    return i32::from(score) << self.shift;
                }
            }
            rest = others;
        }
        i32::from(i16::MIN) << self.shift
    }
}

/// Imputed scores, from the posting lists of a segment.
pub(super) struct Imputation<'a> {
    sample: &'a Sample,
    /// Of the sample's lists.
    sizes: Vec<u64>,
    postings: &'a Postings,
    rank: u64,
}

impl Imputation<'_> {
    /// The imputed score of a query token. It reads the first `read` of its `probed` centroids.
    pub(super) fn score(&self, token: usize, probed: &[Scored], read: usize) -> Result<i32> {
        let mut entries = 0u64;
        for (at, &(score, centroid)) in probed.iter().enumerate() {
            entries = entries.saturating_add(self.postings.count(centroid)?.into());
            if at + 1 >= read && entries >= self.rank {
                return Ok(score);
            }
        }
        let Some(&(worst, _)) = probed.last() else {
            return Ok(0);
        };
        Ok(self
            .sample
            .score_at(token, &self.sizes, self.rank)
            .min(worst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_score_is_where_a_full_sort_reaches_the_rank(
            lists in prop::collection::vec((-40i16..40, 0u64..30), 0..200),
            every in 1usize..5,
            rank in 0u64..9000,
        ) {
            // Two tokens; the scores of the other are the same in another order.
            let others = lists.iter().rev().map(|&(score, _)| score);
            let rows = lists.iter().zip(others);
            let sample = Sample {
                every,
                scores: rows.flat_map(|(&(score, _), other)| [other, score]).collect(),
                stride: 2,
                shift: 3,
            };
            let sizes: Vec<u64> = lists.iter().map(|&(_, size)| size).collect();
            let mut sorted = lists.clone();
            sorted.sort_by_key(|&(score, _)| std::cmp::Reverse(score));
            let mut entries = 0;
            let reached = sorted.iter().find(|&&(_, size)| {
                entries += size * every as u64;
                entries >= rank
            });
            let expected = reached.map_or(i16::MIN, |&(score, _)| score);
            prop_assert_eq!(sample.score_at(1, &sizes, rank), i32::from(expected) << 3);
        }
    }
}
