//! Candidate documents: found through posting lists and scored by what the lists say.
//!
//! A document's score at centroid level is the sum over query tokens of the best probed centroid that it has a vector in;
//! where it has none, of the token's worst probed centroid, since anything better would have been probed (missing similarity
//! imputation, XTR, arXiv 2304.01982, and WARP, 2501.17788, section 4.3). No document's codes are read. Query tokens that lie
//! close together are taken as one that counts as often ([`super::merged`]).

use super::best::Scored;
use super::centroids::Probes;
use super::pool::Reusable;
use super::top::top;
use super::{Query, SearchStats};
use crate::error::Result;
use crate::index::{Index, Place};
use crate::segment::Segment;
use std::ops::Range;

/// Entries of posting lists that a query token reads in a segment, but for the list in which it gets there. Lists are
/// long where documents are many.
pub(super) const ENTRIES: u64 = 16_384;

/// Bits of a slot that say which query token came last.
const TOKEN_BITS: u32 = 12;

/// Query tokens that take part; those of a longer query that come after do not help to find candidates.
const MAX_TOKENS: usize = (1 << TOKEN_BITS) - 1;

/// How far a slot is shifted down to the level of its score, one of 4,096.
const LEVEL_SHIFT: u32 = 20;

/// Documents that are scored at the same time: so many slots stay in a core's own cache, whatever the number of documents.
const STRETCH: usize = 1 << 16;

/// Slots that are looked at together.
const BLOCK: usize = 1024;

/// Slots that a word has bits for.
const WORD: usize = u64::BITS as usize;

/// Room for a search, kept for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    slots: Option<Slots>,
    /// The lists that are read, one after the other. None is in it twice, so at worst these are all there are.
    postings: Vec<u32>,
}

impl Reusable for Scratch {
    fn bytes(&self) -> usize {
        let slots = self
            .slots
            .as_ref()
            .map_or(0, |slots| size_of_val(&*slots.slots));
        slots + self.postings.bytes()
    }
}

/// Scores of the documents of a stretch.
#[derive(Debug)]
struct Slots {
    /// A document's score so far, and below it the number of the last query token that added to it, from 1. 0 for those that
    /// were not found, and for all between stretches.
    slots: Box<[u32; STRETCH]>,
}

impl Slots {
    fn new() -> Slots {
        let slots = vec![0; STRETCH].into_boxed_slice();
        Slots {
            slots: slots.try_into().unwrap_or_else(|_| unreachable!()),
        }
    }

    /// Adds what query token `number` gives to those of a list that are below `end`, all of the stretch, unless it has given to them
    /// before. Returns how many are below. No branch depends on a document but the one that ends the stretch, as no processor
    /// could tell which way it will go.
    fn add(&mut self, documents: &[u32], end: u32, number: u32, gain: u32) -> usize {
        for (at, &document) in documents.iter().enumerate() {
            if document >= end {
                return at;
            }
            let slot = &mut self.slots[document as usize % STRETCH];
            let given = *slot & MAX_TOKENS as u32 == number;
            let more = ((*slot >> TOKEN_BITS) + gain) << TOKEN_BITS | number;
            *slot = if given { *slot } else { more };
        }
        documents.len()
    }

    /// Takes deleted documents out of those found; `words` are those of the stretch.
    fn drop_deleted(&mut self, words: &[u64]) {
        let (slots, _) = self.slots.as_chunks_mut::<WORD>();
        for (slots, &word) in slots.iter_mut().zip(words) {
            ones(word).for_each(|at| slots[at] = 0);
        }
    }

    /// Calls `each` with the first `documents` slots, block after block, each with the number of its first, and leaves 0 in them.
    fn drain(&mut self, documents: u32, mut each: impl FnMut(u32, &[u32; BLOCK])) {
        let (blocks, _) = self.slots.as_chunks_mut::<BLOCK>();
        for (start, block) in (0..documents).step_by(BLOCK).zip(blocks) {
            each(start, block);
            block.fill(0);
        }
    }
}

/// The places of a word's ones, ascending.
fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        at
    })
}

/// The posting lists of a segment that a query reads.
struct Lists {
    /// By query token, the best first: which list, and what the token gives to its documents.
    tokens: Vec<Vec<(usize, u32)>>,
    /// Where in the postings read what is left of each list lies.
    left: Vec<Range<usize>>,
}

