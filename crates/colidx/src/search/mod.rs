//! Search: centroids near the query's tokens give candidate documents, centroid-level scores prune
//! them, exact MaxSim over the decoded vectors ranks what is left (PLAID, arXiv 2205.09707).

mod candidates;
mod centroids;
mod exact;
mod explain;
mod query;
mod rank;

pub use explain::TokenMatch;
pub(crate) use explain::explain;
pub use query::Query;

use crate::error::Result;
use crate::index::{DocId, Index};
use candidates::Candidate;
use centroids::CentroidScores;
use exact::Scorer;
use rank::Ranking;
use std::time::{Duration, Instant};

/// How to search. [`SearchOptions::default`] gives the measured defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// Hits wanted. A search returns fewer only when there are fewer documents with vectors.
    pub k: usize,
    /// Score every document; otherwise that is done where it is no slower.
    pub exact: bool,
    /// Centroids probed for each query token; more find more candidates.
    pub probes: usize,
    /// Documents whose vectors are decoded and scored; at least `k` are.
    pub candidates: Option<usize>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            exact: false,
            probes: 4,
            candidates: None,
        }
    }
}

impl SearchOptions {
    /// Documents to decode: the measured knee (`docs/search.md`).
    fn candidates(&self) -> usize {
        self.candidates.unwrap_or(96 + 4 * self.k).max(self.k)
    }
}

/// One document found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Where the document is in this index.
    pub doc: DocId,
    /// The caller's name for it.
    pub key: String,
    /// The exact MaxSim of the query over the document's decoded vectors (ColBERT, section 3.2):
    /// the sum over query tokens of the largest dot product with a document token.
    pub score: f32,
}

/// The work a search did.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SearchStats {
    /// Whether every document was scored.
    pub exact: bool,
    /// Centroids whose posting lists were read, over all segments.
    pub centroids_probed: u64,
    /// Documents found through posting lists.
    pub candidates: u64,
    /// Documents whose vectors were decoded and scored.
    pub documents_decoded: u64,
    /// Token vectors decoded.
    pub vectors_decoded: u64,
    /// Bytes of the index that were read.
    pub bytes_touched: u64,
    /// Times the search widened because too few candidates were found.
    pub widened: u32,
    /// Time to score all centroids.
    pub centroid_time: Duration,
    /// Time to find candidates and score them by their centroids.
    pub candidate_time: Duration,
    /// Time to decode and score exactly.
    pub exact_time: Duration,
    /// Time in all.
    pub total_time: Duration,
}

/// Hits, best first, and the work that found them.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResults {
    /// By score descending, then key ascending.
    pub hits: Vec<Hit>,
    /// What it took.
    pub stats: SearchStats,
}

pub(crate) fn search(
    index: &Index,
    query: &Query,
    options: &SearchOptions,
) -> Result<SearchResults> {
    let started = Instant::now();
    let mut stats = SearchStats::default();
    query.check_dim(index.dim())?;
    let mut ranking = Ranking::new(options.k);
    if options.k > 0 {
        stats.exact = options.exact || scanning_is_cheaper(index, options);
        if stats.exact {
            score_all(index, query, &mut ranking, &mut stats)?;
        } else {
            score_candidates(index, query, options, &mut ranking, &mut stats)?;
        }
    }
    let hits = ranking.into_hits(index)?;
    stats.total_time = started.elapsed();
    Ok(SearchResults { hits, stats })
}

/// Scoring the centroids costs about as much a centroid as scoring costs a vector, so with few vectors
/// a centroid, or few documents more than would be decoded anyway, there is nothing to gain.
fn scanning_is_cheaper(index: &Index, options: &SearchOptions) -> bool {
    index.vectors() <= 2 * index.codebook().len() as u64
        || index.documents() <= options.candidates() as u64
}

fn score_all(
    index: &Index,
    query: &Query,
    ranking: &mut Ranking,
    stats: &mut SearchStats,
) -> Result<()> {
    let started = Instant::now();
    let mut scorer = Scorer::new(query);
    for (segment_number, segment) in index.segments().iter().enumerate() {
        for document in 0..segment.documents.len() {
            if let Some(score) = scorer.score(index.codebook(), segment, document, stats)? {
                ranking.push(score, DocId::new(segment_number, document));
            }
        }
    }
    stats.exact_time = started.elapsed();
    Ok(())
}

fn score_candidates(
    index: &Index,
    query: &Query,
    options: &SearchOptions,
    ranking: &mut Ranking,
    stats: &mut SearchStats,
) -> Result<()> {
    let started = Instant::now();
    let scores = CentroidScores::new(index.codebook(), query);
    stats.centroid_time = started.elapsed();

    let started = Instant::now();
    let wanted = options.candidates();
    let mut probes = options.probes.max(1);
    let mut candidates;
    loop {
        candidates = candidates::find(index, &scores, probes, stats)?;
        // Every document with vectors is in some list, so probing all lists finds all of them.
        if candidates.len() >= wanted || probes >= index.codebook().len() {
            break;
        }
        probes *= 4;
        stats.widened += 1;
    }
    stats.candidates = candidates.len() as u64;
    Candidate::keep_best(&mut candidates, wanted);
    stats.candidate_time = started.elapsed();

    let started = Instant::now();
    let mut scorer = Scorer::new(query);
    for candidate in &candidates {
        let segment = &index.segments()[candidate.doc.segment()];
        if let Some(score) =
            scorer.score(index.codebook(), segment, candidate.doc.document(), stats)?
        {
            ranking.push(score, candidate.doc);
        }
    }
    stats.exact_time = started.elapsed();
    Ok(())
}
