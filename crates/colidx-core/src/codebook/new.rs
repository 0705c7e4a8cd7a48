//! A codebook in memory: as it is trained, and as a writer reads it back to encode more vectors.

use super::codes::{self, Packer};
use super::graph::NEIGHBORS;
use super::residual_quantizer::ResidualQuantizer;
use super::sections::*;
use crate::error::Result;
use crate::format::frame::{Frame, FrameWriter, Seal};
use crate::format::{FileKind, file_name};
use crate::storage::Directory;
use colidx_cluster::Group;
use colidx_kernels::GAINS;

/// A codebook in memory.
pub(crate) struct NewCodebook {
    /// `[K, dim]`, in units of `steps`, cell by cell.
    pub centroids: Vec<i8>,
    /// `[dim]`: the value of one unit. Residuals are taken from the rounded centroids, so rounding
    /// costs next to nothing.
    pub steps: Vec<f32>,
    /// `[cells + 1]`: the first centroid of each cell, and their number.
    pub cells: Vec<u32>,
    /// `[cells, dim]`, in units of `steps`.
    pub centres: Vec<i8>,
    /// `[K, NEIGHBORS]`: numbers of centroids; empty where there is no graph.
    pub graph: Vec<u32>,
    /// Which of `members` serve which vocabulary id.
    pub groups: Vec<Group>,
    /// `[K]`: numbers of centroids, group by group.
    pub members: Vec<u32>,
    pub quantizer: ResidualQuantizer,
    /// Mean squared distance of the training sample's vectors from their centroids.
    pub sample_error: f64,
}

impl NewCodebook {
    pub(crate) fn write(&self, directory: &Directory, number: u32) -> Result<Seal> {
        let name = file_name(FileKind::Codebook, number);
        let mut w = FrameWriter::create(directory, &name, FileKind::Codebook)?;
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
        let groups: Vec<GroupRecord> = self.groups.iter().map(GroupRecord::from).collect();
        w.section(GROUPS, bytemuck::cast_slice(&groups))?;
        w.section(MEMBERS, bytemuck::cast_slice(&self.members))?;
        w.section(WEIGHTS, bytemuck::cast_slice(&self.quantizer.weights))?;
        w.section(GAIN_VALUES, bytemuck::cast_slice(&self.quantizer.gains))?;
        w.section(SCALES, bytemuck::cast_slice(&self.quantizer.scales))?;
        w.section(FIT, &self.sample_error.to_le_bytes())?;
        w.finish()
    }

    /// Reads a stored codebook, to encode more vectors with it.
    pub(crate) fn read(frame: &Frame, dim: usize, nbits: usize) -> Result<Self> {
        frame.check_all()?;
        let members = frame.section::<u32>(MEMBERS)?;
        let count = members.len();
        check_members(frame, count)?;
        let groups = check_groups(frame, count)?;
        let mut graph = Vec::new();
        let packed = frame.section::<u8>(GRAPH)?;
        if !packed.is_empty() {
            let links = count * NEIGHBORS;
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
            groups: groups.iter().map(Group::from).collect(),
            members: members.to_vec(),
            quantizer: ResidualQuantizer {
                nbits,
                weights: frame.section_of(WEIGHTS, 2 << nbits)?.to_vec(),
                gains: frame.section_of(GAIN_VALUES, GAINS as u64)?.to_vec(),
                scales: frame.section_of(SCALES, dim as u64)?.to_vec(),
            },
            sample_error: frame.section_of::<f64>(FIT, 1)?[0],
        })
    }
}

/// Centroids as they decode, `[K, dim]` in the order of training. Residuals are taken from these.
pub(crate) fn in_training_order(centroids: &[i8], steps: &[f32], members: &[u32]) -> Vec<f32> {
    let dim = steps.len();
    let mut decoded = Vec::with_capacity(centroids.len());
    for &member in members {
        let row = &centroids[member as usize * dim..][..dim];
        decoded.extend(row.iter().zip(steps).map(|(&c, step)| step * f32::from(c)));
    }
    decoded
}
