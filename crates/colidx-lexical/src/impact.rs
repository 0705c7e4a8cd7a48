//! What the documents of a block can score at most.
//!
//! A term scores more in a document where it is more frequent, and less in one that is longer. So a
//! bound for any k1, b and average length is the best score of the pairs (frequency, length) that
//! no other pair of the block beats in both. A few pairs are stored; where there are more,
//! neighbours become one that beats both.

/// Pairs stored for a block.
pub(crate) const PAIRS: usize = 3;

/// Bytes of the pairs of a block.
pub(crate) const BYTES: usize = 2 * PAIRS;

/// A frequency, at most 255, which stands for any above, and the code of a length.
type Pair = (u8, u8);

/// Lengths up to here are their own code. Above, each power of two has this many steps.
const STEPS: u32 = 16;

/// The code of the largest length with a code that is no longer.
pub(crate) fn length_code(length: u32) -> u8 {
    if length < STEPS {
        return length as u8;
    }
    let shift = length.ilog2() - STEPS.ilog2();
    let code = (shift + 1) * STEPS + (length >> shift) - STEPS;
    code.min(255) as u8
}

/// The length of a code.
#[inline]
pub(crate) fn length_of(code: u8) -> u32 {
    let code = u32::from(code);
    if code < STEPS {
        return code;
    }
    (STEPS + code % STEPS) << (code / STEPS - 1)
}

/// The pairs of a block, and those of a list.
#[derive(Debug, Default)]
pub(crate) struct Frontier {
    /// Pairs that none beats, frequency and length ascending.
    pairs: Vec<Pair>,
}

impl Frontier {
    /// Adds a document.
    pub fn add(&mut self, frequency: u32, length: u32) {
        self.add_pair((frequency.min(255) as u8, length_code(length)));
    }

    fn add_pair(&mut self, (frequency, length): Pair) {
        let at = self.pairs.partition_point(|pair| pair.0 < frequency);
        if self.pairs.get(at).is_some_and(|pair| pair.1 <= length) {
            return;
        }
        let end = at + usize::from(self.pairs.get(at).is_some_and(|pair| pair.0 == frequency));
        let start = self.pairs[..at].partition_point(|pair| pair.1 < length);
        self.pairs.splice(start..end, [(frequency, length)]);
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: &Self) {
        other.pairs.iter().for_each(|&pair| self.add_pair(pair));
    }

    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// The stored pairs, where documents have this many terms on average.
    pub fn to_bytes(&self, average: f64) -> [u8; BYTES] {
        let mut pairs = self.pairs.clone();
        while pairs.len() > PAIRS {
            // The two whose union lifts the bound least at usual settings.
            let lift = |i: usize| {
                let [low, high] = [pairs[i], pairs[i + 1]];
                let both = score((high.0, low.1), average);
                both - score(low, average).max(score(high, average))
            };
            let mut best = 0;
            for i in 1..pairs.len() - 1 {
                if lift(i) < lift(best) {
                    best = i;
                }
            }
            pairs[best].0 = pairs[best + 1].0;
            pairs.remove(best + 1);
        }
        let mut bytes = [0; BYTES];
        let last = pairs.last().copied().unwrap_or_default();
        let filled = pairs.into_iter().chain(std::iter::repeat(last));
        for (bytes, (frequency, length)) in bytes.chunks_exact_mut(2).zip(filled) {
            bytes.copy_from_slice(&[frequency, length]);
        }
        bytes
    }
}

fn score((frequency, length): Pair, average: f64) -> f64 {
    let frequency = f64::from(frequency);
    frequency / (frequency + 0.9 * (0.6 + 0.4 * f64::from(length_of(length)) / average))
}

/// Whether one of the stored pairs beats a document.
pub(crate) fn covers(bytes: &[u8], frequency: u32, length: u32) -> bool {
    bytes.chunks_exact(2).any(|pair| {
        (pair[0] == 255 || u32::from(pair[0]) >= frequency) && length_of(pair[1]) <= length
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_no_longer_and_hardly_shorter(length in any::<u32>(), shift in 0u32..32) {
            let length = length >> shift;
            let coded = length_of(length_code(length));
            prop_assert!(coded <= length);
            prop_assert!(length > 500_000 || coded as f64 >= length as f64 * 16.0 / 17.0);
            prop_assert!(length_of(length_code(coded)) == coded);
        }

        #[test]
        fn stored_pairs_cover_every_document(
            documents in proptest::collection::vec((1u32..300, 0u32..5000), 1..200),
        ) {
            let mut frontier = Frontier::default();
            documents.iter().for_each(|&(frequency, length)| frontier.add(frequency, length));
            let mut naive: Vec<Pair> = documents
                .iter()
                .map(|&(frequency, length)| (frequency.min(255) as u8, length_code(length)))
                .collect();
            let all = naive.clone();
            naive.retain(|a| !all.iter().any(|b| a != b && b.0 >= a.0 && b.1 <= a.1));
            naive.sort_unstable();
            naive.dedup();
            prop_assert_eq!(&frontier.pairs, &naive);
            let bytes = frontier.to_bytes(100.0);
            for (frequency, length) in documents {
                prop_assert!(covers(&bytes, frequency, length));
            }
        }
    }
}
