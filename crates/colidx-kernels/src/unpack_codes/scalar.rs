//! The reference: every other instruction set gives the same result.

pub(super) fn unpack(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    let mask = u32::MAX >> (32 - width);
    for (i, out) in (first..).zip(out) {
        let bit = i * width;
        *out = (word_at(packed, bit / 8) >> (bit % 8)) as u32 & mask;
    }
}

/// Eight bytes from `at` on, with zeros beyond the end.
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(word) = rest.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(word)
}
