//! The codebook of an index: centroids in cells and the graph over them, the vocabulary groups they serve, and what residuals decode to.

use crate::codec::Quantizer;
use crate::error::{FormatErrorKind, Result};
use crate::format::frame::{Frame, FrameWriter, Seal, Section};
use crate::format::manifest::Manifest;
use crate::format::{MAX_SQUARED_LENGTH, Tag, file_name, kind};
use crate::segment::codes::{self, Packer};
use crate::storage::Directory;
use bytemuck::{Pod, Zeroable};
use colidx_cluster::Group;
use colidx_kernels::{CodeOutOfRange, Codec, CodecI16, GAINS, max_chunk_norm};
use std::ops::Range;
use std::sync::OnceLock;

const CENTROIDS: Tag = Tag(*b"CENT");
const STEPS: Tag = Tag(*b"STEP");
const CELLS: Tag = Tag(*b"CELL");
const CENTRES: Tag = Tag(*b"CCEN");
const GRAPH: Tag = Tag(*b"GRPH");
const GROUPS: Tag = Tag(*b"GRUP");
const MEMBERS: Tag = Tag(*b"MEMB");
const WEIGHTS: Tag = Tag(*b"WGHT");
const GAIN_VALUES: Tag = Tag(*b"GAIN");
const SCALES: Tag = Tag(*b"SCAL");
const FIT: Tag = Tag(*b"FIT.");

/// Neighbours of each centroid in the graph.
pub(crate) const NEIGHBOURS: usize = 32;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct GroupRecord {
    token_id: u32,
    first: u32,
    len: u32,
}

/// A codebook as it is trained, before it is written.
pub(crate) struct NewCodebook {
    /// `[K, dim]`, in units of `steps`, cell by cell.
    pub centroids: Vec<i8>,
    /// `[dim]`: the value of one unit. Residuals are taken from the rounded centroids, so the rounding costs next to nothing.
    pub steps: Vec<f32>,
    /// `[cells + 1]`: the first centroid of each cell, and their number.
    pub cells: Vec<u32>,
    /// `[cells, dim]`, in units of `steps`.
    pub centres: Vec<i8>,
    /// `[K, NEIGHBOURS]`: numbers of centroids; empty where there is no graph.
    pub graph: Vec<u32>,
    /// Which of `members` serve which vocabulary id.
    pub groups: Vec<Group>,
    /// `[K]`: numbers of centroids, group by group.
    pub members: Vec<u32>,
    pub quantizer: Quantizer,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
}

impl NewCodebook {
    pub(crate) fn write(&self, directory: &Directory, number: u32) -> Result<Seal> {
        let name = file_name(kind::CODEBOOK, number);
        let mut w = FrameWriter::create(directory, &name, kind::CODEBOOK)?;
        w.section(CENTROIDS, bytemuck::cast_slice(&self.centroids))?;
        w.section(STEPS, bytemuck::cast_slice(&self.steps))?;
        w.section(CELLS, bytemuck::cast_slice(&self.cells))?;
        w.section(CENTRES, bytemuck::cast_slice(&self.centres))?;
        let mut graph = Vec::new();
        if !self.graph.is_empty() {
            let mut packer = Packer::new(codes::width(self.members.len()));
            packer.push(&self.graph, &mut graph);
            packer.finish(&mut graph);
        }
        w.section(GRAPH, &graph)?;
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
        w.section(MEMBERS, bytemuck::cast_slice(&self.members))?;
        w.section(WEIGHTS, bytemuck::cast_slice(&self.quantizer.weights))?;
        w.section(GAIN_VALUES, bytemuck::cast_slice(&self.quantizer.gains))?;
        w.section(SCALES, bytemuck::cast_slice(&self.quantizer.scales))?;
        w.section(FIT, &self.sample_error.to_le_bytes())?;
        w.finish()
    }

