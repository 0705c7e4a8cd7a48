//! Accumulators: scores of the documents in posting lists, term at a time.
//!
//! One accumulator a document holds its score so far and the last query token that added to it, so
//! that a token counts once for each document, with the best of its lists. Documents are scored
//! window by window, and a window's accumulators stay in a core's own cache.

use super::tuning::{LISTS_AHEAD, PREFETCHED, WINDOW};
use crate::error::Result;
use std::ops::Range;

/// Bits of an accumulator for the last query token; the others hold the score.
pub(super) const TOKEN_BITS: u32 = 12;

/// Query tokens that take part. Later tokens of a longer query do not help to find candidates.
pub(super) const MAX_TOKENS: usize = (1 << TOKEN_BITS) - 1;

/// Accumulators that are looked at together.
pub(super) const BLOCK: usize = 1024;

/// Accumulators that a word of hidden documents covers.
const WORD: usize = u64::BITS as usize;

/// From this many hidden documents in a word on, all its accumulators are masked; fewer are
/// cleared one by one.
const MASK_FROM: u32 = 9;

/// The accumulators of a window.
#[derive(Debug)]
pub(super) struct Accumulators {
    /// A document's score, and in the lower bits the last query token that added to it, from 1.
    /// 0 for documents that are in no list, and for all between windows.
    slots: Vec<u32>,
}

impl Default for Accumulators {
    fn default() -> Self {
        Self {
            slots: vec![0; WINDOW],
        }
    }
}

impl Accumulators {
    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.slots[..])
    }

    /// Adds the gain of query token `number` to each listed document below `end`, the end of the
    /// window, once for each document. Returns how many are below.
    ///
    /// Branch-free inside the window: the branch would be unpredictable.
    fn add(&mut self, documents: &[u32], end: u32, number: u32, gain: u32) -> usize {
        let Some(slots) = self.slots.first_chunk_mut::<WINDOW>() else {
            return 0;
        };
        for (at, &document) in documents.iter().enumerate() {
            if document >= end {
                return at;
            }
            let slot = &mut slots[document as usize % WINDOW];
            let given = *slot & MAX_TOKENS as u32 == number;
            let more = ((*slot >> TOKEN_BITS) + gain) << TOKEN_BITS | number;
            *slot = if given { *slot } else { more };
        }
        documents.len()
    }

    /// How many of the first `documents` are in a list.
    fn listed(&self, documents: u32) -> usize {
        let mut bits = [0u64; BLOCK / WORD];
        let (blocks, _) = self.slots.as_chunks::<BLOCK>();
        let blocks = blocks.iter().take((documents as usize).div_ceil(BLOCK));
        blocks
            .map(|block| {
                colidx_kernels::kernels().mask_ge(block, 1, &mut bits);
                bits.iter()
                    .map(|word| word.count_ones() as usize)
                    .sum::<usize>()
            })
            .sum()
    }

    /// Clears the hidden documents; `words` has a bit for each document of the window.
    fn clear_hidden(&mut self, words: &[u64]) {
        let (slots, _) = self.slots.as_chunks_mut::<WORD>();
        for (slots, &word) in slots.iter_mut().zip(words) {
            match word.count_ones() {
                MASK_FROM.. => {
                    for (at, slot) in slots.iter_mut().enumerate() {
                        *slot &= ((word >> at & 1) as u32).wrapping_sub(1);
                    }
                }
                _ => ones(word).for_each(|at| slots[at] = 0),
            }
        }
    }

    /// Calls `each` with the first `documents` accumulators, block after block, each with the
    /// number of its first, and clears them.
    fn drain(&mut self, documents: u32, mut each: impl FnMut(u32, &[u32; BLOCK])) {
        let (blocks, _) = self.slots.as_chunks_mut::<BLOCK>();
        for (start, block) in (0..documents).step_by(BLOCK).zip(blocks) {
            each(start, block);
            block.fill(0);
        }
    }
}

/// The positions of a word's ones, ascending.
pub(super) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        at
    })
}

/// The posting lists of a segment that a query reads.
pub(super) struct Lists {
    /// By query token, best first: which list, and the gain of its documents.
    pub tokens: Vec<Vec<(usize, u32)>>,
    /// By list: where its unread part lies in the postings.
    pub unread: Vec<Range<usize>>,
}

