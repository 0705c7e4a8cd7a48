//! The token vectors of a segment: codes of centroid and gain in one file, residual bits in
//! another.

use super::mean_residuals::MEANS;
use crate::codebook::Codebook;
use crate::codebook::codes::{self, Packer};
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Checkpoint, FileDigest, Frame, FrameWriter, Section};
use crate::format::manifest::Manifest;
use crate::format::{FileKind, MAX_SQUARED_LENGTH, Tag, file_name};
use crate::storage::Directory;
use colidx_kernels::CodeOutOfRange;
use serde::{Deserialize, Serialize};
use std::ops::Range;

const CODES: Tag = Tag(*b"CODE");
const RESIDUALS: Tag = Tag(*b"RESI");

/// Vectors that are verified at a time.
const VERIFY_BATCH: usize = 1 << 14;

/// Bytes of residual bits a vector.
pub(crate) fn residual_bytes(dim: usize, nbits: usize) -> usize {
    (dim * nbits).div_ceil(8)
}

/// How the journal of a build records an unfinished [`VectorWriter`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct VectorsCheckpoint {
    codes: Checkpoint,
    residuals: Checkpoint,
    means: Checkpoint,
    /// Bits of the last code that fill no byte yet.
    pending: u8,
}

/// What an unfinished [`VectorWriter`] had written at its checkpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Safe {
    pub documents: u64,
    pub vectors: u64,
    pub dim: usize,
    /// Bytes of a vector's residuals.
    pub residual_bytes: usize,
}

/// Seals of the files that a [`VectorWriter`] wrote.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct VectorDigests {
    pub codes: FileDigest,
    pub residuals: FileDigest,
    pub means: FileDigest,
}

/// Writes codes, residuals and mean residuals of a segment as the documents come.
pub(crate) struct VectorWriter {
    codes: FrameWriter,
    residuals: FrameWriter,
    means: FrameWriter,
    packer: Packer,
    buffer: Vec<u8>,
}

impl VectorWriter {
    pub(crate) fn create(directory: &Directory, number: u32, centroids: usize) -> Result<Self> {
        let name = file_name(FileKind::Codes, number);
        let mut codes = FrameWriter::create(directory, &name, FileKind::Codes)?;
        codes.begin(CODES)?;
        let name = file_name(FileKind::Residuals, number);
        let mut residuals = FrameWriter::create(directory, &name, FileKind::Residuals)?;
        residuals.begin(RESIDUALS)?;
        let name = file_name(FileKind::MeanResiduals, number);
        let mut means = FrameWriter::create(directory, &name, FileKind::MeanResiduals)?;
        means.begin(MEANS)?;
        Ok(Self {
            codes,
            residuals,
            means,
            packer: Packer::new(codes::code_width(centroids)),
            buffer: Vec::new(),
        })
    }

    /// Resumes after a [`VectorWriter::checkpoint`].
    pub(crate) fn resume(
        directory: &Directory,
        number: u32,
        centroids: usize,
        safe: Safe,
        from: VectorsCheckpoint,
    ) -> Result<Self> {
        let resume = |kind, tag, checkpoint: Checkpoint, count: u64, bits: usize| {
            let name = file_name(kind, number);
            let frame = FrameWriter::resume(directory, &name, kind, tag, checkpoint)?;
            let expected = count.saturating_mul(bits as u64) / 8;
            if frame.section_length() == expected {
                return Ok(frame);
            }
            Err(FormatErrorKind::Length {
                section: tag.to_string(),
                expected,
                got: frame.section_length(),
            }
            .at(&directory.file_path(&name)))
        };
        let width = codes::code_width(centroids);
        Ok(Self {
            codes: resume(FileKind::Codes, CODES, from.codes, safe.vectors, width)?,
            residuals: resume(
                FileKind::Residuals,
                RESIDUALS,
                from.residuals,
                safe.vectors,
                safe.residual_bytes * 8,
            )?,
            means: resume(
                FileKind::MeanResiduals,
                MEANS,
                from.means,
                safe.documents,
                safe.dim * 8,
            )?,
            packer: Packer::resume(width, safe.vectors, from.pending),
            buffer: Vec::new(),
        })
    }

    /// Returns when all vectors so far are on disk.
    pub(crate) fn checkpoint(&mut self) -> Result<VectorsCheckpoint> {
        Ok(VectorsCheckpoint {
            codes: self.codes.checkpoint()?,
            residuals: self.residuals.checkpoint()?,
            means: self.means.checkpoint()?,
            pending: self.packer.pending(),
        })
    }

    /// Appends documents: the codes and packed residuals of their vectors, and the mean residuals.
    pub(crate) fn push(&mut self, codes: &[u32], residuals: &[u8], means: &[i8]) -> Result<()> {
        self.buffer.clear();
        self.packer.push(codes, &mut self.buffer);
        self.codes.write(&self.buffer)?;
        self.residuals.write(residuals)?;
        self.means.write(bytemuck::cast_slice(means))
    }

