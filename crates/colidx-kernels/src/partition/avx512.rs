//! AVX-512: sixteen codes at a time. Marks are gathered; each side is compressed and stored.

use std::arch::x86_64::*;

use super::CodePartition;
use crate::codec::GAINS;

/// Codes in a register.
const WIDTH: usize = 16;

/// A list that is written one register at a time.
struct Writer<'a> {
    list: &'a mut Vec<u32>,
    len: usize,
}

impl Writer<'_> {
    /// With room for `count` more, and for the rest of the last register.
    fn new(list: &mut Vec<u32>, count: usize) -> Writer<'_> {
        list.reserve(count + WIDTH);
        Writer {
            len: list.len(),
            list,
        }
    }

    /// Appends the values that `which` selects.
    ///
    /// # Safety
    /// The processor has AVX-512 F, and no more are appended than the capacity given to
    /// [`Writer::new`].
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn push(&mut self, values: __m512i, which: __mmask16) {
        let pressed = _mm512_maskz_compress_epi32(which, values);
        // SAFETY: there is room for a register after the announced values.
        unsafe {
            let to = self.list.as_mut_ptr().add(self.len);
            _mm512_storeu_si512(to.cast(), pressed);
        }
        self.len += which.count_ones() as usize;
    }

    /// # Safety
    /// All values below `len` are written.
    unsafe fn finish(self) {
        // SAFETY: the caller's promise, and `new` has made room for it.
        unsafe { self.list.set_len(self.len) }
    }
}

/// # Safety
/// The processor has AVX-512 F, and there are at most 2^32 codes.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn partition(codes: &[u32], marks: &[u32], partition: &mut CodePartition) {
    let n = codes.len();
    let mut places = Writer::new(&mut partition.places, n);
    let mut marked = Writer::new(&mut partition.marked, n);
    let mut others = Writer::new(&mut partition.others, n);
    // A gather takes signed indices; no centroid is that large.
    let words = marks.len().min(i32::MAX as usize) as i32;
    let (words, one) = (_mm512_set1_epi32(words), _mm512_set1_epi32(1));
    let mut numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for start in (0..n).step_by(WIDTH) {
        let count = WIDTH.min(n - start);
        let all = (1u32 << count).wrapping_sub(1) as __mmask16;
        // SAFETY: masked loads read existing codes and words only; each list has room for all `n`
        // codes.
        unsafe {
            let codes = _mm512_maskz_loadu_epi32(all, codes.as_ptr().add(start).cast());
            let centroids = _mm512_srli_epi32::<{ GAINS.ilog2() }>(codes);
            let word = _mm512_srli_epi32::<5>(centroids);
            let there = _mm512_mask_cmplt_epu32_mask(all, word, words);
            let zero = _mm512_setzero_si512();
            let found = _mm512_mask_i32gather_epi32::<4>(zero, there, word, marks.as_ptr().cast());
            let bit = _mm512_and_si512(centroids, _mm512_set1_epi32(31));
            let is_marked = _mm512_test_epi32_mask(found, _mm512_sllv_epi32(one, bit));
            places.push(numbers, is_marked);
            marked.push(codes, is_marked);
            others.push(centroids, all & !is_marked);
        }
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(WIDTH as i32));
    }
    // SAFETY: each list was written up to its length.
    unsafe {
        places.finish();
        marked.finish();
        others.finish();
    }
}
