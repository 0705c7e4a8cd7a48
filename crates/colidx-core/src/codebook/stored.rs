//! A codebook read in place.

use super::codes;
use super::graph::NEIGHBORS;
use super::new::NewCodebook;
use super::residual_quantizer::ResidualQuantizer;
use super::sections::*;
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, Section};
use crate::format::manifest::Manifest;
use crate::format::{FileKind, MAX_SQUARED_LENGTH, Tag};
use crate::storage::Directory;
use colidx_kernels::{CodeOutOfRange, Codec, CodecI16, GAINS, max_chunk_norm};
use std::ops::Range;
use std::sync::OnceLock;

/// A codebook read in place.
#[derive(Debug, Clone)]
pub(crate) struct Codebook {
    pub frame: Frame,
    pub dim: usize,
    pub nbits: usize,
    /// Whether decoded vectors are brought to unit length.
    pub unit_length: bool,
    centroids: Section<i8>,
    steps: Section<f32>,
    cells: Section<u32>,
    centres: Section<i8>,
    graph: Section<u8>,
    /// `[GAINS, 2, 2^nbits]`: the weights times each gain.
    weights: Vec<f32>,
    scales: Section<f32>,
    /// An upper bound of the length of a decoded vector, before it is brought to unit length.
    longest: f64,
    fit: Section<f64>,
    centroid_length: OnceLock<f64>,
    centre_length: OnceLock<f64>,
    fixed: OnceLock<CodecI16>,
}

impl Codebook {
    pub(crate) fn open(directory: &Directory, manifest: &Manifest, of: &Frame) -> Result<Self> {
        let frame = manifest.open_file(directory, of, FileKind::Codebook, manifest.codebook)?;
        let dim = manifest.dim as u64;
        let cells = frame.section::<u32>(CELLS)?;
        let mut graph = frame.section(GRAPH)?;
        if !graph.is_empty() {
            let links = manifest.centroids as u64 * NEIGHBORS as u64;
            let bytes = codes::packed_bytes(links, codes::width(manifest.centroids));
            graph = frame.section_of(GRAPH, bytes)?;
        }
        let mut codebook = Self {
            centroids: frame.section_of(CENTROIDS, manifest.centroids as u64 * dim)?,
            steps: frame.section_of(STEPS, dim)?,
            centres: frame.section_of(CENTRES, (cells.len() as u64).saturating_sub(1) * dim)?,
            cells,
            graph,
            weights: Vec::new(),
            longest: 0.0,
            scales: frame.section_of(SCALES, dim)?,
            fit: frame.section_of(FIT, 1)?,
            centroid_length: OnceLock::new(),
            centre_length: OnceLock::new(),
            fixed: OnceLock::new(),
            dim: manifest.dim,
            nbits: manifest.nbits as usize,
            unit_length: manifest.unit_length,
            frame,
        };
        // Only a writer reads these two, but it must find them.
        codebook.frame.section::<GroupRecord>(GROUPS)?;
        let members = manifest.centroids as u64;
        codebook.frame.section_of::<u32>(MEMBERS, members)?;
        let weights = (codebook.frame).section_of::<f32>(WEIGHTS, 2 << manifest.nbits)?;
        let gains = (codebook.frame).section_of::<f32>(GAIN_VALUES, GAINS as u64)?;
        // These are a few kilobytes, and every decoded value depends on them.
        for tag in [STEPS, WEIGHTS, GAIN_VALUES, SCALES, CELLS, FIT] {
            codebook.frame.check(tag)?;
        }
        codebook.finite(STEPS, &codebook.steps)?;
        codebook.finite(WEIGHTS, &weights)?;
        codebook.finite(GAIN_VALUES, &gains)?;
        codebook.finite(SCALES, &codebook.scales)?;
        for row in weights.chunks(1 << manifest.nbits) {
            codebook.ascending(WEIGHTS, row)?;
        }
        codebook.ascending(GAIN_VALUES, &gains)?;
        if !codebook.sample_error().is_finite() {
            return Err(codebook.frame.error(FormatErrorKind::invalid(
                FIT,
                "value",
                "a finite number",
                codebook.sample_error(),
            )));
        }
        codebook.longest = codebook.check_range(&gains, &weights)?;
        codebook.check_cells()?;
        codebook.weights = ResidualQuantizer::all_weights(&gains, &weights);
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

    fn ascending(&self, tag: Tag, values: &[f32]) -> Result<()> {
        if values.is_sorted() {
            return Ok(());
        }
        Err((self.frame).error(FormatErrorKind::invalid(
            tag,
            "values",
            "ascending",
            "others",
        )))
    }

    /// Checks that no value overflows an f32 while it is decoded, whatever centroids and residuals
    /// are. Returns an upper bound of the length of a decoded vector.
    fn check_range(&self, gains: &[f32], weights: &[f32]) -> Result<f64> {
        let greatest = |values: &[f32]| {
            let magnitudes = values.iter().map(|&x| f64::from(x).abs());
            magnitudes.fold(0.0, f64::max)
        };
        let most = f64::from(f32::MAX);
        let too_much = |tag: Tag, what: String, got: f64| {
            let expected = format!("at most {most:e}");
            (self.frame).error(FormatErrorKind::invalid(tag, what, expected, got))
        };
        let weight = greatest(gains) * greatest(weights);
        if weight > most {
            let what = "greatest weight times greatest gain";
            return Err(too_much(GAIN_VALUES, what.into(), weight));
        }
        let mut squares = 0.0;
        for (at, (&step, &scale)) in self.steps.iter().zip(&*self.scales).enumerate() {
            let centroid = 128.0 * f64::from(step).abs();
            let value = centroid + f64::from(scale).abs() * weight;
            if value > most {
                let tag = if centroid > most { STEPS } else { SCALES };
                let what = format!("greatest value that dimension {at} can decode to");
                return Err(too_much(tag, what, value));
            }
            squares += value * value;
        }
        Ok(squares.sqrt())
    }

    /// Every centroid is in one cell, and no cell is empty.
    fn check_cells(&self) -> Result<()> {
        let ascending = self.cells.is_sorted_by(|a, b| a < b) && self.cells.first() == Some(&0);
        if ascending && self.cells.last() == Some(&(self.len() as u32)) {
            return Ok(());
        }
        Err(self.frame.error(FormatErrorKind::invalid(
            CELLS,
            "first centroids",
            format!("ascending from 0 to {}", self.len()),
            "others",
        )))
    }

    /// Number of centroids.
    pub(crate) fn len(&self) -> usize {
        self.centroids.len() / self.dim.max(1)
    }

    /// Value of one unit of centroids and centres in each dimension.
    pub(crate) fn steps(&self) -> &[f32] {
        &self.steps
    }

    /// The scale of residuals in each dimension.
    pub(crate) fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Number of cells.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len() - 1
    }

