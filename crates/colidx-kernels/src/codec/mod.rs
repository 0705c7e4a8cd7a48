//! The residual codec (ColBERTv2, arXiv 2112.01488, section 3.3): a token vector is its nearest
//! centroid plus one of a few weights in each dimension. Two things differ from the paper: each
//! vector has a gain, so that weights suit long and short residuals, and `nbits` bits select among
//! `2^(nbits + 1)` weights (see `bits`).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bits;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod prefetch;
mod quantize;
mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tokens;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bits::{packed_len, unpack};
pub use quantize::Quantizer;

use crate::code::check;
use crate::kernels::dispatch;
use crate::{Code, CodeOutOfRange, Kernels};
#[cfg(target_arch = "aarch64")]
pub(crate) use bits::eight;
pub(crate) use bits::weight_at;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use bits::whole_bytes;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{buckets_and_rows, spread};

/// Number of gains. A code is `GAINS * centroid + gain`.
pub const GAINS: usize = 16;

/// Centroid and gain of a code.
#[inline(always)]
pub(crate) fn split<C: Code>(code: C) -> (usize, usize) {
    (code.index() / GAINS, code.index() % GAINS)
}

/// The tables that codes and residuals are decoded with.
#[derive(Clone, Copy, Debug)]
pub struct Codec<'a> {
    /// Dimensions of a token vector.
    pub dim: usize,
    /// Bits of a residual for each dimension: 1, 2, 4 or 8.
    pub nbits: usize,
    /// Centroids, `[K, dim]` row-major, in units of `steps`.
    pub centroids: &'a [i8],
    /// The value of one unit of a centroid, in each dimension, `[dim]`.
    pub steps: &'a [f32],
    /// The possible residuals of a dimension, before scaling, `[GAINS, 2, 2^nbits]`.
    pub weights: &'a [f32],
    /// The scale of the weights in each dimension, `[dim]`.
    pub scales: &'a [f32],
}

impl Codec<'_> {
    /// Number of centroids.
    pub fn len(&self) -> usize {
        self.centroids.len() / self.dim
    }

    /// Whether there are no centroids.
    pub fn is_empty(&self) -> bool {
        self.centroids.is_empty()
    }

    /// Checks codes and lengths, before any is used as an offset.
    pub(crate) fn check<C: Code>(
        &self,
        codes: &[C],
        residuals: &[u8],
    ) -> Result<(), CodeOutOfRange> {
        self.assert_shapes();
        assert_eq!(
            residuals.len(),
            codes.len() * packed_len(self.dim, self.nbits),
            "`residuals` is [n_codes, packed_len]"
        );
        check(codes, self.len() * GAINS).map_err(|error| CodeOutOfRange {
            code: error.code / GAINS,
            limit: self.len(),
        })
    }

    /// The weights of a gain, `[2, 2^nbits]`.
    #[inline(always)]
    pub(crate) fn weights_of(&self, gain: usize) -> &[f32] {
        &self.weights[gain * (2 << self.nbits)..][..2 << self.nbits]
    }

    /// Prefetches the centroid of a token that is decoded soon after token `t`.
    #[inline(always)]
    pub(crate) fn fetch<C: Code>(&self, codes: &[C], t: usize) {
        #[cfg(target_arch = "x86_64")]
        prefetch::fetch(self, codes, t);
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (codes, t);
    }

    pub(crate) fn assert_shapes(&self) {
        let Codec { dim, nbits, .. } = *self;
        assert!(dim > 0, "a token vector has dimensions");
        assert!(
            self.centroids.len().is_multiple_of(dim),
            "`centroids` is [K, dim]"
        );
        bits::assert_nbits(nbits);
        assert_eq!(self.steps.len(), dim, "`steps` is [dim]");
        assert_eq!(
            self.weights.len(),
            GAINS * (2 << nbits),
            "`weights` is [GAINS, 2, 2^nbits]"
        );
        assert_eq!(self.scales.len(), dim, "`scales` is [dim]");
    }
}

impl Kernels {
    /// Decodes token vectors. `codes[t]` is `GAINS * centroid + gain`, and
    ///
    /// ```text
    /// out[t][d] = fma(scales[d], weights[gain][index of d], steps[d] * centroids[centroid][d])
    /// ```
    ///
    /// with the product of step and centroid rounded on its own. `out` is `[n_codes, dim]` and
    /// `residuals` `[n_codes, packed_len(dim, nbits)]`.
    ///
    /// # Errors
    /// [`CodeOutOfRange`] if a code is not below the number of centroids; `out` is then unchanged.
    ///
    /// # Panics
    /// If the codec's slices do not fit its `dim` and `nbits`, or `residuals` or `out` has another
    /// length.
    pub fn decode<C: Code>(
        self,
        codec: &Codec,
        codes: &[C],
        residuals: &[u8],
        out: &mut [f32],
    ) -> Result<(), CodeOutOfRange> {
        assert_eq!(
            out.len(),
            codes.len() * codec.dim,
            "`out` is [n_codes, dim]"
        );
        codec.check(codes, residuals)?;
        dispatch!(self, decode(codec, codes, residuals, out));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
