//! AVX2: eight numbers at a time. AVX-512 uses it too.

use std::arch::x86_64::*;

use super::{WORD, scalar};

/// Numbers in a register.
const WIDTH: usize = 8;

/// # Safety
/// The processor has AVX2; `bits` is a word for every 64 of `values` begun.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn reaching(values: &[u32], least: u32, bits: &mut [u64]) {
    let (whole, rest) = values.as_chunks::<WORD>();
    let floor = _mm256_set1_epi32(least.cast_signed());
    for (values, word) in whole.iter().zip(&mut *bits) {
        *word = 0;
        for at in (0..WORD).step_by(WIDTH) {
            // SAFETY: a register of numbers from there on is within the word's.
            let eight = unsafe { _mm256_loadu_si256(values.as_ptr().add(at).cast()) };
            // There is no comparison of unsigned numbers but for the greater.
            let reach = _mm256_cmpeq_epi32(_mm256_max_epu32(eight, floor), eight);
            let mask = _mm256_movemask_ps(_mm256_castsi256_ps(reach));
            *word |= u64::from(mask as u8) << at;
        }
    }
    scalar::reaching(rest, least, &mut bits[whole.len()..]);
}