    /// Returns when all files are on disk.
    pub(crate) fn finish(mut self) -> Result<VectorDigests> {
        self.buffer.clear();
        self.packer.finish(&mut self.buffer);
        self.codes.write(&self.buffer)?;
        Ok(VectorDigests {
            codes: self.codes.finish()?,
            residuals: self.residuals.finish()?,
            means: self.means.finish()?,
        })
    }
}

/// Codes of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    packed: Section<u8>,
    width: usize,
}

impl Codes {
    pub(crate) fn open(frame: &Frame, vectors: u64, centroids: usize) -> Result<Self> {
        let width = codes::code_width(centroids);
        Ok(Self {
            packed: frame.section_of(CODES, codes::packed_bytes(vectors, width))?,
            width,
        })
    }

    /// All codes, packed.
    pub(crate) fn section(&self) -> &Section<u8> {
        &self.packed
    }

    /// The bytes of the vectors in `range` among them.
    pub(crate) fn bytes_of(&self, range: &Range<usize>) -> Range<usize> {
        range.start * self.width / 8..(range.end * self.width).div_ceil(8)
    }

    /// Prefetches the codes of the vectors in `range` into the cache.
    pub(crate) fn prefetch(&self, range: &Range<usize>) {
        let bytes = self.bytes_of(range);
        colidx_kernels::prefetch(self.packed.get(bytes).unwrap_or_default());
    }

    /// Gives up the memory of what was read.
    pub(crate) fn advise_dontneed(&self) {
        self.packed.advise_dontneed();
    }

    /// Replaces `out` by the codes of the vectors in `range`.
    pub(crate) fn read(&self, range: Range<usize>, out: &mut Vec<u32>) {
        codes::unpack(&self.packed, self.width, range, out);
    }
}

/// The token vectors of a segment, read in place.
#[derive(Debug, Clone)]
pub(crate) struct Vectors {
    pub codes_frame: Frame,
    pub residuals_frame: Frame,
    pub codes: Codes,
    residuals: Section<u8>,
    residual_bytes: usize,
    vectors: u64,
}

impl Vectors {
    pub(crate) fn open(
        codes_frame: Frame,
        residuals_frame: Frame,
        vectors: u64,
        manifest: &Manifest,
    ) -> Result<Self> {
        let residual_bytes = residual_bytes(manifest.dim, manifest.nbits as usize);
        let codes = Codes::open(&codes_frame, vectors, manifest.centroids)?;
        let residuals =
            residuals_frame.section_of(RESIDUALS, vectors.saturating_mul(residual_bytes as u64))?;
        Ok(Self {
            codes_frame,
            residuals_frame,
            codes,
            residuals,
            residual_bytes,
            vectors,
        })
    }

    /// Number of vectors.
    pub(crate) fn len(&self) -> u64 {
        self.vectors
    }

    /// Reads the vectors in `range` ahead from disk.
    pub(crate) fn advise_willneed(&self, range: &Range<usize>) {
        self.codes
            .packed
            .advise_willneed(self.codes.bytes_of(range));
        self.residuals
            .advise_willneed(self.residual_bytes_of(range));
    }

    /// Prefetches the vectors in `range` into the cache.
    pub(crate) fn prefetch(&self, range: &Range<usize>) {
        self.codes.prefetch(range);
        colidx_kernels::prefetch(self.residuals(range.clone()));
    }

    /// Decodes vectors from codes and residuals into `out`, `[n, dim]` row-major.
    pub(crate) fn decode(
        &self,
        codebook: &Codebook,
        codes: &[u32],
        residuals: &[u8],
        out: &mut Vec<f32>,
    ) -> Result<()> {
        out.resize(codes.len() * codebook.dim, 0.0);
        codebook
            .decode(codes, residuals, out)
            .map_err(|e| self.code_error(e))
    }

