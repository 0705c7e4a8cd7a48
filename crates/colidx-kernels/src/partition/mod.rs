//! Partitions the codes of a document by whether their centroids are marked, so that later steps
//! decode only the marked ones.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
// Neither AVX2 nor NEON has a gather that is faster than single look-ups.
#[cfg(target_arch = "x86_64")]
use scalar as avx2;
#[cfg(target_arch = "aarch64")]
use scalar as neon;

use crate::Kernels;
use crate::kernels::dispatch;

/// Centroids per word of marks.
const WORD: u32 = u32::BITS;

/// Codes partitioned by whether their centroids are marked, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodePartition {
    /// Positions, in the input, of the codes of marked centroids.
    pub places: Vec<u32>,
    /// These codes.
    pub marked: Vec<u32>,
    /// The centroids of the other codes.
    pub others: Vec<u32>,
}

impl CodePartition {
    /// Removes everything, keeping memory.
    pub fn clear(&mut self) {
        self.places.clear();
        self.marked.clear();
        self.others.clear();
    }
}

impl Kernels {
    /// Appends `codes` to `partition`, with positions relative to this call. Centroid `c` is marked
    /// if bit `c % 32` of `marks[c / 32]` is set; centroids beyond the last word are not marked.
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
