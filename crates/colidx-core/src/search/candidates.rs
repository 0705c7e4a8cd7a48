//! Step 2: candidate documents, found through posting lists and scored by their centroids.
//!
//! A document's centroid score is the sum over query tokens of the best centroid read that it has a
//! vector in. Where it has none, an imputed score counts ([`super::imputation`]). Accumulators hold
//! what a document gains over the imputed scores, so documents in no list need none. Documents'
//! codes are not read. Query tokens are pooled, and a cluster counts as often as it has tokens
//! ([`super::query_pooling`]).

use super::accumulators::{Accumulators, BLOCK, Lists, MAX_TOKENS, TOKEN_BITS, ones};
use super::centroids::Probes;
use super::scratch::Reusable;
use super::top_k::top_k_indices;
use super::tuning;
use super::{Context, SearchStats};
use crate::codebook::Scored;
use crate::error::Result;
use crate::segment::Segment;
use crate::snapshot::Place;

/// Shift of an accumulator down to the level of its score, one of 4,096.
const LEVEL_SHIFT: u32 = 20;

/// Buffers of step 2, kept for the next search.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    accumulators: Option<Accumulators>,
    /// The lists that are read, one after the other, each once.
    postings: Vec<u32>,
}

impl Reusable for Buffers {
    fn bytes(&self) -> usize {
        let accumulators = self.accumulators.as_ref().map_or(0, Accumulators::bytes);
        accumulators + self.postings.bytes()
    }
}

/// Documents found through posting lists.
pub(super) struct Candidates {
    /// How many were found.
    pub found: usize,
    /// The share of all documents that the lists have, in scope or not.
    pub listed: f64,
    /// The best of them with their scores, of equal scores the earlier ones, in document order.
    pub scored: Vec<(u32, Place)>,
    /// The value of one unit of a score.
    pub unit: f64,
}

/// The `k` best documents so far.
struct CandidateTopK {
    k: usize,
    /// Documents found.
    found: usize,
    /// Documents with a score of each level, counted from `threshold` on.
    levels: Vec<u32>,
    /// The lowest level that can have any of the best: those above have fewer than `k` documents.
    threshold: usize,
    /// Documents at this level or above.
    above: usize,
    /// Their scores, in document order, and some that have fallen below.
    scored: Vec<(u32, Place)>,
}

impl CandidateTopK {
    fn new(k: usize) -> CandidateTopK {
        CandidateTopK {
            k,
            found: 0,
            levels: vec![0; 1 << (u32::BITS - LEVEL_SHIFT)],
            threshold: 0,
            above: 0,
            scored: Vec::new(),
        }
    }

    /// Takes a block of accumulators, of documents from `first` on.
    fn take(&mut self, segment: usize, first: u32, block: &[u32; BLOCK]) {
        let mut bits = [0u64; BLOCK / u64::BITS as usize];
        colidx_kernels::kernels().mask_ge(block, 1, &mut bits);
        self.found += bits
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum::<usize>();
        if self.threshold > 0 {
            let least = (self.threshold as u32) << LEVEL_SHIFT;
            colidx_kernels::kernels().mask_ge(block, least, &mut bits);
        }
        for (word, start) in bits.into_iter().zip((0..).step_by(u64::BITS as usize)) {
            for at in ones(word) {
                let slot = block[start + at];
                let document = Place::new(segment, first + (start + at) as u32);
                self.scored.push((slot >> TOKEN_BITS, document));
                self.levels[(slot >> LEVEL_SHIFT) as usize] += 1;
                self.above += 1;
            }
        }
        while self.above - self.levels[self.threshold] as usize >= self.k.max(1) {
            self.above -= self.levels[self.threshold] as usize;
            self.threshold += 1;
        }
        if self.scored.len() > 4 * self.above + BLOCK {
            let least = (self.threshold as u32) << (LEVEL_SHIFT - TOKEN_BITS);
            self.scored.retain(|&(score, _)| score >= least);
        }
    }

    /// Exactly the best, of equal scores the earlier documents, in document order.
    fn finish(self) -> Vec<(u32, Place)> {
        let scores: Vec<u32> = self.scored.iter().map(|&(score, _)| score).collect();
        let best = top_k_indices(&scores, self.k, u32::cmp).into_iter();
        best.map(|at| self.scored[at]).collect()
    }
}

/// Finds all documents in the posting lists of the probed centroids, and the `count` of them with
/// the best scores. In each segment a query token reads its best lists until they hold
/// `max_postings` entries.
pub(super) fn find(
    context: Context<'_>,
    probes: &Probes<'_>,
    count: usize,
    max_postings: u64,
    stats: &mut SearchStats,
) -> Result<Candidates> {
    let tokens = &probes.tokens[..probes.tokens.len().min(MAX_TOKENS)];
    let weights = context.query.pooled().weights();
    let segments = context.snapshot.segments();
    let read: Vec<Vec<&[Scored]>> = segments
        .iter()
        .map(|segment| {
            let tokens = tokens.iter();
            let affordable = tokens.map(|probed| affordable(segment, probed, max_postings));
            affordable.collect()
        })
        .collect::<Result<_>>()?;
    let imputed = imputed(context, probes, &read)?;
    let shift = shift(tokens, &imputed, weights);
    let mut buffers = context.scratch.candidates.take();
    let Buffers {
        accumulators,
        postings,
    } = &mut *buffers;
    let accumulators = accumulators.get_or_insert_default();
    let mut best = CandidateTopK::new(count);
    let (mut listed, mut all) = (0, 0);
    for (number, (segment, read)) in segments.iter().zip(&read).enumerate() {
        let gain = |token: usize, score| gain(score, imputed[token], weights[token]) >> shift;
        let lists = read_lists(segment, read, gain, postings, stats)?;
        let (documents, hidden) = (segment.documents.len(), context.scope.hidden(number));
        let check = || context.options.check_limits();
        let take = |first, block: &_| best.take(number, first, block);
        listed += lists.score(postings, documents, hidden, accumulators, check, take)?;
        all += documents as usize;
    }
    Ok(Candidates {
        found: best.found,
        listed: listed as f64 / all.max(1) as f64,
        scored: best.finish(),
        unit: probes.step * f64::from(shift).exp2(),
    })
}

