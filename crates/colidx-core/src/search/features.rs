//! Features of a candidate: cheap to compute, and together an estimate of its MaxSim.
//!
//! - Its centroid score ([`super::candidates`]).
//! - Its residual bias. Token vectors are contextual, so those of one document lie off their
//!   centroids in a common direction: the mean of its residuals. If every vector lay off its
//!   centroid by exactly that, MaxSim would differ from the centroid score by the product of the
//!   mean with the sum of the query's vectors. This tells documents apart where centroids cannot,
//!   for one product a document.
//! - The square root of the number of its vectors. The more there are, the better is the best match
//!   of a query token that no posting list led to.

use super::Context;
use super::candidates::Candidates;
use super::selection::Selector;
use super::tuning::{self, FEATURE_BATCH};
use crate::error::Result;

/// Number of features of a candidate.
pub(super) const FEATURES: usize = 3;

/// Computes the features of candidates, to select among them.
pub(super) fn selector(
    context: Context<'_>,
    candidates: &Candidates,
) -> Result<Selector<FEATURES>> {
    let snapshot = context.snapshot;
    let panels = context.query.residual_bias(snapshot.codebook().scales());
    let (column, step) = (panels.column(0), panels.step());
    let mut features = Vec::with_capacity(candidates.scored.len());
    let (mut picks, mut dots) = (Vec::new(), [0; FEATURE_BATCH]);
    let by_segment = candidates
        .scored
        .chunk_by(|(_, a), (_, b)| a.segment() == b.segment());
    for batch in by_segment.flat_map(|documents| documents.chunks(FEATURE_BATCH)) {
        let segment = &snapshot.segments()[batch[0].1.segment()];
        picks.clear();
        picks.extend(batch.iter().map(|(_, document)| document.document()));
        let dots = &mut dots[..batch.len()];
        for &document in &picks {
            segment.documents.prefetch(document);
        }
        let rows = segment.mean_residuals.section();
        colidx_kernels::kernels().gather_dots(rows, &picks, &column, dots);
        for (&(score, document), &dot) in batch.iter().zip(&*dots) {
            let vectors = segment.documents.vectors(document.document())?.len();
            features.push([
                (f64::from(score) * candidates.unit) as f32,
                (f64::from(dot) * step) as f32,
                (vectors as f32).sqrt(),
            ]);
        }
    }
    let documents = candidates.scored.iter().map(|&(_, document)| document);
    let prior = tuning::CANDIDATE_PRIOR;
    Ok(Selector::new(documents.collect(), features, prior))
}
