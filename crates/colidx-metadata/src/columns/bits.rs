//! A set of documents: a bit for each.

/// A set of a segment's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    /// Bits of documents that do not exist are zero.
    words: Vec<u64>,
    documents: u32,
}

impl Bits {
    /// None of `documents`.
    pub fn none(documents: u32) -> Self {
        Self {
            words: vec![0; documents.div_ceil(u64::BITS) as usize],
            documents,
        }
    }

    /// All of `documents`.
    pub fn all(documents: u32) -> Self {
        let mut bits = Self::none(documents);
        bits.not();
        bits
    }

    /// The documents whose bits are set in `words`.
    pub fn from_words(words: &[u64], documents: u32) -> Self {
        let mut bits = Self::all(documents);
        for (at, word) in bits.words.iter_mut().enumerate() {
            *word &= words.get(at).copied().unwrap_or(0);
        }
        bits
    }

    /// How many documents there are, in the set or not.
    pub fn documents(&self) -> u32 {
        self.documents
    }

    /// Adds a document; `false` where there is no such document.
    pub fn insert(&mut self, document: u32) -> bool {
        let exists = document < self.documents;
        if exists {
            let (word, bit) = place(document);
            self.words[word] |= bit;
        }
        exists
    }

    /// Takes a document out.
    pub fn remove(&mut self, document: u32) {
        let (word, bit) = place(document);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether a document is in the set.
    pub fn contains(&self, document: u32) -> bool {
        let (word, bit) = place(document);
        self.words.get(word).is_some_and(|w| w & bit != 0)
    }

    /// How many documents are in the set.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|w| w.count_ones()).sum()
    }

    /// Whether no document is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    /// Keeps what is in `other` as well, a set of as many documents.
    pub fn and(&mut self, other: &Self) {
        debug_assert_eq!(self.documents, other.documents);
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Adds what is in `other`, a set of as many documents.
    pub fn or(&mut self, other: &Self) {
        debug_assert_eq!(self.documents, other.documents);
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps what was not in the set.
    pub fn not(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let used = self.documents % u64::BITS;
        if let Some(last) = self.words.last_mut().filter(|_| used != 0) {
            *last &= (1 << used) - 1;
        }
    }

    /// Document `d` is bit `d % 64` of word `d / 64`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The documents of the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.words).flat_map(|(at, &word)| {
            let bits = std::iter::successors(Some(word), |w| Some(w & w.wrapping_sub(1)));
            bits.take_while(|&w| w != 0)
                .map(move |w| at * u64::BITS + w.trailing_zeros())
        })
    }
}

fn place(document: u32) -> (usize, u64) {
    ((document / u64::BITS) as usize, 1 << (document % u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn bits_are_a_set(
            n in 0u32..200,
            a in proptest::collection::btree_set(0u32..200, 0..50),
            b in proptest::collection::btree_set(0u32..200, 0..50),
        ) {
            let bits = |set: &BTreeSet<u32>| {
                let mut bits = Bits::none(n);
                set.iter().for_each(|&d| assert_eq!(bits.insert(d), d < n));
                bits
            };
            let below = |set: &BTreeSet<u32>| set.iter().copied().filter(|&d| d < n).collect();
            let (sa, sb): (BTreeSet<u32>, BTreeSet<u32>) = (below(&a), below(&b));
            let (a, b) = (bits(&a), bits(&b));
            prop_assert!(a.iter().eq(sa.iter().copied()));
            prop_assert_eq!(a.count() as usize, sa.len());
            prop_assert_eq!(a.is_empty(), sa.is_empty());
            prop_assert!((0..300).all(|d| a.contains(d) == sa.contains(&d)));
            let (mut and, mut or, mut not, mut less) = (a.clone(), a.clone(), a.clone(), a.clone());
            and.and(&b);
            or.or(&b);
            not.not();
            b.iter().for_each(|d| less.remove(d));
            prop_assert!(and.iter().eq(sa.intersection(&sb).copied()));
            prop_assert!(or.iter().eq(sa.union(&sb).copied()));
            prop_assert!(not.iter().eq((0..n).filter(|d| !sa.contains(d))));
            prop_assert!(less.iter().eq(sa.difference(&sb).copied()));
            or.or(&Bits::all(n));
            prop_assert_eq!(or, Bits::all(n));
        }
    }
}
