//! Bytes in memory, aligned for every type as a mapped file is.

use bytemuck::{Pod, Zeroable};
use std::fmt;
use std::ops::Deref;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A growable buffer whose address is a multiple of 64.
#[derive(Clone, Default)]
pub(super) struct AlignedBytes {
    lines: Vec<Line>,
    len: usize,
}

impl AlignedBytes {
    /// Writes bytes at an offset; a gap before it is filled with zeros.
    pub(super) fn write_at(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if end > self.len {
            self.resize(end);
        }
        bytemuck::cast_slice_mut(&mut self.lines)[offset..end].copy_from_slice(bytes);
    }

    /// Cuts, or lengthens with zeros.
    pub(super) fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(64), Line([0; 64]));
        // Bytes that were cut off must not come back when it grows again.
        if len < self.len {
            let rest = len..self.lines.len() * 64;
            bytemuck::cast_slice_mut::<_, u8>(&mut self.lines)[rest].fill(0);
        }
        self.len = len;
    }
}

/// Without the bytes, which could be gigabytes.
impl fmt::Debug for AlignedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

impl From<&[u8]> for AlignedBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut aligned = Self::default();
        aligned.write_at(0, bytes);
        aligned
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_what_was_cut_are_zero() {
        let mut bytes = AlignedBytes::from(&[7; 100][..]);
        bytes.resize(3);
        bytes.write_at(70, &[1]);
        assert_eq!(bytes.len(), 71);
        assert_eq!(bytes[..4], [7, 7, 7, 0]);
        assert!(bytes[3..70].iter().all(|&b| b == 0) && bytes[70] == 1);
        assert_eq!(bytes.as_ptr() as usize % 64, 0);
    }
}
