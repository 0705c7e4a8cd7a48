//! The residual codec (ColBERTv2, arXiv 2112.01488, section 3.3): a token vector is the centroid nearest to it plus, for
//! each dimension, one of `2^nbits` weights.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bits;
#[cfg(target_arch = "aarch64")]
mod neon;
mod quantize;
mod scalar;

pub use bits::{pack, packed_len, unpack};
pub use quantize::quantize;

use crate::code::check;
use crate::level::dispatch;
use crate::{Code, CodeOutOfRange, Level, level};

/// What codes and residuals are decoded with.
#[derive(Clone, Copy, Debug)]
pub struct Codec<'a> {
    /// Dimensions of a token vector.
    pub dim: usize,
    /// Bits of a residual for each dimension: 1, 2, 4 or 8.
    pub nbits: usize,
    /// Centroids, `[K, dim]` row-major, each value the bits of an f16.
    pub centroids: &'a [u16],
    /// What each bucket stands for, `[2^nbits]`.
    pub weights: &'a [f32],
    /// What the weights are multiplied by in each dimension, `[dim]`.
    pub scales: &'a [f32],
}

impl Codec<'_> {
    /// Number of centroids.
    pub fn len(&self) -> usize {
        self.centroids.len() / self.dim
    }

    /// Whether there is no centroid.
    pub fn is_empty(&self) -> bool {
        self.centroids.is_empty()
    }

    fn assert_shapes(&self) {
        let Codec { dim, nbits, .. } = *self;
        assert!(dim > 0, "a token vector has dimensions");
        assert!(
            self.centroids.len().is_multiple_of(dim),
            "`centroids` is [K, dim]"
        );
        bits::assert_nbits(nbits);
        assert_eq!(self.weights.len(), 1 << nbits, "`weights` is [2^nbits]");
        assert_eq!(self.scales.len(), dim, "`scales` is [dim]");
    }
}

/// Decodes token vectors: `out[t][d] = fma(scales[d], weights[bucket of dimension d], centroids[codes[t]][d])`, `out` being
/// `[n_codes, dim]` and `residuals` `[n_codes, packed_len(dim, nbits)]`.
///
/// # Errors
/// [`CodeOutOfRange`] if a code is not below the number of centroids; `out` is then untouched.
///
/// # Panics
/// If the codec's slices do not fit its `dim` and `nbits`, or `residuals` or `out` has another length.
pub fn decode<C: Code>(
    codec: &Codec,
    codes: &[C],
    residuals: &[u8],
    out: &mut [f32],
) -> Result<(), CodeOutOfRange> {
    level().decode(codec, codes, residuals, out)
}

impl Level {
    /// [`decode`] at this level.
    ///
    /// # Errors
    /// As [`decode`].
    ///
    /// # Panics
    /// As [`decode`], or if the processor does not support the level.
    pub fn decode<C: Code>(
        self,
        codec: &Codec,
        codes: &[C],
        residuals: &[u8],
        out: &mut [f32],
    ) -> Result<(), CodeOutOfRange> {
        codec.assert_shapes();
        let bytes = packed_len(codec.dim, codec.nbits);
        assert_eq!(
            residuals.len(),
            codes.len() * bytes,
            "`residuals` is [n_codes, packed_len]"
        );
        assert_eq!(
            out.len(),
            codes.len() * codec.dim,
            "`out` is [n_codes, dim]"
        );
        check(codes, codec.len())?;
        dispatch!(self, decode(codec, codes, residuals, out));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
