//! Fetching memory before it is read.

/// Asks the processor to fetch these bytes to its caches and does not wait for it. Where there is no such instruction, or
/// none that Rust has, nothing happens.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let first = bytes.as_ptr();
        // The last byte may lie in a line of its own.
        for at in (0..bytes.len())
            .step_by(LINE)
            .chain(bytes.len().checked_sub(1))
        {
            // SAFETY: the instruction is part of x86-64 and faults nowhere.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(at).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_can_be_fetched() {
        prefetch(&[]);
        prefetch(&[1; 1000]);
    }
}
