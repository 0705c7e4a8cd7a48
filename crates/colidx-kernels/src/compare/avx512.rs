//! AVX-512: comparisons return bits.

use std::arch::x86_64::*;

use super::WORD;
use super::scalar;

/// # Safety
/// The processor has AVX-512 F; `bits` has a word for every 64 `values` begun.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn mask_ge(values: &[u32], least: u32, bits: &mut [u64]) {
    const WIDTH: usize = 16;
    let (whole, rest) = values.as_chunks::<WORD>();
    let floor = _mm512_set1_epi32(least.cast_signed());
    for (values, word) in whole.iter().zip(&mut *bits) {
        *word = 0;
        for at in (0..WORD).step_by(WIDTH) {
            // SAFETY: a register of numbers from there on is within the word's.
            let sixteen = unsafe { _mm512_loadu_si512(values.as_ptr().add(at).cast()) };
            *word |= u64::from(_mm512_cmpge_epu32_mask(sixteen, floor)) << at;
        }
    }
    scalar::mask_ge(rest, least, &mut bits[whole.len()..]);
}

/// # Safety
/// The processor has AVX-512 F; `more` is as long as `values`, and `bits` has a word for every 64
/// begun.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn mask_sum_ge(values: &[f32], more: &[f32], least: f32, bits: &mut [u64]) {
    const WIDTH: usize = 16;
    let floor = _mm512_set1_ps(least);
    let words = values.chunks(WORD).zip(more.chunks(WORD));
    for ((values, more), word) in words.zip(bits) {
        *word = 0;
        for at in (0..values.len()).step_by(WIDTH) {
            let there = u16::MAX >> WIDTH.saturating_sub(values.len() - at);
            // SAFETY: masked loads read only numbers that there are, in both.
            let (value, more) = unsafe {
                (
                    _mm512_maskz_loadu_ps(there, values.as_ptr().add(at)),
                    _mm512_maskz_loadu_ps(there, more.as_ptr().add(at)),
                )
            };
            let sum = _mm512_add_ps(value, more);
            let reach = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(there, sum, floor);
            *word |= u64::from(reach) << at;
        }
    }
}

/// # Safety
/// The processor has AVX-512 F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn max(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<16>();
    let mut most = _mm512_set1_ps(f32::NEG_INFINITY);
    for values in whole {
        // SAFETY: sixteen numbers. Where the first operand is NaN the second is the maximum.
        most = _mm512_max_ps(unsafe { _mm512_loadu_ps(values.as_ptr()) }, most);
    }
    _mm512_reduce_max_ps(most).max(scalar::max(rest))
}

/// # Safety
/// The processor has AVX-512 F; `values` is `[out.len(), columns]`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn row_maxima(values: &[f32], columns: usize, out: &mut [f32]) {
    for (row, out) in values.chunks_exact(columns).zip(out) {
        // SAFETY: the caller's promise.
        *out = unsafe { max(row) };
    }
}

/// `rows_any_ge` for one element type; the last columns are masked.
macro_rules! rows {
    ($name:ident, $number:ty, $load:ident, $reach:ident, $mask:ty) => {
        /// # Safety
        /// The processor has AVX-512 F, BW and VL; `values` is `[n_rows, least.len()]`, with at
        /// least one column.
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        pub(super) unsafe fn $name(values: &[$number], least: &[$number], out: &mut Vec<u32>) {
            const WIDTH: usize = <$mask>::BITS as usize;
            let columns = least.len();
            let last = (columns - 1) / WIDTH * WIDTH;
            let which = <$mask>::MAX >> (WIDTH - (columns - last));
            let n = values.len() / columns;
            out.reserve(n);
            let (to, mut len) = (out.as_mut_ptr(), out.len());
            for (number, row) in (0u32..).zip(values.chunks_exact(columns)) {
                // A macro, because a closure may be compiled without the instructions.
                macro_rules! reaches {
                    ($at:expr, $which:expr) => {
                        // SAFETY: masked loads read only columns that exist.
                        unsafe {
                            let values = $load($which, row.as_ptr().add($at).cast());
                            let floors = $load($which, least.as_ptr().add($at).cast());
                            $reach($which, values, floors)
                        }
                    };
                }
                let mut any = reaches!(last, which);
                for at in (0..last).step_by(WIDTH) {
                    any |= reaches!(at, <$mask>::MAX);
                }
                // Branch-free: always write, and advance only for a match.
                // SAFETY: there is room for one number per row.
                unsafe { to.add(len).write(number) };
                len += usize::from(any != 0);
            }
            // SAFETY: that many were written.
            unsafe { out.set_len(len) };
        }
    };
}

rows!(
    rows_any_ge,
    i32,
    _mm512_maskz_loadu_epi32,
    _mm512_mask_cmpge_epi32_mask,
    u16
);
// Rows of 16-bit columns often have at most sixteen.
rows!(
    rows_any_ge_i16,
    i16,
    _mm256_maskz_loadu_epi16,
    _mm256_mask_cmpge_epi16_mask,
    u16
);