    /// A stored codebook as it was trained: what a writer needs to compress more vectors with it.
    pub(crate) fn read(frame: &Frame, dim: usize, nbits: usize) -> Result<Self> {
        frame.check_all()?;
        let members = frame.section::<u32>(MEMBERS)?;
        let count = members.len();
        check_members(frame, count)?;
        let groups = check_groups(frame, count)?;
        let mut graph = Vec::new();
        let packed = frame.section::<u8>(GRAPH)?;
        if !packed.is_empty() {
            let links = count * NEIGHBOURS;
            let width = codes::width(count);
            let packed = frame.section_of::<u8>(GRAPH, codes::packed_bytes(links as u64, width))?;
            codes::unpack(&packed, width, 0..links, &mut graph);
        }
        Ok(Self {
            graph,
            centroids: frame.section_of(CENTROIDS, (count * dim) as u64)?.to_vec(),
            steps: frame.section_of(STEPS, dim as u64)?.to_vec(),
            cells: frame.section(CELLS)?.to_vec(),
            centres: frame.section(CENTRES)?.to_vec(),
            groups: groups
                .iter()
                .map(|g| Group {
                    token_id: g.token_id,
                    first: g.first,
                    len: g.len,
                })
                .collect(),
            members: members.to_vec(),
            quantizer: Quantizer {
                nbits,
                weights: frame.section_of(WEIGHTS, 2 << nbits)?.to_vec(),
                gains: frame.section_of(GAIN_VALUES, GAINS as u64)?.to_vec(),
                scales: frame.section_of(SCALES, dim as u64)?.to_vec(),
            },
            sample_error: frame.section_of::<f64>(FIT, 1)?[0],
        })
    }
}

/// Centroids as they decode, `[K, dim]` in the order of training: what residuals are taken from.
pub(crate) fn in_training_order(centroids: &[i8], steps: &[f32], members: &[u32]) -> Vec<f32> {
    let dim = steps.len();
    let mut decoded = Vec::with_capacity(centroids.len());
    for &member in members {
        let row = &centroids[member as usize * dim..][..dim];
        decoded.extend(row.iter().zip(steps).map(|(&c, step)| step * f32::from(c)));
    }
    decoded
}

/// Every centroid serves one vocabulary id: groups follow each other.
fn check_groups(frame: &Frame, count: usize) -> Result<Section<GroupRecord>> {
    let groups = frame.section::<GroupRecord>(GROUPS)?;
    let mut expected = 0u64;
    let mut last = None;
    for g in groups.iter() {
        let ascending = last.is_none_or(|last| last < g.token_id);
        if u64::from(g.first) != expected || !ascending || g.len == 0 {
            return Err(frame.error(FormatErrorKind::invalid(
                GROUPS,
                format!("group of token {}", g.token_id),
                format!("tokens ascending, first member {expected}, at least one"),
                format!("first member {}, {} of them", g.first, g.len),
            )));
        }
        expected += u64::from(g.len);
        last = Some(g.token_id);
    }
    if expected != count as u64 {
        return Err(frame.error(FormatErrorKind::invalid(
            GROUPS,
            "centroids in all groups",
            count,
            expected,
        )));
    }
    Ok(groups)
}

/// Every centroid is named once.
fn check_members(frame: &Frame, count: usize) -> Result<()> {
    let mut seen = vec![false; count];
    for &member in frame.section_of::<u32>(MEMBERS, count as u64)?.iter() {
        let fresh = seen.get_mut(member as usize).filter(|seen| !**seen);
        let Some(fresh) = fresh else {
            return Err(frame.error(FormatErrorKind::invalid(
                MEMBERS,
                "centroids of all groups",
                format!("each below {count} once"),
                member,
            )));
        };
        *fresh = true;
    }
    Ok(())
}

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
    /// What each gain makes of the weights.
    weights: Vec<f32>,
    scales: Section<f32>,
    /// No token vector decodes to a longer one, whatever its bits, before it is brought to unit length.
    longest: f64,
    fit: Section<f64>,
    centroid_length: OnceLock<f64>,
    centre_length: OnceLock<f64>,
    fixed: OnceLock<CodecI16>,
}

