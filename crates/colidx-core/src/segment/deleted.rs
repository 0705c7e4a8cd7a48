//! The deleted documents of a segment: a bit for each document.

/// The deleted documents of one segment. Without any it takes no memory and searches skip it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Bit `d % 64` of word `d / 64` is set when document `d` is deleted; empty when none is.
    words: Vec<u64>,
    count: u32,
}

impl Deleted {
    /// Marks a document of a segment of `documents` as deleted; `false` when it was already.
    pub(crate) fn insert(&mut self, document: u32, documents: u32) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; documents.div_ceil(u64::BITS) as usize];
        }
        let (word, bit) = place(document);
        let fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u32::from(fresh);
        fresh
    }

    pub(crate) fn contains(&self, document: u32) -> bool {
        let (word, bit) = place(document);
        self.words.get(word).is_some_and(|w| w & bit != 0)
    }

    /// How many documents are deleted.
    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    /// A bit a document, 64 documents a word; no words when none is deleted.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The deleted documents, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
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

    #[test]
    fn what_is_inserted_is_there_once() {
        let mut deleted = Deleted::default();
        assert!(deleted.len() == 0 && !deleted.contains(5));
        let documents = [199, 0, 63, 64, 128, 65];
        for document in documents {
            assert!(deleted.insert(document, 200));
            assert!(!deleted.insert(document, 200));
        }
        assert_eq!(deleted.len(), 6);
        assert!(deleted.iter().eq([0, 63, 64, 65, 128, 199]));
        assert!((0..200).all(|d| deleted.contains(d) == documents.contains(&d)));
    }
}