    /// The centroids of a cell.
    pub(crate) fn cell(&self, cell: usize) -> Range<usize> {
        self.cells[cell] as usize..self.cells[cell + 1] as usize
    }

    /// Centres of the cells, `[cells, dim]` in units of [`Codebook::steps`].
    pub(crate) fn centres(&self) -> &[i8] {
        &self.centres
    }

    /// Centroids in a range, `[n, dim]` in units of [`Codebook::steps`].
    pub(crate) fn centroids(&self, range: Range<usize>) -> &[i8] {
        &self.centroids[range.start * self.dim..range.end * self.dim]
    }

    /// The [`max_chunk_norm`] of all centroids. The first call reads all of them.
    pub(crate) fn centroid_length(&self) -> f64 {
        *self
            .centroid_length
            .get_or_init(|| max_chunk_norm(&self.centroids, self.dim))
    }

    /// The [`max_chunk_norm`] of the cells' centres.
    pub(crate) fn centre_length(&self) -> f64 {
        *self
            .centre_length
            .get_or_init(|| max_chunk_norm(&self.centres, self.dim))
    }

    /// Whether there is a graph over the centroids.
    pub(crate) fn has_graph(&self) -> bool {
        !self.graph.is_empty()
    }

    /// Replaces `out` by the neighbors of a centroid in the graph, if there is one.
    pub(crate) fn neighbors(&self, centroid: u32, out: &mut Vec<u32>) -> Result<()> {
        let (first, centroids) = (centroid as usize * NEIGHBORS, self.len());
        let width = codes::width(centroids);
        codes::unpack(&self.graph, width, first..first + NEIGHBORS, out);
        match out.iter().find(|&&number| number as usize >= centroids) {
            None => Ok(()),
            Some(number) => Err(self.frame.error(FormatErrorKind::invalid(
                GRAPH,
                format!("a neighbor of centroid {centroid}"),
                format!("below {centroids}"),
                number,
            ))),
        }
    }

