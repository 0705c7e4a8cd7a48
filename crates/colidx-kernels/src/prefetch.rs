//! Software prefetch.

/// Asks the processor to load these values into its caches, without waiting. Does nothing where
/// Rust has no stable intrinsic for it.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    prefetch_at(values.as_ptr(), size_of_val(values));
}

/// [`prefetch`] of `bytes` bytes, which may be out of bounds.
#[inline(always)]
pub(crate) fn prefetch_at<T>(first: *const T, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        // Start at a line boundary, so that the last byte's line is included.
        let skipped = first.addr() % LINE;
        let mut at = 0;
        while bytes > 0 && at < skipped + bytes {
            let line = first.wrapping_byte_sub(skipped).wrapping_byte_add(at);
            // SAFETY: the instruction is part of x86-64 and faults nowhere.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
            at += LINE;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (first, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_values_can_be_fetched() {
        prefetch::<u8>(&[]);
        prefetch(&[()]);
        prefetch(&[1; 1000]);
    }
}
