//! Exact MaxSim over decoded vectors.

use super::{Query, SearchStats};
use crate::codebook::Codebook;
use crate::error::Result;
use crate::segment::Segment;

/// Vectors decoded at a time: they stay in the first-level cache until they are multiplied.
const BLOCK: usize = 48;

/// Scores documents against one query, keeping its buffers from one to the next.
pub(super) struct Scorer<'q> {
    query: &'q Query,
    vectors: Vec<f32>,
    best: Vec<f32>,
}

impl<'q> Scorer<'q> {
    pub(super) fn new(query: &'q Query) -> Self {
        Self {
            query,
            vectors: Vec::new(),
            best: Vec::new(),
        }
    }

    /// The document's MaxSim, or `None` when it has no vectors.
    pub(super) fn score(
        &mut self,
        codebook: &Codebook,
        segment: &Segment,
        document: u32,
        stats: &mut SearchStats,
    ) -> Result<Option<f32>> {
        let range = segment.documents.vectors(document)?;
        if range.is_empty() {
            return Ok(None);
        }
        stats.documents_decoded += 1;
        stats.vectors_decoded += range.len() as u64;
        stats.bytes_touched += segment.vectors.stored_bytes(range.len());
        let panels = self.query.panels();
        self.best.clear();
        self.best.resize(panels.padded_columns(), f32::NEG_INFINITY);
        for start in range.clone().step_by(BLOCK) {
            let block = start..range.end.min(start + BLOCK);
            segment.vectors.decode(codebook, block, &mut self.vectors)?;
            colidx_kernels::max_dots(&self.vectors, panels, &mut self.best);
        }
        Ok(Some(
            self.best[..panels.columns()]
                .iter()
                .fold(0.0, |sum, best| sum + best),
        ))
    }
}