    /// As [`Vectors::decode`], in 16-bit fixed point: `[n, dim rounded up to even]`, in `buffer`.
    pub(crate) fn decode_i16<'b>(
        &self,
        codebook: &Codebook,
        codes: &[u32],
        residuals: &[u8],
        buffer: &'b mut Vec<i16>,
    ) -> Result<&'b [i16]> {
        let stride = colidx_kernels::stride_i16(codebook.dim);
        let rows = room(buffer, codes.len() * stride);
        match codebook.decode_i16(codes, residuals, rows) {
            Ok(()) => Ok(rows),
            Err(e) => Err(self.code_error(e)),
        }
    }

    /// All residuals.
    pub(crate) fn residual_section(&self) -> &Section<u8> {
        &self.residuals
    }

    /// The bytes of the vectors in `range` among them.
    pub(crate) fn residual_bytes_of(&self, range: &Range<usize>) -> Range<usize> {
        range.start * self.residual_bytes..range.end * self.residual_bytes
    }

    /// The residuals of the vectors in `range`, one after the other.
    pub(crate) fn residuals(&self, range: Range<usize>) -> &[u8] {
        &self.residuals[self.residual_bytes_of(&range)]
    }

    /// Replaces `out` by the residuals of some vectors, one after the other.
    pub(crate) fn pick_residuals(
        &self,
        vectors: impl ExactSizeIterator<Item = usize>,
        out: &mut Vec<u8>,
    ) {
        // A copy of a length that is not known takes a call.
        match self.residual_bytes {
            12 => pick::<12>(&self.residuals, vectors, out),
            16 => pick::<16>(&self.residuals, vectors, out),
            24 => pick::<24>(&self.residuals, vectors, out),
            32 => pick::<32>(&self.residuals, vectors, out),
            48 => pick::<48>(&self.residuals, vectors, out),
            64 => pick::<64>(&self.residuals, vectors, out),
            _ => {
                out.clear();
                for vector in vectors {
                    out.extend_from_slice(self.residuals(vector..vector + 1));
                }
            }
        }
    }

    /// Bytes stored for `vectors` vectors.
    pub(crate) fn stored_bytes(&self, vectors: usize) -> u64 {
        self.residual_bytes(vectors) + self.code_bytes(vectors)
    }

    /// Bytes stored for the residuals of `vectors` vectors.
    pub(crate) fn residual_bytes(&self, vectors: usize) -> u64 {
        (vectors * self.residual_bytes) as u64
    }

    /// Bytes stored for the codes of `vectors` vectors.
    pub(crate) fn code_bytes(&self, vectors: usize) -> u64 {
        (vectors * self.codes.width).div_ceil(8) as u64
    }

    fn code_error(&self, e: CodeOutOfRange) -> crate::Error {
        self.codes_frame.error(FormatErrorKind::invalid(
            CODES,
            "centroid",
            format!("below {}", e.limit),
            e.code,
        ))
    }

    /// Replaces `out` by the codes of the vectors in `range`, each of a centroid that there is.
    pub(crate) fn read_codes(
        &self,
        codebook: &Codebook,
        range: Range<usize>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        self.codes.read(range, out);
        let limit = codebook.len();
        let mut centroids = out.iter().map(|&code| codes::centroid(code) as usize);
        match centroids.find(|&centroid| centroid >= limit) {
            None => Ok(()),
            Some(code) => Err(self.code_error(CodeOutOfRange { code, limit })),
        }
    }

    pub(crate) fn verify(&self, codebook: &Codebook) -> Result<()> {
        if !codes::is_padded(&self.codes.packed, self.vectors, self.codes.width) {
            let what = "bits after the last code";
            let kind = FormatErrorKind::invalid(CODES, what, 0, "others");
            return Err(self.codes_frame.error(kind));
        }
        self.verify_padding(codebook)?;
        let (mut codes, mut room) = (Vec::new(), Vec::new());
        let vectors = self.vectors as usize;
        for start in (0..vectors).step_by(VERIFY_BATCH) {
            let range = start..vectors.min(start + VERIFY_BATCH);
            self.codes
                .packed
                .advise_willneed(self.codes.bytes_of(&range));
            self.read_codes(codebook, range.clone(), &mut codes)?;
            let too_long = codebook
                .too_long(&codes, self.residuals(range), &mut room)
                .map_err(|e| self.code_error(e))?;
            if let Some((at, squares)) = too_long {
                return Err(self.residuals_frame.error(FormatErrorKind::invalid(
                    RESIDUALS,
                    format!("sum of squares of vector {}", start + at),
                    format!("at most {MAX_SQUARED_LENGTH:e}"),
                    squares,
                )));
            }
        }
        Ok(())
    }

    /// The bits after the last number of each row of residuals are zero.
    fn verify_padding(&self, codebook: &Codebook) -> Result<()> {
        let bits = codebook.dim * codebook.nbits % 8;
        if bits == 0 {
            return Ok(());
        }
        let mut rows = self.residuals.chunks_exact(self.residual_bytes);
        let padded = |row: &[u8]| row.last().is_none_or(|last| last >> bits == 0);
        match rows.position(|row| !padded(row)) {
            None => Ok(()),
            Some(vector) => Err(self.residuals_frame.error(FormatErrorKind::invalid(
                RESIDUALS,
                format!("bits after the last number of vector {vector}"),
                0,
                "others",
            ))),
        }
    }
}

/// Replaces `out` by some rows of `rows`, `[n, WIDTH]`.
fn pick<const WIDTH: usize>(
    rows: &[u8],
    picks: impl ExactSizeIterator<Item = usize>,
    out: &mut Vec<u8>,
) {
    let (rows, _) = rows.as_chunks::<WIDTH>();
    out.resize(picks.len() * WIDTH, 0);
    let (to, _) = out.as_chunks_mut::<WIDTH>();
    for (to, pick) in to.iter_mut().zip(picks) {
        *to = rows[pick];
    }
}

/// Bytes of a line of the processor's caches.
const LINE: usize = 64;

/// Room in `buffer` for `len` values that will be overwritten, aligned to a cache line, so that
/// rows of whole lines are aligned too. The buffer keeps its greatest length: old values are not
/// cleared.
pub(crate) fn room<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    let spare = LINE / size_of::<T>();
    if buffer.len() < len + spare {
        buffer.resize(len + spare, T::default());
    }
    let start = buffer.as_ptr().align_offset(LINE).min(spare);
    &mut buffer[start..start + len]
}
