//! AVX2: eight numbers at a time, or sixteen of 16 bits.

use std::arch::x86_64::*;

use super::{WORD, scalar};

/// Numbers in a register.
const WIDTH: usize = 8;

/// # Safety
/// The processor has AVX2; `bits` has a word for every 64 `values` begun.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn mask_ge(values: &[u32], least: u32, bits: &mut [u64]) {
    let (whole, rest) = values.as_chunks::<WORD>();
    let floor = _mm256_set1_epi32(least.cast_signed());
    for (values, word) in whole.iter().zip(&mut *bits) {
        *word = 0;
        for at in (0..WORD).step_by(WIDTH) {
            // SAFETY: a register of numbers from there on is within the word's.
            let eight = unsafe { _mm256_loadu_si256(values.as_ptr().add(at).cast()) };
            // AVX2 has no unsigned comparison, only a maximum.
            let reach = _mm256_cmpeq_epi32(_mm256_max_epu32(eight, floor), eight);
            let mask = _mm256_movemask_ps(_mm256_castsi256_ps(reach));
            *word |= u64::from(mask as u8) << at;
        }
    }
    scalar::mask_ge(rest, least, &mut bits[whole.len()..]);
}

/// # Safety
/// The processor has AVX2; `more` is as long as `values`, and `bits` has a word for every 64 begun.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn mask_sum_ge(values: &[f32], more: &[f32], least: f32, bits: &mut [u64]) {
    let (whole, rest) = values.as_chunks::<WORD>();
    let floor = _mm256_set1_ps(least);
    for ((values, more), word) in whole.iter().zip(more.chunks_exact(WORD)).zip(&mut *bits) {
        *word = 0;
        for at in (0..WORD).step_by(WIDTH) {
            // SAFETY: a register of numbers from there on is within both of the word's.
            let (value, more) = unsafe {
                (
                    _mm256_loadu_ps(values.as_ptr().add(at)),
                    _mm256_loadu_ps(more.as_ptr().add(at)),
                )
            };
            let reach = _mm256_cmp_ps::<_CMP_GE_OQ>(_mm256_add_ps(value, more), floor);
            *word |= u64::from(_mm256_movemask_ps(reach) as u8) << at;
        }
    }
    let done = whole.len();
    scalar::mask_sum_ge(rest, &more[done * WORD..], least, &mut bits[done..]);
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn max(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<WIDTH>();
    let mut most = _mm256_set1_ps(f32::NEG_INFINITY);
    for values in whole {
        // SAFETY: eight numbers. Where the first operand is NaN the second is the maximum.
        most = _mm256_max_ps(unsafe { _mm256_loadu_ps(values.as_ptr()) }, most);
    }
    let mut lanes = [0f32; WIDTH];
    // SAFETY: room for eight numbers.
    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), most) };
    scalar::max(&lanes).max(scalar::max(rest))
}

/// # Safety
/// The processor has AVX2; `values` is `[out.len(), columns]`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn row_maxima(values: &[f32], columns: usize, out: &mut [f32]) {
    for (row, out) in values.chunks_exact(columns).zip(out) {
        // SAFETY: the caller's promise.
        *out = unsafe { max(row) };
    }
}

/// `rows_any_ge` for one element type.
macro_rules! rows {
    ($name:ident, $number:ty, $greater:ident) => {
        /// # Safety
        /// The processor has AVX2; `values` is `[n_rows, least.len()]`, with at least one column.
        #[target_feature(enable = "avx2")]
        pub(super) unsafe fn $name(values: &[$number], least: &[$number], out: &mut Vec<u32>) {
            const WIDTH: usize = size_of::<__m256i>() / size_of::<$number>();
            let whole = least.len() - least.len() % WIDTH;
            for (number, row) in (0..).zip(values.chunks_exact(least.len())) {
                let mut below = _mm256_set1_epi32(-1);
                for at in (0..whole).step_by(WIDTH) {
                    // SAFETY: a register of numbers from there on is within both.
                    let (values, floors) = unsafe {
                        (
                            _mm256_loadu_si256(row.as_ptr().add(at).cast()),
                            _mm256_loadu_si256(least.as_ptr().add(at).cast()),
                        )
                    };
                    below = _mm256_and_si256(below, $greater(floors, values));
                }
                let all = _mm256_movemask_epi8(below) == -1;
                if !all || scalar::any_ge(&row[whole..], &least[whole..]) {
                    out.push(number);
                }
            }
        }
    };
}

rows!(rows_any_ge, i32, _mm256_cmpgt_epi32);
rows!(rows_any_ge_i16, i16, _mm256_cmpgt_epi16);