impl Lists {
    /// Scores the documents of a segment, of which there are `documents`. Calls `each` with the first document of each block and
    /// the block's slots.
    fn score(
        mut self,
        postings: &[u32],
        documents: u32,
        deleted: &[u64],
        slots: &mut Slots,
        mut each: impl FnMut(u32, &[u32; BLOCK]),
    ) {
        let mut next: Vec<usize> = self.left.iter().map(|left| left.start).collect();
        for first in (0..documents).step_by(STRETCH) {
            let length = (documents - first).min(STRETCH as u32);
            let end = first + length;
            for (number, lists) in (1..).zip(&self.tokens) {
                for &(list, gain) in lists {
                    let left = &self.left[list];
                    let below = slots.add(&postings[left.clone()], end, number, gain);
                    next[list] = left.start + below;
                }
            }
            // Only now, as tokens have lists in common.
            for (left, &next) in self.left.iter_mut().zip(&next) {
                left.start = next;
            }
            slots.drop_deleted(deleted.get(first as usize / WORD..).unwrap_or_default());
            slots.drain(length, |start, block| each(first + start, block));
        }
    }
}

/// Documents found through posting lists.
pub(super) struct Candidates {
    /// How many there were.
    pub found: usize,
    /// The best of them with their scores, of equal scores the earlier documents, in document order.
    pub scored: Vec<(u32, Place)>,
    /// What one unit of a score is worth.
    pub unit: f64,
}

/// The best documents so far.
struct Best {
    /// How many there shall be.
    count: usize,
    /// How many documents were found.
    found: usize,
    /// How many of them have a score of each level. Below `floor` it is not counted.
    levels: Vec<u32>,
    /// The lowest level that can have any of the best: higher ones have fewer than `count`.
    floor: usize,
    /// How many documents have at least this level.
    reaching: usize,
    /// These with their scores, in document order, and some that have fallen below.
    scored: Vec<(u32, Place)>,
}

impl Best {
    fn new(count: usize) -> Best {
        Best {
            count,
            found: 0,
            levels: vec![0; 1 << (u32::BITS - LEVEL_SHIFT)],
            floor: 0,
            reaching: 0,
            scored: Vec::new(),
        }
    }

    /// Takes a block of slots, those of documents from `first` on.
    fn take(&mut self, segment: usize, first: u32, block: &[u32; BLOCK]) {
        let mut bits = [0; BLOCK / WORD];
        colidx_kernels::kernels().mask_ge(block, 1, &mut bits);
        self.found += bits
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum::<usize>();
        if self.floor > 0 {
            let least = (self.floor as u32) << LEVEL_SHIFT;
            colidx_kernels::kernels().mask_ge(block, least, &mut bits);
        }
        for (word, start) in bits.into_iter().zip((0..).step_by(WORD)) {
            for at in ones(word) {
                let slot = block[start + at];
                let document = Place::new(segment, first + (start + at) as u32);
                self.scored.push((slot >> TOKEN_BITS, document));
                self.levels[(slot >> LEVEL_SHIFT) as usize] += 1;
                self.reaching += 1;
            }
        }
        while self.reaching - self.levels[self.floor] as usize >= self.count.max(1) {
            self.reaching -= self.levels[self.floor] as usize;
            self.floor += 1;
        }
        if self.scored.len() > 4 * self.reaching + BLOCK {
            let least = (self.floor as u32) << (LEVEL_SHIFT - TOKEN_BITS);
            self.scored.retain(|&(score, _)| score >= least);
        }
    }

    /// Exactly the best, of equal scores the earlier documents, in document order.
    fn finish(self) -> Vec<(u32, Place)> {
        let scores: Vec<u32> = self.scored.iter().map(|&(score, _)| score).collect();
        let best = top(&scores, self.count, u32::cmp).into_iter();
        best.map(|at| self.scored[at]).collect()
    }
}

/// Of all documents in the posting lists of the probed centroids the `count` with the best scores. In each segment a query token
/// reads the best lists until they hold `entries`.
pub(super) fn find(
    index: &Index,
    query: &Query,
    probes: &Probes<'_>,
    count: usize,
    entries: u64,
    stats: &mut SearchStats,
) -> Result<Candidates> {
    let tokens = &probes.tokens[..probes.tokens.len().min(MAX_TOKENS)];
    let weights = query.merged().weights();
    let shift = shift(tokens, weights);
    let mut scratch = index.pools().candidates.take();
    let Scratch { slots, postings } = &mut *scratch;
    let slots = slots.get_or_insert_with(Slots::new);
    let mut best = Best::new(count);
    for (number, segment) in index.segments().iter().enumerate() {
        let lists = read(segment, tokens, weights, shift, entries, postings, stats)?;
        let (documents, deleted) = (segment.documents.len(), segment.deleted.words());
        lists.score(postings, documents, deleted, slots, |first, block| {
            best.take(number, first, block);
        });
    }
    Ok(Candidates {
        found: best.found,
        scored: best.finish(),
        unit: probes.step * f64::from(shift).exp2(),
    })
}

