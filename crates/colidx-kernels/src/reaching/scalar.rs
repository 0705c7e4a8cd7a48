//! The oracle: what every other level must give.

use super::WORD;

pub(super) fn reaching(values: &[u32], least: u32, bits: &mut [u64]) {
    for (values, word) in values.chunks(WORD).zip(bits) {
        let bit = |(i, &value): (usize, &u32)| u64::from(value >= least) << i;
        *word = values.iter().enumerate().map(bit).sum();
    }
}
