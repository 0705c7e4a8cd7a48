//! Which of a document's codes are of centroids that are marked: what comes after decodes these alone.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
// Look-ups are one by one in AVX2 and NEON too.
#[cfg(target_arch = "x86_64")]
use scalar as avx2;
#[cfg(target_arch = "aarch64")]
use scalar as neon;

use crate::Kernels;
use crate::kernels::dispatch;

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
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.places.clear();
        self.marked.clear();
        self.others.clear();
    }
}

impl Kernels {
    /// Appends `codes` to `partition`; places are counted from the first of `codes`. Centroid `c` is
    /// marked if bit `c % 32` of `marks[c / 32]` is set, and not marked if there is no such word.
    ///
    /// # Panics
    /// If there are more than 2^32 codes.
    pub fn partition_codes(self, codes: &[u32], marks: &[u32], partition: &mut CodePartition) {
        assert!(
            u32::try_from(codes.len()).is_ok(),
            "places are 32 bits wide"
        );
        dispatch!(self, partition(codes, marks, partition));
    }
}

#[cfg(test)]
mod tests;
