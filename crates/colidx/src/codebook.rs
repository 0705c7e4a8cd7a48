//! The codebook of an index: centroids, the vocabulary groups they serve, and residual buckets.

use crate::codec::Quantizer;
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::manifest::Manifest;
use crate::format::{Tag, file_name, kind};
use crate::storage::Directory;
use bytemuck::{Pod, Zeroable};
use colidx_cluster::Group;
use colidx_kernels::{Code, CodeOutOfRange, Codec};
use half::f16;
use half::slice::HalfFloatSliceExt;

const CENTROIDS: Tag = Tag(*b"CENT");
const GROUPS: Tag = Tag(*b"GRUP");
const CUTOFFS: Tag = Tag(*b"CUTS");
const WEIGHTS: Tag = Tag(*b"WGHT");
const SCALES: Tag = Tag(*b"SCAL");
const FIT: Tag = Tag(*b"FIT.");

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct GroupRecord {
    token_id: u32,
    first: u32,
    len: u32,
}

/// A codebook as it is trained, before it is written.
pub(crate) struct NewCodebook {
    /// `[K, dim]`, rounded to f16: residuals are taken from these, so the rounding costs nothing.
    pub centroids: Vec<f16>,
    pub groups: Vec<Group>,
    pub quantizer: Quantizer,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
}

impl NewCodebook {
    pub(crate) fn write(&self, directory: &Directory, number: u32) -> Result<Seal> {
        let name = file_name(kind::CODEBOOK, number);
        let mut w = FrameWriter::create(directory, &name, kind::CODEBOOK)?;
        w.section(CENTROIDS, bytemuck::cast_slice(&self.centroids))?;
        let groups: Vec<GroupRecord> = self
            .groups
            .iter()
            .map(|g| GroupRecord {
                token_id: g.token_id,
                first: g.first,
                len: g.len,
            })
            .collect();
        w.section(GROUPS, bytemuck::cast_slice(&groups))?;
        w.section(CUTOFFS, bytemuck::cast_slice(&self.quantizer.cutoffs))?;
        w.section(WEIGHTS, bytemuck::cast_slice(&self.quantizer.weights))?;
        w.section(SCALES, bytemuck::cast_slice(&self.quantizer.scales))?;
        w.section(FIT, &self.sample_error.to_le_bytes())?;
        w.finish()
    }
}

/// A codebook read in place.
#[derive(Debug, Clone)]
pub(crate) struct Codebook {
    pub frame: Frame,
    pub dim: usize,
    pub nbits: usize,
    unit_length: bool,
    centroids: Section<u16>,
    weights: Section<f32>,
    scales: Section<f32>,
}

impl Codebook {
    pub(crate) fn open(directory: &Directory, manifest: &Manifest, of: &Frame) -> Result<Self> {
        let frame = manifest.open_file(directory, of, kind::CODEBOOK, manifest.codebook)?;
        let buckets = 1u64 << manifest.nbits;
        let dim = manifest.dim as u64;
        let codebook = Self {
            centroids: frame.section_of(CENTROIDS, manifest.centroids as u64 * dim)?,
            weights: frame.section_of(WEIGHTS, buckets)?,
            scales: frame.section_of(SCALES, dim)?,
            dim: manifest.dim,
            nbits: manifest.nbits as usize,
            unit_length: manifest.unit_length,
            frame,
        };
        // These are a few kilobytes and every decoded value depends on them.
        codebook.frame.check(WEIGHTS)?;
        codebook.frame.check(SCALES)?;
        codebook.finite(WEIGHTS, &codebook.weights)?;
        codebook.finite(SCALES, &codebook.scales)?;
        Ok(codebook)
    }

    fn finite(&self, tag: Tag, values: &[f32]) -> Result<()> {
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(at) => Err(self.frame.error(FormatErrorKind::invalid(
                tag,
                format!("value {at}"),
                "a finite number",
                values[at],
            ))),
        }
    }

    /// Number of centroids.
    pub(crate) fn len(&self) -> usize {
        self.centroids.len() / self.dim.max(1)
    }

    fn codec(&self) -> Codec<'_> {
        Codec {
            dim: self.dim,
            nbits: self.nbits,
            centroids: &self.centroids,
            weights: &self.weights,
            scales: &self.scales,
        }
    }

    /// Decodes token vectors from their codes and residuals into `out` `[n, dim]`, at unit length where the index says so.
    pub(crate) fn decode<C: Code>(
        &self,
        codes: &[C],
        residuals: &[u8],
        out: &mut [f32],
    ) -> std::result::Result<(), CodeOutOfRange> {
        colidx_kernels::decode(&self.codec(), codes, residuals, out)?;
        if self.unit_length {
            colidx_kernels::normalize(out, self.dim);
        }
        Ok(())
    }

    /// Centroids `first..` as f32 `[n, dim]`, as many as `out` holds.
    pub(crate) fn widen(&self, first: usize, out: &mut [f32]) {
        let halves: &[f16] = bytemuck::cast_slice(&self.centroids);
        halves[first * self.dim..][..out.len()].convert_to_f32_slice(out);
    }

    pub(crate) fn sample_error(&self) -> Result<f64> {
        Ok(self.frame.section_of::<f64>(FIT, 1)?[0])
    }

    /// Checks everything that opening leaves unread.
    pub(crate) fn verify(&self) -> Result<()> {
        self.frame.check_all()?;
        let halves: &[f16] = bytemuck::cast_slice(&self.centroids);
        if let Some(at) = halves.iter().position(|v| !v.is_finite()) {
            return Err(self.frame.error(FormatErrorKind::invalid(
                CENTROIDS,
                format!("value {at}"),
                "a finite number",
                halves[at],
            )));
        }
        let cutoffs = self
            .frame
            .section_of::<f32>(CUTOFFS, (1 << self.nbits) - 1)?;
        self.finite(CUTOFFS, &cutoffs)?;
        let mut expected = 0u64;
        let mut last = None;
        for g in self.frame.section::<GroupRecord>(GROUPS)?.iter() {
            if u64::from(g.first) != expected || last.is_some_and(|l| l >= g.token_id) {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    GROUPS,
                    format!("group of token {}", g.token_id),
                    format!("tokens ascending, first centroid {expected}"),
                    format!("first centroid {}", g.first),
                )));
            }
            expected += u64::from(g.len);
            last = Some(g.token_id);
        }
        if expected != self.len() as u64 {
            return Err(self.frame.error(FormatErrorKind::invalid(
                GROUPS,
                "centroids in all groups",
                self.len(),
                expected,
            )));
        }
        Ok(())
    }
}
