//! Section 1: numbers, packed numbers, checksums.

pub fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size]
        .iter()
        .rev()
        .fold(0, |n, b| n << 8 | u64::from(*b))
}

pub fn numbers(bytes: &[u8], size: usize) -> Vec<u64> {
    assert_eq!(bytes.len() % size, 0);
    (0..bytes.len() / size)
        .map(|i| number(bytes, i * size, size))
        .collect()
}

pub fn floats(bytes: &[u8]) -> Vec<f32> {
    numbers(bytes, 4)
        .into_iter()
        .map(|bits| f32::from_bits(bits as u32))
        .collect()
}

/// Number `i` of packed numbers of `width` bits.
pub fn packed(bytes: &[u8], width: usize, i: usize) -> usize {
    let bit = |b: usize| usize::from(bytes[b / 8] >> (b % 8) & 1);
    (0..width).fold(0, |n, b| n | bit(i * width + b) << b)
}

/// The bytes of `count` packed numbers of `width` bits, whose last bits are zero, and what comes
/// after them.
pub fn split_packed(bytes: &[u8], width: usize, count: usize) -> (&[u8], &[u8]) {
    let (numbers, rest) = bytes.split_at((count * width).div_ceil(8));
    assert!((count * width..numbers.len() * 8).all(|b| packed(numbers, 1, b) == 0));
    (numbers, rest)
}

pub fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
