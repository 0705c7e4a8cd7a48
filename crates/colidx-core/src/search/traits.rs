//! What is cheap to know of a candidate and says something about its MaxSim: its traits.
//!
//! - The score of its centroids ([`super::candidates`]).
//! - The lean of its vectors. They are contextual: those of one document lie off their centroids in a common direction, the mean of its
//!   residuals. If every vector lay off its centroid by that mean, MaxSim would differ from the centroids' score by the
//!   product of the mean with the sum of the query's vectors: one product a document, which tells documents apart where centroids cannot.
//! - The root of the number of its vectors. The more there are, the better is the best match of a query token that no list led to.

use super::Context;
use super::candidates::Candidates;
use super::choice::Choice;
use super::tuning::{self, FEATURE_BATCH};
use crate::error::Result;

/// Traits of a candidate.
pub(super) const TRAITS: usize = 3;

/// A choice among candidates by their traits.
pub(super) fn choice(context: Context<'_>, candidates: &Candidates) -> Result<Choice<TRAITS>> {
    let panels = context.query.lean(context.snapshot.codebook().scales());
    let (column, step) = (panels.column(0), panels.step());
    let mut traits = Vec::with_capacity(candidates.scored.len());
    let (mut picks, mut dots) = (Vec::new(), [0; FEATURE_BATCH]);
    let by_segment = candidates
        .scored
        .chunk_by(|(_, a), (_, b)| a.segment() == b.segment());
    for block in by_segment.flat_map(|documents| documents.chunks(FEATURE_BATCH)) {
        let segment = &context.snapshot.segments()[block[0].1.segment()];
        picks.clear();
        picks.extend(block.iter().map(|(_, document)| document.document()));
        let dots = &mut dots[..block.len()];
        for &document in &picks {
            segment.documents.prefetch(document);
        }
        colidx_kernels::picked_dots(segment.means.section(), &picks, &column, dots);
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
    Ok(Choice::new(
        documents.collect(),
        traits,
        tuning::CANDIDATE_PRIOR,
    ))
}