impl Lists {
    /// Scores a segment of `documents` documents, but for those whose bits are set in `hidden`.
    /// Calls `each` with the first document of each block and the block's accumulators, and `check`
    /// before each window, which may stop it. Returns how many documents the lists have, the hidden
    /// ones too.
    pub(super) fn score(
        mut self,
        postings: &[u32],
        documents: u32,
        hidden: &[u64],
        accumulators: &mut Accumulators,
        check: impl Fn() -> Result<()>,
        mut each: impl FnMut(u32, &[u32; BLOCK]),
    ) -> Result<usize> {
        let mut listed = 0;
        let mut next: Vec<usize> = self.unread.iter().map(|unread| unread.start).collect();
        for first in (0..documents).step_by(WINDOW) {
            check()?;
            let length = (documents - first).min(WINDOW as u32);
            let end = first + length;
            for (number, lists) in (1..).zip(&self.tokens) {
                for (at, &(list, gain)) in lists.iter().enumerate() {
                    if let Some(&(ahead, _)) = lists.get(at + LISTS_AHEAD) {
                        let rest = &postings[self.unread[ahead].clone()];
                        colidx_kernels::prefetch(&rest[..rest.len().min(PREFETCHED)]);
                    }
                    let unread = &self.unread[list];
                    let below = accumulators.add(&postings[unread.clone()], end, number, gain);
                    next[list] = unread.start + below;
                }
            }
            // Only after all tokens, since they share lists.
            for (unread, &next) in self.unread.iter_mut().zip(&next) {
                unread.start = next;
            }
            listed += accumulators.listed(length);
            accumulators.clear_hidden(hidden.get(first as usize / WORD..).unwrap_or_default());
            accumulators.drain(length, |start, block| each(first + start, block));
        }
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn a_document_scores_the_best_list_of_each_token(
            // So far apart that they lie in three windows.
            documents in prop::collection::vec(prop::collection::btree_set(0u32..150, 0..60), 1..6),
            tokens in prop::collection::vec(
                prop::collection::vec((any::<prop::sample::Index>(), 0u32..9), 0..5),
                0..4,
            ),
            hidden in prop::collection::btree_set(0u32..150, 0..150),
        ) {
            const APART: u32 = 1001;
            let all = 150 * APART;
            let lists: Vec<BTreeSet<u32>> =
                documents.iter().map(|list| list.iter().map(|d| d * APART).collect()).collect();
            let list = |(list, gain): &(prop::sample::Index, u32)| (list.index(lists.len()), *gain);
            let tokens: Vec<Vec<(usize, u32)>> = tokens
                .iter()
                .map(|token| token.iter().map(list).collect())
                .collect();
            let mut words = vec![0u64; all.div_ceil(64) as usize];
            let mut expected: BTreeMap<u32, u32> = BTreeMap::new();
            for token in &tokens {
                let mut given = BTreeSet::new();
                for &(list, gain) in token {
                    for &document in lists[list].iter().filter(|&&d| given.insert(d)) {
                        *expected.entry(document).or_default() += gain;
                    }
                }
            }
            let scored = expected.len();
            for document in hidden {
                // Alone in its word, or with its neighbours, which are in no list.
                let bits = if document % 2 == 0 { 1 << (document * APART % 64) } else { u64::MAX };
                words[(document * APART) as usize / 64] |= bits;
                expected.remove(&(document * APART));
            }

            let mut unread = Vec::new();
            let mut postings = Vec::new();
            for list in &lists {
                unread.push(postings.len()..postings.len() + list.len());
                postings.extend(list);
            }
            let mut accumulators = Accumulators::default();
            let mut got = BTreeMap::new();
            let each = |first, block: &[u32; BLOCK]| {
                let found = (first..).zip(block).filter(|(_, slot)| **slot != 0);
                got.extend(found.map(|(document, slot)| (document, slot >> TOKEN_BITS)));
            };
            let lists = Lists { tokens, unread };
            let check = || Ok(());
            let listed =
                lists.score(&postings, all, &words, &mut accumulators, check, each).unwrap();
            prop_assert_eq!(got, expected);
            prop_assert_eq!(listed, scored);
            prop_assert!(accumulators.slots.iter().all(|&slot| slot == 0));
        }
    }
}