/// Replaces `postings` by the lists of a segment that the tokens need.
fn read(
    segment: &Segment,
    tokens: &[Vec<Scored>],
    weights: &[u32],
    shift: u32,
    entries: u64,
    postings: &mut Vec<u32>,
    stats: &mut SearchStats,
) -> Result<Lists> {
    let tokens: Vec<&[Scored]> = tokens
        .iter()
        .map(|probed| affordable(segment, probed, entries))
        .collect::<Result<_>>()?;
    // Tokens have centroids in common.
    let mut centroids: Vec<u32> = tokens.iter().copied().flatten().map(|&(_, c)| c).collect();
    centroids.sort_unstable();
    centroids.dedup();
    let documents = segment.documents.len();
    let (left, bytes) = segment.postings.read(&centroids, documents, postings)?;
    stats.postings_read += centroids.len() as u64;
    stats.bytes_touched += bytes;
    let list_of = |probed: &[Scored], weight: u32| {
        let least = probed.last().map_or(0, |&(score, _)| score);
        let list = |&(score, centroid): &Scored| {
            let list = centroids.partition_point(|&c| c < centroid);
            (list, (gain(score, least, weight) >> shift) as u32)
        };
        probed.iter().map(list).collect()
    };
    let tokens = tokens.iter().zip(weights);
    Ok(Lists {
        tokens: tokens
            .map(|(probed, &weight)| list_of(probed, weight))
            .collect(),
        left,
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

/// How far gains are shifted down, so that the largest score there can be fits a slot.
fn shift(tokens: &[Vec<Scored>], weights: &[u32]) -> u32 {
    let most: u64 = tokens
        .iter()
        .zip(weights)
        .filter_map(|(probed, &weight)| Some(gain(probed.first()?.0, probed.last()?.0, weight)))
        .sum();
    (u64::BITS - most.leading_zeros()).saturating_sub(u32::BITS - TOKEN_BITS)
}

/// What a score is above the least, for all query tokens that it is taken for.
fn gain(score: i32, least: i32, weight: u32) -> u64 {
    u64::from(score.abs_diff(least)) * u64::from(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// The slots of the documents that have a score, in blocks.
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
            segments in prop::collection::vec(prop::collection::btree_map(0u32..3000, any::<u32>(), 0..1500), 1..3),
            levels in prop::sample::select(vec![1u32, 3, 200, 1 << 20]),
            count in 0usize..400,
        ) {
            let mut best = Best::new(count);
            let mut all = Vec::new();
            for (segment, scores) in segments.into_iter().enumerate() {
                let scores = scores.into_iter().map(|(document, score)| (document, score % levels)).collect();
                blocks(&scores).iter().for_each(|(&first, block)| best.take(segment, first, block));
                all.extend(scores.into_iter().map(|(document, score)| (score, Place::new(segment, document))));
            }
            prop_assert_eq!(best.found, all.len());
            all.sort_by_key(|&(score, document)| (std::cmp::Reverse(score), document));
            all.truncate(count);
            all.sort_by_key(|&(_, document)| document);
            prop_assert_eq!(best.finish(), all);
        }

        #[test]
        fn a_document_scores_the_best_list_of_each_token(
            // So far apart that they lie in three stretches.
            documents in prop::collection::vec(prop::collection::btree_set(0u32..150, 0..60), 1..6),
            tokens in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), 0u32..9), 0..5), 0..4),
            deleted in prop::collection::btree_set(0u32..150, 0..9),
        ) {
            const APART: u32 = 1001;
            let all = 150 * APART;
            let lists: Vec<BTreeSet<u32>> =
                documents.iter().map(|list| list.iter().map(|d| d * APART).collect()).collect();
            let tokens: Vec<Vec<(usize, u32)>> = tokens
                .iter()
                .map(|token| token.iter().map(|(list, gain)| (list.index(lists.len()), *gain)).collect())
                .collect();
            let mut words = vec![0u64; all.div_ceil(64) as usize];
            let mut expected: BTreeMap<u32, u32> = BTreeMap::new();
            for token in &tokens {
                let mut given = BTreeSet::new();
                for &(list, gain) in token {
                    for &document in lists[list].iter().filter(|&&document| given.insert(document)) {
                        *expected.entry(document).or_default() += gain;
                    }
                }
            }
            for document in deleted {
                let document = document * APART;
                words[document as usize / 64] |= 1 << (document % 64);
                expected.remove(&document);
            }

            let mut left = Vec::new();
            let mut postings = Vec::new();
            for list in &lists {
                left.push(postings.len()..postings.len() + list.len());
                postings.extend(list);
            }
            let mut slots = Slots::new();
            let mut got = BTreeMap::new();
            Lists { tokens, left }.score(&postings, all, &words, &mut slots, |first, block| {
                let found = (first..).zip(block).filter(|(_, slot)| **slot != 0);
                got.extend(found.map(|(document, slot)| (document, slot >> TOKEN_BITS)));
            });
            prop_assert_eq!(got, expected);
            prop_assert!(slots.slots.iter().all(|&slot| slot == 0));
        }
    }
}
