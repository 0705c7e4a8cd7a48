//! Search: from all documents to the best k, in five steps, each more precise and over fewer
//! documents.
//!
//! 1. [`centroids`]: the centroids nearest to each query token.
//! 2. [`candidates`]: documents in the posting lists of these, with a centroid score each.
//! 3. [`features`]: two more cheap features of the best of them, which estimate their MaxSim;
//!    [`selection`] picks by these, after a pilot batch has fitted their weights.
//! 4. [`partial_maxsim`]: MaxSim over the vectors near the query.
//! 5. [`exact`]: MaxSim over all vectors of the best of these.
//!
//! [`words`] ranks by BM25 instead, and [`hybrid`] by both.
//!
//! After PLAID (arXiv 2205.09707), whose centroid interaction step 4 replaces, and WARP
//! (2501.17788), whose imputation steps 2 and 4 use. [`tuning`] has all tuned numbers, and
//! `docs/lab/2026-11-27-search.md` the measurements behind them.

mod accumulators;
mod candidates;
mod centroid_scores;
mod centroids;
mod exact;
mod explain;
mod features;
mod hybrid;
mod imputation;
mod options;
mod par_map;
mod partial_maxsim;
mod query;
mod query_pooling;
mod ranking;
mod readahead;
mod results;
mod ridge;
mod scope;
mod scratch;
mod selection;
mod top_k;
mod tuning;
mod word_query;
mod words;

pub use explain::TokenMatch;
pub(crate) use explain::explain;
pub use hybrid::Fusion;
pub(crate) use hybrid::search_hybrid;
use options::Depths;
pub use options::SearchOptions;
pub use query::Query;
pub use results::{Hit, SearchResults, SearchStats};
pub(crate) use scratch::Scratch;
pub use word_query::WordQuery;
pub use words::WordMatch;
pub(crate) use words::{explain_words, search_words};

use crate::error::Result;
use crate::snapshot::{Place, Snapshot};
use candidates::Candidates;
use centroids::Probes;
use exact::ExactScorer;
use partial_maxsim::PartialScorer;
use ranking::Ranking;
use results::Scored;
use scope::Scope;
use selection::Selector;
use std::time::Instant;

/// What every step of one search reads.
#[derive(Clone, Copy)]
struct Context<'a> {
    snapshot: &'a Snapshot,
    scope: &'a Scope<'a>,
    scratch: &'a Scratch,
    query: &'a Query,
    options: &'a SearchOptions,
}

impl Context<'_> {
    /// The size of the index, by which depths grow.
    fn size(&self) -> u64 {
        let snapshot = self.snapshot;
        tuning::size(snapshot.num_documents(), snapshot.num_vectors())
    }
}

/// Ranks by MaxSim.
pub(crate) fn search(
    snapshot: &Snapshot,
    scratch: &Scratch,
    query: &Query,
    options: &SearchOptions,
) -> Result<SearchResults> {
    let started = Instant::now();
    let mut stats = SearchStats::default();
    query.check(snapshot.codebook())?;
    let options = &options.settled(snapshot)?;
    let scope = Scope::new(snapshot, options)?;
    let context = Context {
        snapshot,
        scope: &scope,
        scratch,
        query,
        options,
    };
    let hits = scratch.readahead.watch(|| {
        let scored = rank(context, &mut stats)?.into_iter();
        results::hits(snapshot, scored.map(Scored::by_maxsim).collect(), options)
    })?;
    stats.total_time = started.elapsed();
    Ok(SearchResults { hits, stats })
}

/// The best `k` documents by MaxSim, and those that score as the last of them, in no order.
fn rank(context: Context<'_>, stats: &mut SearchStats) -> Result<Vec<(f32, Place)>> {
    let options = context.options;
    let mut ranking = Ranking::new(options.k);
    if options.k > 0 {
        stats.exact = options.exact || is_exact_cheaper(context);
        match stats.exact {
            true => score_all(context, &mut ranking, stats)?,
            false => score_candidates(context, &mut ranking, stats)?,
        }
    }
    Ok(ranking.into_scored())
}

/// Whether to score every document: there are few vectors for the centroids to score, or hardly
/// more documents than would be looked at anyway.
fn is_exact_cheaper(context: Context<'_>) -> bool {
    let Context { scope, options, .. } = context;
    let centroids = context.snapshot.codebook().len() as u64;
    scope.vectors() <= tuning::EXACT_VECTORS_PER_CENTROID * centroids
        || scope.documents() <= options.depths(scope.size()).candidates as u64
}

