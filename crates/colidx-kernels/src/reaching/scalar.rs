//! The oracle: what every other level must give.

use super::WORD;

pub(super) fn reaching(values: &[u32], least: u32, bits: &mut [u64]) {
    for (values, word) in values.chunks(WORD).zip(bits) {
        let bit = |(i, &value): (usize, &u32)| u64::from(value >= least) << i;
        *word = values.iter().enumerate().map(bit).sum();
    }
}

pub(super) fn rows(values: &[i32], least: &[i32], out: &mut Vec<u32>) {
    for (number, row) in (0..).zip(values.chunks_exact(least.len())) {
        if any_reaches(row, least) {
            out.push(number);
        }
    }
}

#[inline(always)]
pub(super) fn any_reaches(row: &[i32], least: &[i32]) -> bool {
    // Without a break, so that the compiler compares many at a time.
    let pairs = row.iter().zip(least);
    pairs.fold(false, |any, (value, least)| any | (value >= least))
}
