//! Candidate documents: found through posting lists and scored by what the lists say.
//!
//! A document's score at centroid level is the sum over query tokens of the best probed centroid that it has a vector in;
//! where it has none, of the token's worst probed centroid, since anything better would have been probed (missing similarity
//! imputation, XTR, arXiv 2304.01982, and WARP, 2501.17788, section 4.3). No document's codes are read. Query tokens that lie
//! close together are taken as one that counts as often ([`super::merged`]).

use super::best::Scored;
use super::centroids::Probes;
use super::{Query, SearchStats};
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::Segment;
use crate::segment::deleted::Deleted;

/// Entries of posting lists that a query token reads in a segment, but for the list in which it gets there. Lists are
/// long where documents are many, and each entry is then a cache miss.
pub(super) const ENTRIES: u64 = 16_384;

/// Bits of a slot that say which query token came last.
const TOKEN_BITS: u32 = 12;

/// Query tokens that take part; those of a longer query that come after do not help to find candidates.
const MAX_TOKENS: usize = (1 << TOKEN_BITS) - 1;

/// Documents whose slots are noted as used together; a word of [`Deleted`] has as many.
const BLOCK: usize = 64;

/// Room for a score a document, kept from one search to the next: made anew, it would cost more than a search.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// By document, segment after segment: its score so far, and below it the number of the last query token that added to it, from 1. All are 0
    /// between searches.
    slots: Vec<u32>,
    /// By block of documents: whether one of them was found. All are false between searches.
    used: Vec<bool>,
    /// The list being read.
    list: Vec<u32>,
}

impl Slots {
    /// Makes room for `slots` slots, a multiple of a block.
    fn grow(&mut self, slots: usize) {
        let blocks = slots / BLOCK;
        if self.used.len() < blocks {
            self.slots.resize(blocks * BLOCK, 0);
            self.used.resize(blocks, false);
        }
    }

    /// Adds what query token `number` gives to the documents of the list, whose segment's slots begin at `first`, unless it
    /// has given before. No branch depends on a document, as no processor could tell which way it will go.
    fn add(&mut self, first: usize, number: u32, gain: u32) {
        // Segments begin with a block.
        let (slots, used) = (&mut self.slots[first..], &mut self.used[first / BLOCK..]);
        for &document in &self.list {
            let slot = &mut slots[document as usize];
            let given = *slot & MAX_TOKENS as u32 == number;
            let more = ((*slot >> TOKEN_BITS) + gain) << TOKEN_BITS | number;
            *slot = if given { *slot } else { more };
            used[document as usize / BLOCK] = true;
        }
    }

    /// Takes the deleted documents of a segment, whose slots begin at `first`, out of those found.
    fn drop_deleted(&mut self, first: usize, deleted: &Deleted) {
        // A block has a word of 64 documents.
        let used = self.used[first / BLOCK..].iter().zip(deleted.words());
        for (block, (_, &word)) in used.enumerate().filter(|(_, (used, _))| **used) {
            let slots = &mut self.slots[first + block * BLOCK..][..BLOCK];
            let mut rest = word;
            while rest != 0 {
                slots[rest.trailing_zeros() as usize] = 0;
                rest &= rest - 1;
            }
        }
    }

    /// Blocks in which a document was found: the first slot's place, and the slots.
    fn blocks(&self) -> impl Iterator<Item = (usize, &[u32; BLOCK])> {
        let (blocks, _) = self.slots.as_chunks::<BLOCK>();
        let used = self.used.iter().zip(blocks).enumerate();
        used.filter(|(_, (used, _))| **used)
            .map(|(at, (_, block))| (at * BLOCK, block))
    }

    /// How many documents were found.
    fn found(&self) -> usize {
        let found = |block: &[u32; BLOCK]| block.iter().filter(|slot| **slot != 0).count();
        self.blocks().map(|(_, block)| found(block)).sum()
    }

    /// A score that some more than `count` documents reach, as every few blocks make it seem.
    fn level(&self, count: usize) -> u32 {
        const SAMPLED: usize = 8;
        const STEP: u32 = 6;
        let mut counts = vec![0u32; 1 << (u32::BITS - TOKEN_BITS - STEP)];
        for &slot in self.blocks().step_by(SAMPLED).flat_map(|(_, block)| block) {
            counts[(slot >> TOKEN_BITS >> STEP) as usize] += 1;
        }
        // So many more that it would be four standard deviations if they were not.
        let expected = count as f64 / SAMPLED as f64;
        let wanted = (expected + 4.0 * expected.sqrt()) as usize + 1;
        let mut above = 0;
        let level = counts.iter().rposition(|&n| {
            above += n as usize;
            above >= wanted
        });
        (level.unwrap_or(0) as u32) << STEP
    }

