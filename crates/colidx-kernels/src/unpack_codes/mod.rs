//! Unpacks codes, which an index stores in as few bits as its centroids need.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
use avx2 as avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;

use crate::Kernels;
use crate::kernels::dispatch;

impl Kernels {
    /// Replaces `out` by the codes from number `first` on: code `i` is the `width` bits of `packed`
    /// from bit `i * width` on, counted from the lowest bit of each byte. Bits beyond the end of
    /// `packed` are 0.
    ///
    /// # Panics
    /// If `width` is not 1 to 32.
    pub fn unpack_codes(self, packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
        assert!((1..=32).contains(&width), "{width} is not 1 to 32 bits");
        dispatch!(self, unpack(packed, width, first, out));
    }
}

/// Codes that are unpacked together: they take whole bytes, so the next step has the same bit
/// offsets.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const GROUP: usize = 8;

/// Bytes loaded for each half of the codes of a step.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const LOADED: usize = 16;

/// The bit positions of the codes of a step.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
struct Step {
    /// The first byte of the first step.
    start: usize,
    /// Bytes from there to the first code of the second half.
    half: usize,
    /// By code: the four bytes that contain it, among those loaded for its half.
    bytes: [u8; 4 * GROUP],
    /// By code: the bits below it in these bytes.
    shifts: [u32; GROUP],
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
impl Step {
    /// A code and the bits below it in its first byte must fit four bytes.
    const WIDEST: usize = 25;

    fn new(width: usize, first: usize) -> Self {
        let bit = first * width;
        let place = |i: usize| bit % 8 + i * width;
        let half = place(GROUP / 2) / 8;
        let mut step = Step {
            start: bit / 8,
            half,
            bytes: [0; 4 * GROUP],
            shifts: [0; GROUP],
        };
        for i in 0..GROUP {
            let first = place(i) / 8 - if i < GROUP / 2 { 0 } else { half };
            for (next, byte) in (first..).zip(&mut step.bytes[4 * i..4 * i + 4]) {
                *byte = next as u8;
            }
            step.shifts[i] = (place(i) % 8) as u32;
        }
        step
    }

    /// The number of steps for `codes` codes that do not read beyond the end.
    fn count(&self, packed: &[u8], width: usize, codes: usize) -> usize {
        let room = packed.len().checked_sub(self.start + self.half + LOADED);
        let within = room.map_or(0, |room| room / width + 1);
        within.min(codes / GROUP)
    }
}

#[cfg(test)]
mod tests;
