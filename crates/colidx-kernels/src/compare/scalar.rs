//! The reference: every other instruction set gives the same result.

use super::WORD;

pub(super) fn mask_ge(values: &[u32], least: u32, bits: &mut [u64]) {
    for (values, word) in values.chunks(WORD).zip(bits) {
        let bit = |(i, &value): (usize, &u32)| u64::from(value >= least) << i;
        *word = values.iter().enumerate().map(bit).sum();
    }
}

pub(super) fn mask_sum_ge(values: &[f32], more: &[f32], least: f32, bits: &mut [u64]) {
    let words = values.chunks(WORD).zip(more.chunks(WORD));
    for ((values, more), word) in words.zip(bits) {
        let sums = values.iter().zip(more).enumerate();
        *word = sums
            .map(|(i, (value, more))| u64::from(value + more >= least) << i)
            .sum();
    }
}

pub(super) fn max(values: &[f32]) -> f32 {
    values.iter().fold(
        f32::NEG_INFINITY,
        |most, &value| {
            if value > most { value } else { most }
        },
    )
}

pub(super) fn row_maxima(values: &[f32], columns: usize, out: &mut [f32]) {
    for (row, out) in values.chunks_exact(columns).zip(out) {
        *out = max(row);
    }
}

pub(super) fn rows_any_ge<T: PartialOrd>(values: &[T], least: &[T], out: &mut Vec<u32>) {
    for (number, row) in (0..).zip(values.chunks_exact(least.len())) {
        if any_ge(row, least) {
            out.push(number);
        }
    }
}

pub(super) fn rows_any_ge_i16(values: &[i16], least: &[i16], out: &mut Vec<u32>) {
    rows_any_ge(values, least, out);
}

#[inline(always)]
pub(super) fn any_ge<T: PartialOrd>(row: &[T], least: &[T]) -> bool {
    // No early exit, so that the compiler vectorises.
    let pairs = row.iter().zip(least);
    pairs.fold(false, |any, (value, least)| any | (value >= least))
}