    /// The documents found whose score is at least `least`: their scores and slots, ascending.
    fn reaching(&self, least: u32) -> Vec<(u32, usize)> {
        let floor = (least << TOKEN_BITS).max(1);
        let (mut reaching, mut count) = (Vec::new(), 0);
        for (first, block) in self.blocks() {
            // Without a break, so that the compiler compares with vectors.
            if !block.iter().fold(false, |any, &slot| any | (slot >= floor)) {
                continue;
            }
            if reaching.len() < count + BLOCK {
                reaching.resize(2 * (count + BLOCK), (0, 0));
            }
            for (at, &slot) in block.iter().enumerate() {
                reaching[count] = (slot >> TOKEN_BITS, first + at);
                count += usize::from(slot >= floor);
            }
        }
        reaching.truncate(count);
        reaching
    }

    /// Empties the slots.
    fn clear(&mut self) {
        for (block, used) in self.used.iter_mut().enumerate() {
            if std::mem::take(used) {
                self.slots[block * BLOCK..][..BLOCK].fill(0);
            }
        }
    }
}

/// Documents found through posting lists.
pub(super) struct Candidates {
    /// How many there were.
    pub found: usize,
    /// The best of them with their scores, of equal scores the earlier documents, in document order.
    pub scored: Vec<(u32, DocId)>,
    /// What one unit of a score is worth.
    pub unit: f64,
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
    let mut slots = index.slots().take();
    let found = find_with(&mut slots, index, query, probes, count, entries, stats);
    slots.clear();
    found
}

fn find_with(
    slots: &mut Slots,
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
    // Where the slots of each segment begin.
    let mut firsts = vec![0];
    for segment in index.segments() {
        let documents = segment.documents.len();
        let first = firsts[firsts.len() - 1];
        firsts.push((first + documents as usize).next_multiple_of(BLOCK));
        slots.grow(firsts[firsts.len() - 1]);
        for (number, (probed, &weight)) in (1u32..).zip(tokens.iter().zip(weights)) {
            let probed = affordable(segment, probed, entries)?;
            let least = probed.last().map_or(0, |&(score, _)| score);
            for &(score, centroid) in probed {
                // Best first, so that the first list a document is in counts.
                let gain = (gain(score, least, weight) >> shift) as u32;
                let postings = &segment.postings;
                stats.bytes_touched += postings.read(centroid, documents, &mut slots.list)?;
                slots.add(first, number, gain);
                stats.postings_read += 1;
            }
        }
        if !segment.deleted.is_empty() {
            slots.drop_deleted(first, &segment.deleted);
        }
    }
    let (found, scored) = best(slots, &firsts, count);
    Ok(Candidates {
        found,
        scored,
        unit: probes.step * f64::from(shift).exp2(),
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

/// How many documents were found, and those with the `count` best scores.
fn best(slots: &Slots, firsts: &[usize], count: usize) -> (usize, Vec<(u32, DocId)>) {
    let found = slots.found();
    let mut scored = Vec::new();
    if count < found {
        // Most have low scores, and are not even written down.
        scored = slots.reaching(slots.level(count));
    }
    if scored.len() < count {
        scored = slots.reaching(0);
    }
    if scored.len() > count {
        let mut scores: Vec<u32> = scored.iter().map(|&(score, _)| score).collect();
        let (_, &mut least, _) = scores.select_nth_unstable_by(count, |a, b| b.cmp(a));
        let better = scored.iter().filter(|(score, _)| *score > least).count();
        let mut equal = count - better;
        scored.retain(|&(score, _)| {
            let kept = score > least || score == least && equal > 0;
            equal -= usize::from(kept && score == least);
            kept
        });
    }
    let document = |(score, slot): (u32, usize)| {
        let segment = firsts.partition_point(|&first| first <= slot) - 1;
        (score, DocId::new(segment, (slot - firsts[segment]) as u32))
    };
    (found, scored.into_iter().map(document).collect())
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

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(
            documents in 1usize..3000,
            found in 1u32..1000,
            levels in prop::sample::select(vec![1u32, 3, 200, 1 << 20]),
            count in 1usize..400,
            split in 0usize..3000,
            seed in any::<u32>(),
        ) {
            // Two segments, the second from a block's beginning on.
            let first = split.next_multiple_of(BLOCK);
            let mut slots = Slots::default();
            slots.grow((first + documents).next_multiple_of(BLOCK));
            let mut all = Vec::new();
            let mut state = seed | 1;
            for slot in (0..split).chain(first..first + documents) {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 8 & 1023 < found {
                    let score = (state >> 12) % levels;
                    slots.slots[slot] = score << TOKEN_BITS | 7;
                    slots.used[slot / BLOCK] = true;
                    all.push((score, slot));
                }
            }
            let (number, got) = best(&slots, &[0, first, first + documents], count);
            prop_assert_eq!(number, all.len());
            all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(count);
            all.sort_by_key(|&(_, slot)| slot);
            let want: Vec<(u32, DocId)> = all
                .into_iter()
                .map(|(score, slot)| match slot < first {
                    true => (score, DocId::new(0, slot as u32)),
                    false => (score, DocId::new(1, (slot - first) as u32)),
                })
                .collect();
            prop_assert_eq!(got, want);
        }
    }
}
