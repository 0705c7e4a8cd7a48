//! Quantises residuals to bits: the writer's side of the codec.

mod body;

use super::bits::{assert_nbits, packed_len};
use crate::Kernels;
use crate::kernels::dispatch;

/// States of the trellis: the lowest bits of the two dimensions before decide which weights may
/// follow.
const STATES: usize = 4;

/// Weights, arranged to find the nearest to a value.
#[derive(Clone, Debug)]
pub struct Quantizer {
    nbits: usize,
    /// The weights that a step of the trellis chooses among: `[STATES]`, by row and by the lowest
    /// bit of the bucket within it, ascending.
    sets: [Vec<f32>; STATES],
    /// The midpoints between neighbours of a set.
    middles: [Vec<f32>; STATES],
}

impl Quantizer {
    /// Of `weights`, `[2, 2^nbits]`, each row ascending.
    ///
    /// # Panics
    /// If `nbits` is not 1, 2, 4 or 8, or the number of weights does not match.
    pub fn new(weights: &[f32], nbits: usize) -> Quantizer {
        assert_nbits(nbits);
        assert_eq!(weights.len(), 2 << nbits, "`weights` is [2, 2^nbits]");
        let set = |at: usize| {
            let row = &weights[(at / 2) << nbits..][..1 << nbits];
            row.iter()
                .skip(at % 2)
                .step_by(2)
                .copied()
                .collect::<Vec<_>>()
        };
        let sets = [set(0), set(1), set(2), set(3)];
        let middles = sets.each_ref().map(|set| {
            let pairs = set.windows(2);
            pairs
                .map(|pair| pair[0] + (pair[1] - pair[0]) / 2.0)
                .collect()
        });
        Quantizer {
            nbits,
            sets,
            middles,
        }
    }
}

impl Kernels {
    /// Packs token vectors, `[n, dim]`, into the bits that decode nearest to each. `out` is
    /// `[n, packed_len]`; the spare bits of each vector's last byte are zero.
    ///
    /// # Panics
    /// If `dim` is 0 or a slice has another length.
    pub fn quantize(self, quantizer: &Quantizer, vectors: &[f32], dim: usize, out: &mut [u8]) {
        assert!(dim > 0, "a token vector has dimensions");
        assert!(vectors.len().is_multiple_of(dim), "`vectors` is [n, dim]");
        assert_eq!(
            out.len(),
            vectors.len() / dim * packed_len(dim, quantizer.nbits),
            "`out` is [n, packed_len]"
        );
        dispatch!(self, quantize(quantizer, vectors, dim, out));
    }
}

/// The body, compiled for one instruction set and its number of lanes; 32 lanes do not fit the
/// registers of AVX-512. It has no fused multiply-add, so that all instruction sets give the same
/// bits.
macro_rules! compile_for {
    ($module:ident, $lanes:literal $(, $features:literal)?) => {
        mod $module {
            use super::{Quantizer, body};

            $(#[target_feature(enable = $features)])?
            pub(super) fn quantize(quantizer: &Quantizer, vectors: &[f32], dim: usize, out: &mut [u8]) {
                match quantizer.nbits {
                    1 => body::quantize::<1, $lanes>(quantizer, vectors, dim, out),
                    2 => body::quantize::<2, $lanes>(quantizer, vectors, dim, out),
                    4 => body::quantize::<4, $lanes>(quantizer, vectors, dim, out),
                    _ => body::quantize::<8, $lanes>(quantizer, vectors, dim, out),
                }
            }
        }
    };
}

compile_for!(scalar, 8);
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, 8, "avx2");
#[cfg(target_arch = "x86_64")]
compile_for!(avx512, 16, "avx512f,avx512bw,avx512vl");
#[cfg(target_arch = "aarch64")]
compile_for!(neon, 8, "neon");
