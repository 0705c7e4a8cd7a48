//! Which of many numbers reach a level, as bits: what comes after then visits these alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::level::dispatch;
use crate::{Level, level};

/// Numbers that a word has bits for.
const WORD: usize = u64::BITS as usize;

/// Sets bit `i % 64` of `bits[i / 64]` where `values[i]` is at least `least`, and no other.
///
/// # Panics
/// If `bits` has another length than one word for every 64 values begun.
pub fn reaching(values: &[u32], least: u32, bits: &mut [u64]) {
    level().reaching(values, least, bits);
}

impl Level {
    /// [`reaching`] at this level.
    ///
    /// # Panics
    /// As [`reaching`], or if the processor does not support the level.
    pub fn reaching(self, values: &[u32], least: u32, bits: &mut [u64]) {
        assert_eq!(bits.len(), values.len().div_ceil(WORD), "a word for 64");
        dispatch!(self, reaching(values, least, bits));
    }
}

#[cfg(test)]
mod tests;
