//! The token vectors of a segment: centroid codes in one file, residual bits in another.

use crate::codebook::Codebook;
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::manifest::Manifest;
use crate::format::{Tag, file_name, kind};
use crate::storage::Directory;
use colidx_kernels::CodeOutOfRange;
use std::ops::Range;

pub(crate) const CODES: Tag = Tag(*b"CODE");
pub(crate) const RESIDUALS: Tag = Tag(*b"RESI");

/// Bytes of residual bits a vector.
pub(crate) fn residual_bytes(dim: usize, nbits: usize) -> usize {
    (dim * nbits).div_ceil(8)
}

/// Codes take 2 bytes while all centroids can be told apart by them, else 4.
pub(crate) fn code_bytes(centroids: usize) -> usize {
    if centroids <= 1 << 16 { 2 } else { 4 }
}

/// Writes codes and residuals of a segment as the vectors come.
pub(crate) struct VectorWriter {
    codes: FrameWriter,
    residuals: FrameWriter,
    code_bytes: usize,
    buffer: Vec<u8>,
}

impl VectorWriter {
    pub(crate) fn create(directory: &Directory, number: u32, centroids: usize) -> Result<Self> {
        let name = file_name(kind::CODES, number);
        let mut codes = FrameWriter::create(directory, &name, kind::CODES)?;
        codes.begin(CODES)?;
        let name = file_name(kind::RESIDUALS, number);
        let mut residuals = FrameWriter::create(directory, &name, kind::RESIDUALS)?;
        residuals.begin(RESIDUALS)?;
        Ok(Self {
            codes,
            residuals,
            code_bytes: code_bytes(centroids),
            buffer: Vec::new(),
        })
    }

    /// Appends vectors: their codes, and their packed residuals one after the other.
    pub(crate) fn push(&mut self, codes: &[u32], residuals: &[u8]) -> Result<()> {
        if self.code_bytes == 4 {
            self.codes.write(bytemuck::cast_slice(codes))?;
        } else {
            self.buffer.clear();
            for &code in codes {
                self.buffer.extend_from_slice(&(code as u16).to_le_bytes());
            }
            self.codes.write(&self.buffer)?;
        }
        self.residuals.write(residuals)
    }

    /// Seals of the codes file and the residuals file.
    pub(crate) fn finish(self) -> Result<(Seal, Seal)> {
        Ok((self.codes.finish()?, self.residuals.finish()?))
    }
}

/// Codes in the width they are stored in.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    Narrow(Section<u16>),
    Wide(Section<u32>),
}

/// The token vectors of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Vectors {
    pub codes_frame: Frame,
    pub residuals_frame: Frame,
    codes: Codes,
    residuals: Section<u8>,
    residual_bytes: usize,
}

impl Vectors {
    pub(crate) fn open(
        codes_frame: Frame,
        residuals_frame: Frame,
        vectors: u64,
        manifest: &Manifest,
    ) -> Result<Self> {
        let residual_bytes = residual_bytes(manifest.dim, manifest.nbits as usize);
        let codes = if code_bytes(manifest.centroids) == 2 {
            Codes::Narrow(codes_frame.section_of(CODES, vectors)?)
        } else {
            Codes::Wide(codes_frame.section_of(CODES, vectors)?)
        };
        let residuals =
            residuals_frame.section_of(RESIDUALS, vectors.saturating_mul(residual_bytes as u64))?;
        Ok(Self {
            codes_frame,
            residuals_frame,
            codes,
            residuals,
            residual_bytes,
        })
    }

    /// Decodes vectors into `out` `[n, dim]` f32 row-major. The range comes from
    /// [`super::documents::Documents::vectors`], which keeps it inside the segment.
    pub(crate) fn decode(
        &self,
        codebook: &Codebook,
        range: Range<usize>,
        out: &mut Vec<f32>,
    ) -> Result<()> {
        // Kept long: every value is overwritten, so only growth needs zeroing.
        let needed = range.len() * codebook.dim;
        if out.len() < needed {
            out.resize(needed, 0.0);
        }
        out.truncate(needed);
        let bytes = range.start * self.residual_bytes..range.end * self.residual_bytes;
        let residuals = &self.residuals[bytes];
        match &self.codes {
            Codes::Narrow(c) => codebook.decode(&c[range], residuals, out),
            Codes::Wide(c) => codebook.decode(&c[range], residuals, out),
        }
        .map_err(|e| self.code_error(e))
    }

    /// The centroid interaction of vectors: see [`colidx_kernels::max_rows`].
    pub(crate) fn max_rows(
        &self,
        table: &[u8],
        stride: usize,
        range: Range<usize>,
        best: &mut [u8],
    ) -> Result<()> {
        match &self.codes {
            Codes::Narrow(c) => colidx_kernels::max_rows(table, stride, &c[range], best),
            Codes::Wide(c) => colidx_kernels::max_rows(table, stride, &c[range], best),
        }
        .map_err(|e| self.code_error(e))
    }

    /// The code of one vector.
    pub(crate) fn code(&self, vector: usize) -> u32 {
        match &self.codes {
            Codes::Narrow(c) => c[vector].into(),
            Codes::Wide(c) => c[vector],
        }
    }

    /// Bytes stored for `vectors` vectors.
    pub(crate) fn stored_bytes(&self, vectors: usize) -> u64 {
        let code = match self.codes {
            Codes::Narrow(_) => 2,
            Codes::Wide(_) => 4,
        };
        (vectors * (code + self.residual_bytes)) as u64
    }

    fn code_error(&self, e: CodeOutOfRange) -> crate::Error {
        self.codes_frame.error(FormatErrorKind::invalid(
            CODES,
            "centroid",
            format!("below {}", e.limit),
            e.code,
        ))
    }

    pub(crate) fn verify(&self, codebook: &Codebook) -> Result<()> {
        let largest = match &self.codes {
            Codes::Narrow(c) => c.iter().max().map(|&c| u64::from(c)),
            Codes::Wide(c) => c.iter().max().map(|&c| u64::from(c)),
        };
        match largest.filter(|&l| l >= codebook.len() as u64) {
            None => Ok(()),
            Some(largest) => Err(self.codes_frame.error(FormatErrorKind::invalid(
                CODES,
                "centroid",
                format!("below {}", codebook.len()),
                largest,
            ))),
        }
    }
}
