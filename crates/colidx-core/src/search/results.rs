//! What a search returns: hits, and the work that found them.

use super::SearchOptions;
use crate::error::Result;
use crate::snapshot::{DocId, Place, Snapshot};
use std::time::Duration;

/// One document found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The document, in the state of the index that was searched.
    pub doc: DocId,
    /// The caller's name for it.
    pub key: String,
    /// What it is ranked by: its MaxSim, its BM25, or what [`Fusion`](crate::Fusion) makes of both.
    pub score: f32,
    /// The exact MaxSim of the query over the document's decoded vectors (ColBERT, section 3.2):
    /// the sum over query tokens of the largest dot product with a document token. `None` in a
    /// search by words alone, and for a document without vectors.
    pub maxsim: Option<f32>,
    /// Its BM25; `None` in a search by vectors alone.
    pub bm25: Option<f32>,
    /// Its metadata, a JSON object or empty; `None` unless [`SearchOptions::metadata`] asks for it.
    ///
    /// [`SearchOptions::metadata`]: crate::SearchOptions::metadata
    pub metadata: Option<String>,
}

/// A document and what it scored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored {
    pub place: Place,
    pub score: f32,
    pub maxsim: Option<f32>,
    pub bm25: Option<f32>,
}

impl Scored {
    pub(super) fn by_maxsim((score, place): (f32, Place)) -> Self {
        Self {
            place,
            score,
            maxsim: Some(score),
            bm25: None,
        }
    }
}

/// The best documents as hits: by score descending, then key ascending.
pub(super) fn hits(
    snapshot: &Snapshot,
    scored: Vec<Scored>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    let mut ranked = Vec::with_capacity(scored.len());
    for scored in scored {
        ranked.push((snapshot.key(scored.place)?, scored));
    }
    ranked.sort_unstable_by(|(key, a), (other, b)| {
        b.score.total_cmp(&a.score).then_with(|| key.cmp(other))
    });
    ranked.truncate(options.k);
    let hit = |(key, scored): (&str, Scored)| {
        let stored = options.metadata.then(|| snapshot.text(scored.place));
        Ok(Hit {
            doc: snapshot.doc_id(scored.place),
            key: key.to_owned(),
            score: scored.score,
            maxsim: scored.maxsim,
            bm25: scored.bm25,
            metadata: stored.transpose()?.map(|stored| stored.metadata),
        })
    };
    ranked.into_iter().map(hit).collect()
}

/// The work a search did.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SearchStats {
    /// Whether every document was scored.
    pub exact: bool,
    /// Centroids and centres of cells that were scored for a query token, at most.
    pub centroids_scored: u64,
    /// Posting lists that were read, over all segments.
    pub postings_read: u64,
    /// Documents found through posting lists.
    pub candidates: u64,
    /// Documents that were scored by partial MaxSim.
    pub documents_partial: u64,
    /// Documents that were scored in 16 bits, to within a proven bound.
    pub documents_screened: u64,
    /// Documents that were scored exactly, in f32.
    pub documents_scored: u64,
    /// Token vectors decoded.
    pub vectors_decoded: u64,
    /// Bytes of the index that were read.
    pub bytes_touched: u64,
    /// Times that probes and postings were widened, because too few candidates were found.
    pub widened: u32,
    /// Time of step 1: the best centroids.
    pub centroid_time: Duration,
    /// Time of steps 2 and 3: candidates, and selection by their features.
    pub candidate_time: Duration,
    /// Time of step 4: partial MaxSim.
    pub partial_time: Duration,
    /// Time to find the best documents by words.
    pub words_time: Duration,
    /// Time of step 5: exact MaxSim.
    pub exact_time: Duration,
    /// Time in all.
    pub total_time: Duration,
}

impl SearchStats {
    /// Adds the work of a part of the search that ran on its own.
    pub(super) fn add_work(&mut self, part: &SearchStats) {
        self.documents_partial += part.documents_partial;
        self.documents_screened += part.documents_screened;
        self.documents_scored += part.documents_scored;
        self.vectors_decoded += part.vectors_decoded;
        self.bytes_touched += part.bytes_touched;
    }
}

/// Hits, best first, and the work that found them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchResults {
    /// By score descending, then key ascending.
    pub hits: Vec<Hit>,
    /// The work that found them.
    pub stats: SearchStats,
}
