//! AVX2: shuffle the bytes of eight codes to their lanes and shift each lane by its own count.
//! AVX-512 uses it too.

use std::arch::x86_64::*;

use super::{GROUP, Step, scalar};

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn unpack(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    let mut done = 0;
    if width <= Step::WIDEST && out.len() >= GROUP {
        let step = Step::new(width, first);
        let mask = _mm256_set1_epi32((1 << width) - 1);
        // SAFETY: both arrays are one register long.
        let (bytes, shifts) = unsafe {
            (
                _mm256_loadu_si256(step.bytes.as_ptr().cast()),
                _mm256_loadu_si256(step.shifts.as_ptr().cast()),
            )
        };
        for i in 0..step.count(packed, width, out.len()) {
            // SAFETY: `count` steps have 16 bytes at both places, and as many times eight codes fit
            // `out`.
            unsafe {
                let from = packed.as_ptr().add(step.start + i * width);
                let low = _mm_loadu_si128(from.cast());
                let high = _mm_loadu_si128(from.add(step.half).cast());
                let both = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), bytes);
                let codes = _mm256_and_si256(_mm256_srlv_epi32(both, shifts), mask);
                _mm256_storeu_si256(out.as_mut_ptr().add(done).cast(), codes);
            }
            done += GROUP;
        }
    }
    scalar::unpack(packed, width, first + done, &mut out[done..]);
}