/// Step 5, for every document.
fn score_all(context: Context<'_>, ranking: &mut Ranking, stats: &mut SearchStats) -> Result<()> {
    let started = Instant::now();
    let documents = context.scope.places();
    let exact = ExactScorer::new(context);
    for documents in documents.chunks(tuning::EXACT_BATCH) {
        exact.rank(documents, ranking, stats)?;
    }
    stats.exact_time = started.elapsed();
    Ok(())
}

/// Steps 1 to 5.
fn score_candidates(
    context: Context<'_>,
    ranking: &mut Ranking,
    stats: &mut SearchStats,
) -> Result<()> {
    let options = context.options;
    let Depths {
        candidates: wanted,
        rerank,
    } = options.depths(context.size());
    let (probes, candidates) = find_candidates(context, wanted, stats)?;

    options.check_limits()?;
    let started = Instant::now();
    let places = candidates.scored.iter().map(|&(_, document)| document);
    readahead::mean_residuals(context, places);
    let selector = features::selector(context, &candidates)?;
    let dim = context.snapshot.codebook().dim;
    stats.bytes_touched += (candidates.scored.len() * dim) as u64;
    stats.candidate_time += started.elapsed();

    let exact = ExactScorer::new(context);
    let mut score = |selected: &[Place], stats: &mut SearchStats| {
        let started = Instant::now();
        let scores = exact.rank(selected, ranking, stats);
        stats.exact_time += started.elapsed();
        scores
    };
    if wanted <= rerank {
        // Step 4 would have nothing to leave out.
        let pilot = tuning::pilot_size(wanted);
        return selector.pilot_then_rest(pilot, wanted, |selected| score(selected, stats));
    }
    let selector = score_partially(context, &probes, selector, wanted, stats)?;
    let pilot = tuning::rerank_pilot_size(rerank);
    selector.pilot_then_rest(pilot, rerank, |selected| score(selected, stats))
}

/// Steps 1 and 2, with ever more probes and postings until `wanted` candidates are found, and as
/// large a share of the documents in scope as of all.
fn find_candidates<'a>(
    context: Context<'a>,
    wanted: usize,
    stats: &mut SearchStats,
) -> Result<(Probes<'a>, Candidates)> {
    let centroids = context.snapshot.codebook().len();
    let (documents, size) = (context.scope.documents(), context.size());
    let tokens = context.query.pooled().weights().len();
    let shortlist = tuning::shortlist_size(wanted, size, tokens);
    let mut n_probe = context.options.probes(size, tokens);
    let mut postings = context.options.postings(context.scope.size(), size, tokens);
    loop {
        let started = Instant::now();
        context.options.check_limits()?;
        let probes = centroids::probe(context, n_probe)?;
        stats.centroids_scored += probes.scored;
        stats.centroid_time += started.elapsed();
        let started = Instant::now();
        readahead::posting_lists(context, &probes)?;
        let candidates = candidates::find(context, &probes, shortlist, postings, stats)?;
        stats.candidate_time += started.elapsed();
        // Every document with vectors is in some list, so all lists lead to all of them.
        let all = n_probe >= centroids && postings == u64::MAX;
        let wider = match candidates.found < wanted {
            true => tuning::WIDENING,
            // Once is enough: it is no longer about too few.
            false if stats.widened > 0 => 1,
            false => {
                let found = candidates.found as f64 / documents.max(1) as f64;
                tuning::widening_of_scope(found, candidates.listed)
            }
        };
        if wider == 1 || all {
            stats.candidates = candidates.found as u64;
            return Ok((probes, candidates));
        }
        n_probe = n_probe.saturating_mul(wider);
        // With all centroids probed, all their lists must be read too.
        postings = if n_probe >= centroids {
            u64::MAX
        } else {
            postings.saturating_mul(wider as u64)
        };
        stats.widened += 1;
    }
}

/// Step 4: partial MaxSim of `wanted` candidates, to select among them.
fn score_partially(
    context: Context<'_>,
    probes: &Probes<'_>,
    candidates: Selector<{ features::FEATURES }>,
    wanted: usize,
    stats: &mut SearchStats,
) -> Result<Selector<{ partial_maxsim::FEATURES }>> {
    let started = Instant::now();
    let scorer = PartialScorer::new(context, probes);
    let (mut documents, mut features) = (Vec::new(), Vec::new());
    candidates.pilot_then_rest(tuning::pilot_size(wanted), wanted, |selected| {
        readahead::vectors(context, selected)?;
        let found = scorer.features(selected, stats)?;
        for (&document, found) in selected.iter().zip(&found) {
            // A document without vectors has no score.
            if let Some(found) = found {
                documents.push(document);
                features.push(*found);
            }
        }
        Ok(found.iter().map(|f| Some(f64::from((*f)?[0]))).collect())
    })?;
    stats.partial_time = started.elapsed();
    Ok(Selector::new(documents, features, tuning::PARTIAL_PRIOR))
}