    fn codec(&self) -> Codec<'_> {
        Codec {
            dim: self.dim,
            nbits: self.nbits,
            centroids: &self.centroids,
            steps: &self.steps,
            weights: &self.weights,
            scales: &self.scales,
        }
    }

    /// Decodes token vectors from their codes and residuals into `out`, `[n, dim]`, at unit length
    /// where the index has only such.
    pub(crate) fn decode(
        &self,
        codes: &[u32],
        residuals: &[u8],
        out: &mut [f32],
    ) -> std::result::Result<(), CodeOutOfRange> {
        colidx_kernels::kernels().decode(&self.codec(), codes, residuals, out)?;
        if self.unit_length {
            colidx_kernels::kernels().normalize(out, self.dim);
        }
        Ok(())
    }

    /// An upper bound of the length of a decoded vector, as search sees it.
    pub(crate) fn longest(&self) -> f64 {
        if self.unit_length {
            return 1.0;
        }
        self.longest.min(MAX_SQUARED_LENGTH.sqrt())
    }

    /// Whether no vector can decode to a longer one than the format allows, whatever its bits.
    pub(crate) fn is_within_bounds(&self) -> bool {
        self.longest.powi(2) <= MAX_SQUARED_LENGTH
    }

    /// The first decoded vector that is longer than the format allows, and its sum of squares.
    /// `out` is room to decode `[n, dim]` in.
    pub(crate) fn too_long(
        &self,
        codes: &[u32],
        residuals: &[u8],
        out: &mut Vec<f32>,
    ) -> std::result::Result<Option<(usize, f64)>, CodeOutOfRange> {
        if self.is_within_bounds() {
            return Ok(None);
        }
        out.resize(codes.len() * self.dim, 0.0);
        colidx_kernels::kernels().decode(&self.codec(), codes, residuals, out)?;
        let rows = out.chunks_exact(self.dim);
        let squares = rows.map(|row| row.iter().map(|&x| f64::from(x).powi(2)).sum());
        let mut numbered = squares.enumerate();
        Ok(numbered.find(|&(_, sum): &(usize, f64)| sum > MAX_SQUARED_LENGTH))
    }

    fn fixed(&self) -> &CodecI16 {
        let fixed = || CodecI16::new(&self.codec());
        self.fixed.get_or_init(fixed)
    }

    /// The greatest distance of a row of [`Codebook::decode_i16`] from what [`Codebook::decode`]
    /// gives at unit length.
    pub(crate) fn row_error(&self) -> f64 {
        self.fixed().row_error()
    }

    /// As [`Codebook::decode`] at unit length, in 16-bit fixed point: rows for
    /// [`colidx_kernels::Kernels::dots_i16`].
    pub(crate) fn decode_i16(
        &self,
        codes: &[u32],
        residuals: &[u8],
        out: &mut [i16],
    ) -> std::result::Result<(), CodeOutOfRange> {
        colidx_kernels::kernels().decode_i16(&self.codec(), self.fixed(), codes, residuals, out)
    }

    pub(crate) fn sample_error(&self) -> f64 {
        self.fit[0]
    }

    /// The codebook in memory, checked in full, to encode more vectors with.
    pub(crate) fn trained(&self) -> Result<NewCodebook> {
        NewCodebook::read(&self.frame, self.dim, self.nbits)
    }

    /// Checks everything that opening does not read.
    pub(crate) fn verify(&self) -> Result<()> {
        self.frame.check_all()?;
        if self.has_graph() {
            let links = self.len() as u64 * NEIGHBORS as u64;
            if !codes::is_padded(&self.graph, links, codes::width(self.len())) {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    GRAPH,
                    "bits after the last number",
                    0,
                    "others",
                )));
            }
        }
        let mut neighbors = Vec::new();
        let linked = if self.has_graph() { self.len() } else { 0 };
        for centroid in 0..linked as u32 {
            self.neighbors(centroid, &mut neighbors)?;
        }
        check_groups(&self.frame, self.len())?;
        check_members(&self.frame, self.len())
    }
}
