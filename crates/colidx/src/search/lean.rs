//! Candidates scored again by the lean of their vectors.
//!
//! Token vectors are contextual: those of one document lie off their centroids in a common direction, the mean of its residuals.
//! If every vector lay off its centroid by that mean, MaxSim would differ from the centroids' score by the product of the mean with
//! the sum of the query's vectors. That is one product a document, and tells documents apart where centroids cannot; how
//! much of it to believe is measured (`docs/search.md`).

use super::Query;
use super::candidates::Candidates;
use crate::index::{DocId, Index};
use colidx_kernels::CoarsePanels;

/// How much of the product counts: a query token matches not any vector of a document but the best, whose residual is nearer to the query
/// than the mean of all already by being the best.
const BELIEVED: f64 = 0.3;

/// Documents whose mean residuals are multiplied at a time.
const BLOCK: usize = 64;

/// The `count` best of the candidates, in document order: what is read of them next is then read front to back.
pub(super) fn best(
    index: &Index,
    query: &Query,
    candidates: &Candidates,
    count: usize,
) -> Vec<DocId> {
    let panels = query.lean(index.codebook().scales());
    let weight = (BELIEVED * panels.step() / candidates.unit) as f32;
    // Without products or without scores there is nothing to weigh.
    let weight = if weight.is_finite() { weight } else { 0.0 };
    let mut lean = Lean::new(index, &panels);
    let mut scored: Vec<(f32, DocId)> = Vec::with_capacity(candidates.scored.len());
    for block in candidates.scored.chunks(BLOCK) {
        let dots = lean.dots(block);
        let sums = block
            .iter()
            .zip(dots)
            .map(|(&(score, document), dot)| (score as f32 + weight * dot as f32, document));
        scored.extend(sums);
    }
    if scored.len() > count {
        scored.select_nth_unstable_by(count, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.truncate(count);
    }
    let mut documents: Vec<DocId> = scored.into_iter().map(|(_, document)| document).collect();
    documents.sort_unstable();
    documents
}

struct Lean<'a> {
    index: &'a Index,
    /// One column.
    panels: &'a CoarsePanels,
    rows: Vec<i8>,
    dots: Vec<i32>,
}

impl<'a> Lean<'a> {
    fn new(index: &'a Index, panels: &'a CoarsePanels) -> Self {
        Self {
            index,
            panels,
            rows: Vec::with_capacity(BLOCK * panels.dim()),
            dots: Vec::new(),
        }
    }

    /// The products of the documents' mean residuals with the column.
    fn dots(&mut self, documents: &[(u32, DocId)]) -> impl Iterator<Item = i32> {
        let means = documents.iter().map(|&(_, document)| {
            let segment = &self.index.segments()[document.segment()];
            segment.means.row(document.document())
        });
        for mean in means.clone() {
            colidx_kernels::prefetch(mean);
        }
        self.rows.clear();
        for mean in means {
            self.rows.extend_from_slice(mean);
        }
        let stride = self.panels.padded_columns();
        self.dots.resize(documents.len() * stride, 0);
        colidx_kernels::coarse_dots(&self.rows, self.panels, &mut self.dots);
        self.dots.chunks_exact(stride).map(|row| row[0])
    }
}