impl Codebook {
    pub(crate) fn open(directory: &Directory, manifest: &Manifest, of: &Frame) -> Result<Self> {
        let frame = manifest.open_file(directory, of, kind::CODEBOOK, manifest.codebook)?;
        let dim = manifest.dim as u64;
        let cells = frame.section::<u32>(CELLS)?;
        let mut graph = frame.section(GRAPH)?;
        if !graph.is_empty() {
            let links = manifest.centroids as u64 * NEIGHBOURS as u64;
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
        // Only a writer reads these, but it must find them.
        codebook.frame.section::<GroupRecord>(GROUPS)?;
        let members = manifest.centroids as u64;
        codebook.frame.section_of::<u32>(MEMBERS, members)?;
        let weights = (codebook.frame).section_of::<f32>(WEIGHTS, 2 << manifest.nbits)?;
        let gains = (codebook.frame).section_of::<f32>(GAIN_VALUES, GAINS as u64)?;
        // These are a few kilobytes and every decoded value depends on them.
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
        codebook.weights = Quantizer::all_weights(&gains, &weights);
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

    /// No value decodes to more than an f32 holds, nor anything on the way to it, whatever centroids and residuals are. Returns the
    /// greatest length of a vector that could decode.
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

    /// Every centroid is in one cell, and none is empty.
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

    /// The [`max_chunk_norm`] of all centroids, which are read for it once.
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

    /// Replaces `out` by the neighbours of a centroid in the graph, if there is one.
    pub(crate) fn neighbours(&self, centroid: u32, out: &mut Vec<u32>) -> Result<()> {
        let (first, centroids) = (centroid as usize * NEIGHBOURS, self.len());
        let width = codes::width(centroids);
        codes::unpack(&self.graph, width, first..first + NEIGHBOURS, out);
        match out.iter().find(|&&number| number as usize >= centroids) {
            None => Ok(()),
            Some(number) => Err(self.frame.error(FormatErrorKind::invalid(
                GRAPH,
                format!("a neighbour of centroid {centroid}"),
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

    /// Decodes token vectors from their codes and residuals into `out` `[n, dim]`, at unit length where the index says so.
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

    /// The greatest length that a token vector of a whole index has, as search sees it.
    pub(crate) fn longest(&self) -> f64 {
        if self.unit_length {
            return 1.0;
        }
        self.longest.min(MAX_SQUARED_LENGTH.sqrt())
    }

    /// Whether no token vector can decode to a longer one than the format allows, whatever its bits.
    pub(crate) fn is_within_bounds(&self) -> bool {
        self.longest.powi(2) <= MAX_SQUARED_LENGTH
    }

    /// Of token vectors that decode to `[n, dim]` the first that is longer than the format allows, and its sum of squares. `out` is
    /// room to decode them in.
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

    /// The most by which a row of [`Codebook::decode_i16`] differs in length from what [`Codebook::decode`] gives at unit length.
    pub(crate) fn row_error(&self) -> f64 {
        self.fixed().row_error()
    }

    /// Near what [`Codebook::decode`] gives at unit length, the rows of [`colidx_kernels::Kernels::dots_i16`].
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

    /// The codebook as it was trained, checked in full, to encode more vectors with.
    pub(crate) fn trained(&self) -> Result<NewCodebook> {
        NewCodebook::read(&self.frame, self.dim, self.nbits)
    }

    /// Checks everything that opening leaves unread.
    pub(crate) fn verify(&self) -> Result<()> {
        self.frame.check_all()?;
        if self.has_graph() {
            let links = self.len() as u64 * NEIGHBOURS as u64;
            if !codes::is_padded(&self.graph, links, codes::width(self.len())) {
                return Err(self.frame.error(FormatErrorKind::invalid(
                    GRAPH,
                    "bits after the last number",
                    0,
                    "others",
                )));
            }
        }
        let mut neighbours = Vec::new();
        let linked = if self.has_graph() { self.len() } else { 0 };
        for centroid in 0..linked as u32 {
            self.neighbours(centroid, &mut neighbours)?;
        }
        check_groups(&self.frame, self.len())?;
        check_members(&self.frame, self.len())
    }
}
