//! Compares values, or rows of values, with thresholds, so that later steps visit only the matches.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::Kernels;
use crate::kernels::dispatch;

/// Values per word of bits.
const WORD: usize = u64::BITS as usize;

impl Kernels {
    /// Sets bit `i % 64` of `bits[i / 64]` if `values[i] >= least`, and clears it otherwise.
    ///
    /// # Panics
    /// If `bits` does not have one word for every 64 values begun.
    pub fn mask_ge(self, values: &[u32], least: u32, bits: &mut [u64]) {
        assert_eq!(bits.len(), values.len().div_ceil(WORD), "a word for 64");
        dispatch!(self, mask_ge(values, least, bits));
    }

    /// As [`mask_ge`](Kernels::mask_ge), if `values[i] + more[i] >= least`.
    ///
    /// # Panics
    /// If `more` has another length than `values`, or `bits` not one word for every 64 begun.
    pub fn mask_sum_ge(self, values: &[f32], more: &[f32], least: f32, bits: &mut [u64]) {
        assert_eq!(values.len(), more.len(), "`more` is as long as `values`");
        assert_eq!(bits.len(), values.len().div_ceil(WORD), "a word for 64");
        dispatch!(self, mask_sum_ge(values, more, least, bits));
    }

    /// The position of the greatest of `values`, the first of equal ones. NaN is never the
    /// greatest; 0 if there is nothing else.
    pub fn position_of_max(self, values: &[f32]) -> usize {
        let greatest = dispatch!(self, max(values));
        let is_greatest = |&value: &f32| value == greatest;
        let mut chunks = values.chunks(WORD);
        let has = |chunk: &[f32]| chunk.iter().fold(false, |any, x| any | is_greatest(x));
        let chunk = chunks.position(has).unwrap_or(0) * WORD;
        let within = values.iter().skip(chunk).position(is_greatest);
        within.map_or(0, |within| chunk + within)
    }

    /// Sets `out`, `[n_rows]`, to the greatest of each row of `values`, `[n_rows, columns]`. NaN is
    /// never the greatest; minus infinity if there is nothing else.
    ///
    /// # Panics
    /// If `columns` is 0 or `values` has another length.
    pub fn row_maxima(self, values: &[f32], columns: usize, out: &mut [f32]) {
        assert!(columns > 0, "rows have values");
        let expected = out.len() * columns;
        assert_eq!(values.len(), expected, "`values` is [n_rows, columns]");
        dispatch!(self, row_maxima(values, columns, out));
    }

    /// Appends to `out` the index of every row of `values`, `[n_rows, least.len()]`, with any value
    /// at or above the threshold of its column in `least`.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    pub fn rows_any_ge(self, values: &[i32], least: &[i32], out: &mut Vec<u32>) {
        if has_rows(values, least) {
            dispatch!(self, rows_any_ge(values, least, out));
        }
    }

    /// [`rows_any_ge`](Kernels::rows_any_ge) of 16-bit values.
    ///
    /// # Panics
    /// As [`rows_any_ge`](crate::Kernels::rows_any_ge).
    pub fn rows_any_ge_i16(self, values: &[i16], least: &[i16], out: &mut Vec<u32>) {
        if has_rows(values, least) {
            dispatch!(self, rows_any_ge_i16(values, least, out));
        }
    }
}

/// Whether there are any values; checks that they are whole rows.
fn has_rows<T>(values: &[T], least: &[T]) -> bool {
    if least.is_empty() {
        assert!(values.is_empty(), "rows have values, or there are none");
        return false;
    }
    assert!(
        values.len().is_multiple_of(least.len()),
        "{} numbers are no whole number of rows of {}",
        values.len(),
        least.len()
    );
    true
}

#[cfg(test)]
mod tests;
