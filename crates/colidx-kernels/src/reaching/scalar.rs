//! The oracle: what every other level must give.

use super::WORD;

pub(super) fn reaching(values: &[u32], least: u32, bits: &mut [u64]) {
    for (values, word) in values.chunks(WORD).zip(bits) {
        let bit = |(i, &value): (usize, &u32)| u64::from(value >= least) << i;
        *word = values.iter().enumerate().map(bit).sum();
    }
}

pub(super) fn rows<T: PartialOrd>(values: &[T], least: &[T], out: &mut Vec<u32>) {
    for (number, row) in (0..).zip(values.chunks_exact(least.len())) {
        if any_reaches(row, least) {
            out.push(number);
        }
    }
}

pub(super) fn rows16(values: &[i16], least: &[i16], out: &mut Vec<u32>) {
    rows(values, least, out);
}

#[inline(always)]
pub(super) fn any_reaches<T: PartialOrd>(row: &[T], least: &[T]) -> bool {
    // Without a break, so that the compiler compares many at a time.
    let pairs = row.iter().zip(least);
    pairs.fold(false, |any, (value, least)| any | (value >= least))
}
