//! Software prefetch of centroids: the codes of a document point all over a codebook that is too
//! large for the nearer caches.

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use super::{Codec, split};
use crate::Code;

/// Tokens between the prefetch of a centroid and its use.
const AHEAD: usize = 8;

/// Prefetches the centroid of the token that comes [`AHEAD`] after `t`.
#[inline(always)]
pub(super) fn fetch<C: Code>(codec: &Codec, codes: &[C], t: usize) {
    let Some(code) = codes.get(t + AHEAD) else {
        return;
    };
    let centroid = codec
        .centroids
        .as_ptr()
        .wrapping_add(split(*code).0 * codec.dim);
    for line in 0..codec.dim.div_ceil(64) {
        // SAFETY: the instruction is part of x86-64 and faults nowhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(centroid.wrapping_add(line * 64)) };
    }
}
