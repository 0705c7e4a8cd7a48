//! Search: from all documents to the best few, each step looking closer at fewer.
//!
//! 1. The centroids nearest to the query's tokens are found ([`centroids`]).
//! 2. Their posting lists give candidate documents and a score at centroid level ([`candidates`]), from which and from two more
//!    traits MaxSim is estimated ([`estimate`]).
//! 3. Of the candidates with the best estimates the vectors near the query are decoded and scored ([`near`]); the first of
//!    them teach how to estimate.
//! 4. The best of these, the finalists, are decoded whole and ranked by exact MaxSim ([`exact`]).
//!
//! After PLAID (arXiv 2205.09707), whose centroid interaction step 3 replaces, and WARP (2501.17788), whose imputation steps 2
//! and 3 use; `docs/search.md` has the measurements behind the choices.

mod ahead;
mod candidates;
mod centroids;
mod choice;
mod exact;
mod explain;
mod merged;
mod near;
mod pool;
mod query;
mod rank;
mod ridge;
mod spread;
mod table;
mod top;
mod traits;
mod tuning;

pub use explain::TokenMatch;
pub(crate) use explain::explain;
pub use query::Query;

use crate::error::Result;
use crate::snapshot::{DocId, Place, Snapshot};
use centroids::Probes;
use choice::Choice;
use exact::Exact;
use near::Near;
pub(crate) use pool::Scratch;
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
    /// Documents whose vectors near the query are decoded; `None` chooses by the size of the index and `k`. With no more than
    /// `finalists` these are decoded whole at once.
    pub candidates: Option<usize>,
    /// Documents whose vectors are all decoded, at least `k`; `None` chooses by `k`.
    pub finalists: Option<usize>,
    /// Spread one search over the threads of the current rayon pool. The hits are the same; many searches at a time are
    /// better served by a thread each.
    pub parallel: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            exact: false,
            probes: tuning::N_PROBE,
            candidates: None,
            finalists: None,
            parallel: false,
        }
    }
}

impl SearchOptions {
    /// Documents to decode whole: the measured knee (`docs/search.md`).
    fn finalists(&self) -> usize {
        let chosen = self.finalists.unwrap_or(tuning::rerank(self.k));
        chosen.max(self.k)
    }

    /// Documents to look at closer: the measured knee (`docs/search.md`). What centroids tell apart shrinks as documents
    /// become many, though much slower than they do.
    fn candidates(&self, documents: u64) -> usize {
        let chosen = tuning::candidates(self.k, documents);
        self.candidates.unwrap_or(chosen).max(self.finalists())
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
    /// Centroids, and centres of cells, that were compared with a query token: of all tokens the most.
    pub centroids_scored: u64,
    /// Posting lists that were read, over all segments.
    pub postings_read: u64,
    /// Documents found through posting lists.
    pub candidates: u64,
    /// Documents that were scored by their vectors near the query.
    pub documents_near: u64,
    /// Documents whose vectors were decoded to 16 bits and scored within a bound.
    pub documents_screened: u64,
    /// Documents whose vectors were decoded to f32 and scored exactly.
    pub documents_scored: u64,
    /// Token vectors decoded.
    pub vectors_decoded: u64,
    /// Bytes of the index that were read.
    pub bytes_touched: u64,
    /// Times the search widened because too few candidates were found.
    pub widened: u32,
    /// Time to find the best centroids.
    pub centroid_time: Duration,
    /// Time to find candidates and score them by their centroids.
    pub candidate_time: Duration,
    /// Time to score candidates by their vectors near the query.
    pub near_time: Duration,
    /// Time to decode and score exactly.
    pub exact_time: Duration,
    /// Time in all.
    pub total_time: Duration,
}

impl SearchStats {
    /// Adds the work of a part of the search that ran on its own.
    fn add_work(&mut self, part: &SearchStats) {
        self.documents_near += part.documents_near;
        self.documents_screened += part.documents_screened;
        self.documents_scored += part.documents_scored;
        self.vectors_decoded += part.vectors_decoded;
        self.bytes_touched += part.bytes_touched;
    }
}

/// Hits, best first, and the work that found them.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResults {
    /// By score descending, then key ascending.
    pub hits: Vec<Hit>,
    /// What it took.
    pub stats: SearchStats,
}

/// What every step of one search reads.
#[derive(Clone, Copy)]
struct Context<'a> {
    snapshot: &'a Snapshot,
    scratch: &'a Scratch,
    query: &'a Query,
    /// Whether the threads of the pool share the work.
    parallel: bool,
}

