//! Mean residuals: the direction in which a document's vectors lie off their centroids.
//!
//! Token vectors are contextual, so those of one document are biased alike. The product of the mean
//! of their residuals with the sum of a query's vectors is what centroid scores leave out, for one
//! product a document.

use crate::error::Result;
use crate::format::Tag;
use crate::format::frame::{Frame, Section};
use std::ops::Range;

pub(super) const MEANS: Tag = Tag(*b"MEAN");

/// Units of a mean residual in the scale of its dimension, the root mean square of residuals. A byte
/// holds four times the scale.
pub(crate) const UNITS: f32 = 32.0;

/// Rounds the mean of a document's residuals, given their sum, to bytes.
pub(crate) fn round(sum: &[f32], vectors: usize, inverse_scales: &[f32], out: &mut [i8]) {
    let factor = UNITS / vectors.max(1) as f32;
    for ((out, sum), inverse) in out.iter_mut().zip(sum).zip(inverse_scales) {
        *out = (sum * inverse * factor).round().clamp(-127.0, 127.0) as i8;
    }
}

/// The mean residuals of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct MeanResiduals {
    pub frame: Frame,
    rows: Section<i8>,
    dim: usize,
}

impl MeanResiduals {
    pub(crate) fn open(frame: Frame, documents: u32, dim: usize) -> Result<Self> {
        Ok(Self {
            rows: frame.section_of(MEANS, u64::from(documents) * dim as u64)?,
            dim,
            frame,
        })
    }

    /// The mean residuals of documents that follow each other, `[n, dim]`.
    pub(crate) fn rows(&self, documents: Range<u32>) -> &[i8] {
        &self.rows[documents.start as usize * self.dim..documents.end as usize * self.dim]
    }

    /// All mean residuals.
    pub(crate) fn section(&self) -> &Section<i8> {
        &self.rows
    }

    /// The bytes of a document's among them.
    pub(crate) fn bytes_of(&self, document: u32) -> Range<usize> {
        let start = document as usize * self.dim;
        start..start + self.dim
    }

    /// A document's mean residual, `[dim]`, in units of its scales by [`UNITS`].
    pub(crate) fn row(&self, document: u32) -> &[i8] {
        &self.rows[document as usize * self.dim..][..self.dim]
    }
}