/// By token, the score of a document that is in none of its lists. It is common to all segments, so
/// that their documents' scores compare; the segment with the most vectors decides.
fn imputed(context: Context<'_>, probes: &Probes<'_>, read: &[Vec<&[Scored]>]) -> Result<Vec<i32>> {
    let segments = context.snapshot.segments().iter().zip(read);
    let largest = segments.max_by_key(|(segment, _)| segment.vectors.len());
    let Some((segment, read)) = largest else {
        return Ok(Vec::new());
    };
    let rank = tuning::imputation_rank(context.options.k, segment.documents.len());
    let imputation = probes.sample.impute(&segment.postings, rank)?;
    let tokens = probes.tokens.iter().zip(read).enumerate();
    tokens
        .map(|(token, (probed, read))| imputation.score(token, probed, read.len()))
        .collect()
}

/// Replaces `postings` by the lists of a segment that the tokens read. `gain` is what a token gives
/// to the documents of a list with this score.
fn read_lists(
    segment: &Segment,
    tokens: &[&[Scored]],
    gain: impl Fn(usize, i32) -> u64,
    postings: &mut Vec<u32>,
    stats: &mut SearchStats,
) -> Result<Lists> {
    // Tokens share centroids.
    let probed = tokens.iter().copied().flatten();
    let mut centroids: Vec<u32> = probed.map(|&(_, centroid)| centroid).collect();
    centroids.sort_unstable();
    centroids.dedup();
    let documents = segment.documents.len();
    let (unread, bytes) = segment.postings.read(&centroids, documents, postings)?;
    stats.postings_read += centroids.len() as u64;
    stats.bytes_touched += bytes;
    let lists_of = |(token, read): (usize, &&[Scored])| {
        let list = |&(score, centroid): &Scored| {
            let list = centroids.partition_point(|&c| c < centroid);
            (list, gain(token, score) as u32)
        };
        read.iter().map(list).collect()
    };
    Ok(Lists {
        tokens: tokens.iter().enumerate().map(lists_of).collect(),
        unread,
    })
}

/// The best of the probed centroids, until their lists hold `most` entries; at least one.
fn affordable<'p>(segment: &Segment, probed: &'p [Scored], most: u64) -> Result<&'p [Scored]> {
    let mut entries = 0;
    for (at, &(_, centroid)) in probed.iter().enumerate() {
        entries += u64::from(segment.postings.count(centroid)?);
        if entries >= most {
            return Ok(&probed[..=at]);
        }
    }
    Ok(probed)
}

/// Shift of gains down, so that the largest score possible fits an accumulator.
fn shift(tokens: &[Vec<Scored>], imputed: &[i32], weights: &[u32]) -> u32 {
    let best = tokens
        .iter()
        .map(|probed| probed.first().map_or(i32::MIN, |&(score, _)| score));
    let gains = best.zip(imputed).zip(weights);
    let most: u64 = gains
        .map(|((best, &imputed), &weight)| gain(best, imputed, weight))
        .sum();
    (u64::BITS - most.leading_zeros()).saturating_sub(u32::BITS - TOKEN_BITS)
}

/// The gain of a centroid's score over the imputed one, for all tokens of a cluster.
fn gain(score: i32, imputed: i32, weight: u32) -> u64 {
    // A segment with few vectors reads further down than the one that decides.
    let gain = i64::from(score) - i64::from(imputed);
    gain.max(0).unsigned_abs() * u64::from(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The accumulators of the documents that have a score, in blocks.
    fn blocks(scores: &BTreeMap<u32, u32>) -> BTreeMap<u32, [u32; BLOCK]> {
        let mut blocks = BTreeMap::new();
        for (&document, &score) in scores {
            let block = blocks.entry(document - document % BLOCK as u32);
            let slots = block.or_insert([0; BLOCK]);
            slots[document as usize % BLOCK] = score << TOKEN_BITS | 7;
        }
        blocks
    }

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(
            segments in prop::collection::vec(
                prop::collection::btree_map(0u32..3000, any::<u32>(), 0..1500),
                1..3,
            ),
            levels in prop::sample::select(vec![1u32, 3, 200, 1 << 20]),
            count in 0usize..400,
        ) {
            let mut best = CandidateTopK::new(count);
            let mut all = Vec::new();
            for (segment, scores) in segments.into_iter().enumerate() {
                let level = |(document, score)| (document, score % levels);
                let scores = scores.into_iter().map(level).collect();
                blocks(&scores).iter().for_each(|(&first, block)| best.take(segment, first, block));
                let place = |(document, score)| (score, Place::new(segment, document));
                all.extend(scores.into_iter().map(place));
            }
            prop_assert_eq!(best.found, all.len());
            all.sort_by_key(|&(score, document)| (std::cmp::Reverse(score), document));
            all.truncate(count);
            all.sort_by_key(|&(_, document)| document);
            prop_assert_eq!(best.finish(), all);
        }
    }
}
