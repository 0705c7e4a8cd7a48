//! Which of many numbers, or of rows of numbers, reach a level: what comes after then visits these alone.

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

/// Appends to `out` the numbers of those rows of `values`, `[n_rows, least.len()]`, of which any value is at least that of `least` in its
/// column.
///
/// # Panics
/// If `values` is no whole number of rows.
pub fn rows_reaching(values: &[i32], least: &[i32], out: &mut Vec<u32>) {
    level().rows_reaching(values, least, out);
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

    /// [`rows_reaching`] at this level.
    ///
    /// # Panics
    /// As [`rows_reaching`], or if the processor does not support the level.
    pub fn rows_reaching(self, values: &[i32], least: &[i32], out: &mut Vec<u32>) {
        if least.is_empty() {
            assert!(values.is_empty(), "rows have values, or there are none");
            return;
        }
        assert!(
            values.len().is_multiple_of(least.len()),
            "{} numbers are no whole number of rows of {}",
            values.len(),
            least.len()
        );
        dispatch!(self, rows(values, least, out));
    }
}

#[cfg(test)]
mod tests;
