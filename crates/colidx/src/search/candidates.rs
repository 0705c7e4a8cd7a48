//! Candidate documents: found through posting lists, scored by their centroids.

use super::SearchStats;
use super::centroids::CentroidScores;
use crate::error::Result;
use crate::index::{DocId, Index};
use crate::segment::Segment;

/// A document and its score at centroid level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Sum over query tokens of the best centroid's steps ([`CentroidScores::table`]).
    pub score: u32,
    pub doc: DocId,
}

impl Candidate {
    /// Keeps the `count` best, of equal scores the earlier documents, in document order: the vectors
    /// are then read front to back.
    pub(super) fn keep_best(candidates: &mut Vec<Self>, count: usize) {
        if candidates.len() > count {
            candidates.select_nth_unstable_by(count, |a, b| {
                b.score.cmp(&a.score).then(a.doc.cmp(&b.doc))
            });
            candidates.truncate(count);
        }
        candidates.sort_unstable_by_key(|c| c.doc);
    }
}

/// All documents in the posting lists of the best `probes` centroids of each query token, scored
/// over all their centroids, not only the probed ones (PLAID section 4.3, centroid interaction).
pub(super) fn find(
    index: &Index,
    scores: &CentroidScores,
    probes: usize,
    stats: &mut SearchStats,
) -> Result<Vec<Candidate>> {
    let probed = scores.best(probes);
    stats.centroids_probed = (probed.len() * index.segments().len()) as u64;
    let mut candidates = Vec::new();
    for (segment_number, segment) in index.segments().iter().enumerate() {
        let documents = listed(segment, &probed, stats)?;
        let mut best = vec![0u8; scores.stride()];
        for document in documents {
            let range = segment.documents.vectors(document)?;
            if range.is_empty() {
                continue;
            }
            best.fill(0);
            segment
                .vectors
                .max_rows(scores.table(), scores.stride(), range, &mut best)?;
            candidates.push(Candidate {
                score: best.iter().map(|&b| u32::from(b)).sum(),
                doc: DocId::new(segment_number, document),
            });
        }
    }
    Ok(candidates)
}

/// Documents in the lists of the probed centroids, ascending, each once.
fn listed(segment: &Segment, probed: &[u32], stats: &mut SearchStats) -> Result<Vec<u32>> {
    let count = segment.documents.len();
    let mut seen = vec![0u64; (count as usize).div_ceil(64)];
    for &centroid in probed {
        stats.bytes_touched += segment
            .postings
            .visit(centroid as usize, count, |document| {
                seen[document as usize / 64] |= 1 << (document % 64);
            })?;
    }
    let mut documents = Vec::new();
    for (word, mut bits) in seen.into_iter().enumerate() {
        while bits != 0 {
            documents.push(word as u32 * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    Ok(documents)
}
