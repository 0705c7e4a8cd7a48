//! Which of a document's codes are of centroids that are marked: what comes after decodes these alone.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use crate::{Isa, level};

/// Centroids that a word has bits for.
const WORD: u32 = u32::BITS;

/// Codes divided by whether their centroids are marked, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodePartition {
    /// Where in the codes those of marked centroids are.
    pub places: Vec<u32>,
    /// These codes.
    pub marked: Vec<u32>,
    /// The centroids of the other codes.
    pub others: Vec<u32>,
}

impl CodePartition {
    /// Appends codes; their places are counted from the first of `codes`. Centroid `c` is marked if bit `c % 32` of `marks[c / 32]` is set,
    /// and not marked if there is no such word.
    ///
    /// # Panics
    /// If there are more than 2^32 codes.
    pub fn push(&mut self, codes: &[u32], marks: &[u32]) {
        level().partition_codes(codes, marks, self);
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.places.clear();
        self.marked.clear();
        self.others.clear();
    }
}

impl Isa {
    /// [`CodePartition::push`] at this level.
    ///
    /// # Panics
    /// As [`CodePartition::push`], or if the processor does not support the level.
    pub fn partition_codes(self, codes: &[u32], marks: &[u32], partition: &mut CodePartition) {
        assert!(
            u32::try_from(codes.len()).is_ok(),
            "places are 32 bits wide"
        );
        match self.checked() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `checked` has seen the processor report AVX-512.
            Isa::Avx512 | Isa::Amx => unsafe { avx512::partition(codes, marks, partition) },
            // Look-ups are one by one in AVX2 and NEON too.
            _ => scalar::partition(codes, marks, partition),
        }
    }
}

#[cfg(test)]
mod tests;
