//! What is cheap to know of a candidate and says something about its MaxSim: its traits.
//!
//! - The score of its centroids ([`super::candidates`]).
//! - The lean of its vectors. They are contextual: those of one document lie off their centroids in a common direction, the mean of its
//!   residuals. If every vector lay off its centroid by that mean, MaxSim would differ from the centroids' score by the
//!   product of the mean with the sum of the query's vectors: one product a document, which tells documents apart where centroids cannot.
//! - The root of the number of its vectors. The more there are, the better is the best match of a query token that no list led to.

use super::Query;
use super::candidates::Candidates;
use super::choice::Choice;
use crate::error::Result;
use crate::index::Index;

/// Traits of a candidate.
pub(super) const TRAITS: usize = 3;

/// What each trait mostly counts.
///
/// Of the lean a part does: a query token matches not any vector of a document but the best, whose residual is nearer to the query
/// than the mean of all already by being the best.
const PRIOR: [f64; TRAITS] = [1.0, 0.3, 0.0];

/// Documents whose mean residuals are fetched from memory at the same time.
const BLOCK: usize = 64;

/// A choice among candidates by their traits.
pub(super) fn choice(
    index: &Index,
    query: &Query,
    candidates: &Candidates,
) -> Result<Choice<TRAITS>> {
    let panels = query.lean(index.codebook().scales());
    let (column, step) = (panels.column(0), panels.step());
    let mut traits = Vec::with_capacity(candidates.scored.len());
    let (mut picks, mut dots) = (Vec::new(), [0; BLOCK]);
    let by_segment = candidates
        .scored
        .chunk_by(|(_, a), (_, b)| a.segment() == b.segment());
    for block in by_segment.flat_map(|documents| documents.chunks(BLOCK)) {
        let segment = &index.segments()[block[0].1.segment()];
        picks.clear();
        picks.extend(block.iter().map(|(_, document)| document.document()));
        let dots = &mut dots[..block.len()];
        for &document in &picks {
            segment.documents.prefetch(document);
        }
        colidx_kernels::kernels().gather_dots(segment.means.section(), &picks, &column, dots);
        for (&(score, document), &dot) in block.iter().zip(&*dots) {
            let vectors = segment.documents.vectors(document.document())?.len();
            traits.push([
                (f64::from(score) * candidates.unit) as f32,
                (f64::from(dot) * step) as f32,
                (vectors as f32).sqrt(),
            ]);
        }
    }
    let documents = candidates.scored.iter().map(|&(_, document)| document);
    Ok(Choice::new(documents.collect(), traits, PRIOR))
}