pub(crate) fn search(
    snapshot: &Snapshot,
    scratch: &Scratch,
    query: &Query,
    options: &SearchOptions,
) -> Result<SearchResults> {
    let started = Instant::now();
    let mut stats = SearchStats::default();
    query.check(snapshot.codebook())?;
    let context = Context {
        snapshot,
        scratch,
        query,
        parallel: options.parallel,
    };
    let mut ranking = Ranking::new(options.k);
    let hits = scratch.ahead.watch(|| {
        if options.k > 0 {
            stats.exact = options.exact || scanning_is_cheaper(snapshot, options);
            if stats.exact {
                score_all(context, &mut ranking, &mut stats)?;
            } else {
                score_candidates(context, options, &mut ranking, &mut stats)?;
            }
        }
        ranking.into_hits(snapshot)
    })?;
    stats.total_time = started.elapsed();
    Ok(SearchResults { hits, stats })
}

/// Scoring the centroids costs about as much a centroid as scoring costs a vector, so with few vectors
/// a centroid, or few documents more than would be decoded anyway, there is nothing to gain.
fn scanning_is_cheaper(snapshot: &Snapshot, options: &SearchOptions) -> bool {
    let documents = snapshot.num_documents();
    snapshot.num_vectors() <= tuning::EXACT_VECTORS_PER_CENTROID * snapshot.codebook().len() as u64
        || documents <= options.candidates(documents) as u64
}

fn score_all(context: Context<'_>, ranking: &mut Ranking, stats: &mut SearchStats) -> Result<()> {
    let started = Instant::now();
    let documents: Vec<Place> = context.snapshot.places().collect();
    let exact = Exact::new(context);
    for documents in documents.chunks(tuning::EXACT_BATCH) {
        exact.take(documents, ranking, stats)?;
    }
    stats.exact_time = started.elapsed();
    Ok(())
}

fn score_candidates(
    context: Context<'_>,
    options: &SearchOptions,
    ranking: &mut Ranking,
    stats: &mut SearchStats,
) -> Result<()> {
    let book = context.snapshot.codebook();
    let documents = context.snapshot.num_documents();
    let wanted = options.candidates(documents);
    let considered = tuning::shortlist_size(wanted, documents);
    let mut count = options.probes.max(1);
    let mut entries = tuning::POSTINGS_PER_TOKEN;
    let (mut candidates, mut probes);
    loop {
        let started = Instant::now();
        probes = centroids::probe(context, count)?;
        stats.centroids_scored += probes.scored;
        stats.centroid_time += started.elapsed();
        let started = Instant::now();
        ahead::lists(context, &probes)?;
        candidates = candidates::find(context, &probes, considered, entries, stats)?;
        stats.candidate_time += started.elapsed();
        // Every document with vectors is in some list, so reading all lists finds all of them.
        let all = count >= book.len() && entries == u64::MAX;
        if candidates.found >= wanted || all {
            break;
        }
        count = count.saturating_mul(tuning::WIDENING);
        // The limit is for speed; once all lists are asked for, it must not keep one from being read.
        entries = if count >= book.len() {
            u64::MAX
        } else {
            entries.saturating_mul(tuning::WIDENING as u64)
        };
        stats.widened += 1;
    }
    stats.candidates = candidates.found as u64;

    let started = Instant::now();
    ahead::means(
        context,
        candidates.scored.iter().map(|&(_, document)| document),
    );
    let choice = traits::choice(context, &candidates)?;
    stats.bytes_touched += (candidates.scored.len() * book.dim) as u64;
    stats.candidate_time += started.elapsed();

    let finalists = options.finalists();
    let exact = Exact::new(context);
    let started;
    if wanted <= finalists {
        // All candidates are finalists, so vectors near the query have nothing to choose.
        started = Instant::now();
        choice.in_two_rounds(tuning::pilot_size(wanted), wanted, |chosen| {
            exact.take(chosen, ranking, stats)
        })?;
    } else {
        let choice = choose_by_near(context, &probes, choice, wanted, stats)?;
        started = Instant::now();
        choice.in_two_rounds(tuning::rerank_pilot_size(finalists), finalists, |chosen| {
            exact.take(chosen, ranking, stats)
        })?;
    }
    stats.exact_time = started.elapsed();
    Ok(())
}

/// Scores `wanted` of the candidates by their vectors near the query, for a choice among them.
fn choose_by_near(
    context: Context<'_>,
    probes: &Probes<'_>,
    candidates: Choice<{ traits::TRAITS }>,
    wanted: usize,
    stats: &mut SearchStats,
) -> Result<Choice<{ near::TRAITS }>> {
    let started = Instant::now();
    let near = Near::new(context, probes);
    let (mut documents, mut near_traits) = (Vec::new(), Vec::new());
    candidates.in_two_rounds(tuning::pilot_size(wanted), wanted, |chosen| {
        ahead::vectors(context, chosen)?;
        let traits = near.traits(chosen, stats)?;
        for (&document, traits) in chosen.iter().zip(&traits) {
            // A document without vectors has no score.
            if let Some(traits) = traits {
                documents.push(document);
                near_traits.push(*traits);
            }
        }
        Ok(traits.iter().map(|t| Some(f64::from((*t)?[0]))).collect())
    })?;
    stats.near_time = started.elapsed();
    Ok(Choice::new(documents, near_traits, tuning::PARTIAL_PRIOR))
}
