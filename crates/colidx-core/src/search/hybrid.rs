//! Search by vectors and words together: candidates from both, exact scores of both, one ranking.
//!
//! A convex combination of scores serves better than reciprocal ranks, in and out of domain, and
//! hardly depends on how they are normalised (Bruch, Gai and Ingber, arXiv 2210.11934). Here they
//! are not: MaxSim is a sum over the tokens of the query and BM25 one over its words, so both grow
//! with the query alike, and a score depends on query and document alone.

use super::exact::ExactScorer;
use super::ranking::Ranking;
use super::results::{self, Scored};
use super::scope::Scope;
use super::words::WordLists;
use super::{
    Context, Query, Scratch, SearchOptions, SearchResults, SearchStats, WordQuery, tuning,
};
use crate::error::{Error, Result};
use crate::snapshot::{DocumentSet, Place, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How MaxSim and BM25 become one score.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fusion {
    /// `weight` times MaxSim plus `1 - weight` times BM25, each as a hit has it. The weight is 0
    /// to 1.
    Convex {
        /// The weight of MaxSim.
        weight: f32,
    },
    /// Reciprocal rank fusion: the sum over both rankings of 1 / (`k` + rank), ranks from 1
    /// (Cormack, Clarke and Büttcher, SIGIR 2009). Unlike the others it depends on which documents
    /// are candidates.
    ReciprocalRank {
        /// Usually 60; more than 0.
        k: f32,
    },
    /// The best documents by words, ranked by MaxSim.
    Rerank,
}

impl Default for Fusion {
    /// The convex combination, with a weight of 0.965.
    fn default() -> Self {
        Self::Convex {
            weight: tuning::HYBRID_WEIGHT,
        }
    }
}

impl Fusion {
    fn check(self) -> Result<()> {
        let (option, got, expected, good) = match self {
            Self::Convex { weight } => {
                let good = (0.0..=1.0).contains(&weight);
                ("weight", weight, "at least 0 and at most 1", good)
            }
            Self::ReciprocalRank { k } => {
                let good = k > 0.0 && k.is_finite();
                ("k of reciprocal ranks", k, "more than 0", good)
            }
            Self::Rerank => return Ok(()),
        };
        match good {
            true => Ok(()),
            false => Err(Error::Option {
                option,
                got: got.to_string(),
                expected,
            }),
        }
    }
}

/// Ranks by MaxSim and BM25 together. What the words demand of a document holds.
pub(crate) fn search_hybrid(
    snapshot: &Snapshot,
    scratch: &Scratch,
    query: &Query,
    words: &WordQuery,
    fusion: Fusion,
    options: &SearchOptions,
) -> Result<SearchResults> {
    let started = Instant::now();
    let mut stats = SearchStats::default();
    fusion.check()?;
    query.check(snapshot.codebook())?;
    options.check_limits()?;
    let options = &options.settled(snapshot)?;
    let scope = Scope::new(snapshot, options)?;
    let lists = WordLists::new(snapshot, &scope, words)?;
    let hits = lists.with(|search| {
        let began = Instant::now();
        let depth = match fusion {
            Fusion::Rerank => tuning::rerank_words_depth(options.k),
            _ => tuning::hybrid_depth(options.k),
        };
        let mut candidates: BTreeSet<Place> = search
            .best(depth)?
            .iter()
            .map(|scored| scored.place)
            .collect();
        let demanded = search.demanded()?;
        stats.words_time = began.elapsed();

        let narrow = options.clone().k(depth);
        let scope = match demanded {
            Some(hidden) => scope.and(allowed(snapshot, hidden))?,
            None => scope.clone(),
        };
        let context = Context {
            snapshot,
            scope: &scope,
            scratch,
            query,
            options: &narrow,
        };
        let mut maxsim: BTreeMap<Place, f32> = BTreeMap::new();
        scratch.readahead.watch(|| {
            if fusion != Fusion::Rerank {
                for (score, place) in super::rank(context, &mut stats)? {
                    candidates.insert(place);
                    maxsim.insert(place, score);
                }
            }
            let rest: Vec<Place> = candidates
                .iter()
                .filter(|place| !maxsim.contains_key(place))
                .copied()
                .collect();
            score_exactly(context, &rest, &mut maxsim, &mut stats)
        })?;
        let places: Vec<Place> = candidates.into_iter().collect();
        let bm25 = search.score(&places)?;
        let found = places.iter().zip(bm25).map(|(&place, bm25)| Scored {
            place,
            score: 0.0,
            maxsim: maxsim.get(&place).copied(),
            bm25: Some(bm25),
        });
        let mut found: Vec<Scored> = found.collect();
        fuse(fusion, &mut found);
        results::hits(snapshot, found, options)
    })?;
    stats.total_time = started.elapsed();
    Ok(SearchResults { hits, stats })
}

/// The documents whose bits are not set.
fn allowed(snapshot: &Snapshot, hidden: Vec<Vec<u64>>) -> DocumentSet {
    let segments = hidden.into_iter().zip(snapshot.segments());
    let words = segments.map(|(words, segment)| {
        let documents = segment.documents.len();
        let words = words.into_iter().map(|word| !word).collect::<Vec<_>>();
        colidx_metadata::columns::Bits::from_words(&words, documents)
            .words()
            .to_vec()
    });
    DocumentSet::of_words(snapshot, words.collect())
}

/// Adds the MaxSim of each of these documents that has vectors.
fn score_exactly(
    context: Context<'_>,
    places: &[Place],
    maxsim: &mut BTreeMap<Place, f32>,
    stats: &mut SearchStats,
) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    // As many as there are, so that none is screened out.
    let mut ranking = Ranking::new(places.len());
    ExactScorer::new(context).rank(places, &mut ranking, stats)?;
    maxsim.extend(
        ranking
            .into_scored()
            .into_iter()
            .map(|(score, place)| (place, score)),
    );
    stats.exact_time += began.elapsed();
    Ok(())
}

/// Sets the scores.
fn fuse(fusion: Fusion, found: &mut [Scored]) {
    match fusion {
        Fusion::Convex { weight } => {
            for scored in found {
                let (maxsim, bm25) = (scored.maxsim.unwrap_or(0.0), scored.bm25.unwrap_or(0.0));
                scored.score = weight * maxsim + (1.0 - weight) * bm25;
            }
        }
        Fusion::ReciprocalRank { k } => {
            let by = |part: fn(&Scored) -> Option<f32>, found: &mut [Scored]| {
                let mut order: Vec<usize> = (0..found.len())
                    .filter(|&at| part(&found[at]) > Some(0.0))
                    .collect();
                order.sort_by(|&a, &b| {
                    let (a, b) = (&found[a], &found[b]);
                    let scores = part(b).unwrap_or(0.0).total_cmp(&part(a).unwrap_or(0.0));
                    scores.then_with(|| a.place.cmp(&b.place))
                });
                for (rank, at) in (1u32..).zip(order) {
                    found[at].score += 1.0 / (k + rank as f32);
                }
            };
            by(|scored| scored.maxsim, found);
            by(|scored| scored.bm25, found);
        }
        Fusion::Rerank => {
            for scored in found {
                scored.score = scored.maxsim.unwrap_or(0.0);
            }
        }
    }
}
