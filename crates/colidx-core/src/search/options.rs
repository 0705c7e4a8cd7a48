//! How to search, and for how long.

use super::tuning;
use crate::cancel::CancelToken;
use crate::error::{Error, Result, UnknownRecall};
use crate::snapshot::{DocumentSet, Snapshot};
use colidx_metadata::Filter;
use std::sync::Arc;
use std::time::Instant;

/// How to search. [`SearchOptions::default`] gives the measured defaults.
///
/// ```
/// use colidx_core::SearchOptions;
/// use std::time::{Duration, Instant};
///
/// let options = SearchOptions::default()
///     .k(20)
///     .metadata(true)
///     .deadline(Instant::now() + Duration::from_millis(50));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SearchOptions {
    /// Hits wanted. A search returns fewer only when there are fewer documents with vectors.
    pub k: usize,
    /// Score every document exactly. Without it that is done where it is no slower.
    pub exact: bool,
    /// The share of the exact top `k` to find, above 0 and at most 1; `None` for the default
    /// effort.
    ///
    /// 1 scores every document. Less needs an index where recall was measured for as many hits
    /// ([`IndexWriter::tune`](crate::IndexWriter::tune)), and which has not halved or doubled
    /// since; else the search fails with [`Error::UnknownRecall`]. What was measured holds without
    /// a filter. `candidates` and `rerank`, where given, come before it.
    pub recall: Option<f64>,
    /// Centroids probed for each query token; more find more candidates. `None` chooses by the size
    /// of the index and `k`.
    pub n_probe: Option<usize>,
    /// Candidates to score by partial MaxSim; `None` chooses by the size of the index and `k`.
    /// With no more than `rerank` all of them are scored exactly instead.
    pub candidates: Option<usize>,
    /// Documents to score by exact MaxSim, at least `k`; `None` chooses by the size of the index
    /// and `k`.
    pub rerank: Option<usize>,
    /// Spread one search over the threads of the current rayon pool. The hits are the same. Many
    /// searches at a time are faster on one thread each.
    pub parallel: bool,
    /// Return each hit's metadata, which is read from the stored text.
    pub metadata: bool,
    /// Candidates and reranked documents, in multiples of their defaults.
    pub(super) effort: f64,
    pub(super) within: Option<Arc<DocumentSet>>,
    pub(super) filter: Option<Arc<Filter>>,
    cancel: Option<CancelToken>,
    deadline: Option<Instant>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            exact: false,
            recall: None,
            n_probe: None,
            candidates: None,
            rerank: None,
            parallel: false,
            metadata: false,
            effort: 1.0,
            within: None,
            filter: None,
            cancel: None,
            deadline: None,
        }
    }
}

impl SearchOptions {
    /// Sets [`SearchOptions::k`].
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Sets [`SearchOptions::exact`].
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Sets [`SearchOptions::recall`]: a share, or `None` for the default effort.
    pub fn recall(mut self, recall: impl Into<Option<f64>>) -> Self {
        self.recall = recall.into();
        self
    }

    pub(crate) fn effort(mut self, effort: f64) -> Self {
        self.effort = effort;
        self
    }

    /// Sets [`SearchOptions::n_probe`]: a number, or `None` to choose.
    pub fn n_probe(mut self, n_probe: impl Into<Option<usize>>) -> Self {
        self.n_probe = n_probe.into();
        self
    }

    /// Sets [`SearchOptions::candidates`]: a number, or `None` to choose.
    pub fn candidates(mut self, candidates: impl Into<Option<usize>>) -> Self {
        self.candidates = candidates.into();
        self
    }

    /// Sets [`SearchOptions::rerank`]: a number, or `None` to choose.
    pub fn rerank(mut self, rerank: impl Into<Option<usize>>) -> Self {
        self.rerank = rerank.into();
        self
    }

    /// Sets [`SearchOptions::parallel`].
    pub fn parallel(mut self, parallel: bool) -> Self {
        self.parallel = parallel;
        self
    }

    /// Sets [`SearchOptions::metadata`].
    pub fn metadata(mut self, metadata: bool) -> Self {
        self.metadata = metadata;
        self
    }

    /// Finds documents of this set alone: as many as are wanted, where the set has as many.
    pub fn within(mut self, set: impl Into<Arc<DocumentSet>>) -> Self {
        self.within = Some(set.into());
        self
    }

    /// Finds documents alone whose metadata match, as many as are wanted where as many match. With
    /// [`SearchOptions::within`] they must also be in the set.
    ///
    /// ```
    /// use colidx_core::{Filter, FilterError, SearchOptions};
    ///
    /// let recent = Filter::parse("lang = 'en' AND year >= 2020")?;
    /// let options = SearchOptions::default().filter(recent);
    /// # Ok::<(), FilterError>(())
    /// ```
    pub fn filter(mut self, filter: impl Into<Arc<Filter>>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Stops the search with [`Error::SearchCancelled`] soon after the token is set.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = Some(token);
        self
    }

    /// Stops the search with [`Error::DeadlineExceeded`] soon after this time.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Fails when the search is cancelled or its deadline has passed.
    pub(super) fn check_limits(&self) -> Result<()> {
        if self.cancel.as_ref().is_some_and(CancelToken::is_cancelled) {
            return Err(Error::SearchCancelled);
        }
        if self.deadline.is_some_and(|at| Instant::now() >= at) {
            return Err(Error::DeadlineExceeded);
        }
        Ok(())
    }

    /// As these, with the effort that the recall asks for. Where no effort that was measured finds
    /// as much, every document is scored.
    ///
    /// Fails for a recall that is no share, or where nothing was measured that holds for this
    /// index.
    pub(super) fn settled(&self, snapshot: &Snapshot) -> Result<Self> {
        let Some(recall) = self.recall else {
            return Ok(self.clone());
        };
        if !(recall > 0.0 && recall <= 1.0) {
            return Err(Error::Option {
                option: "recall",
                got: recall.to_string(),
                expected: "above 0 and at most 1",
            });
        }
        let options = self.clone().recall(None);
        if recall == 1.0 || self.exact {
            return Ok(options.exact(true));
        }
        let unknown = |reason| Error::UnknownRecall {
            path: snapshot.directory().path().to_path_buf(),
            reason,
        };
        let Some(table) = &snapshot.manifest().recall else {
            return Err(unknown(UnknownRecall::NotMeasured));
        };
        table
            .holds_for(snapshot.num_documents(), self.k)
            .map_err(unknown)?;
        Ok(match table.effort(self.k, recall) {
            Some(effort) => options.effort(effort),
            None => options.exact(true),
        })
    }

    /// Centroids to probe for each of so many pooled query tokens, in an index of this size.
    pub(super) fn probes(&self, size: u64, tokens: usize) -> usize {
        let default = tuning::n_probe(size, tokens) as f64;
        let default = default * tuning::list_depth(self.effort);
        self.n_probe.unwrap_or(default as usize).max(1)
    }

    /// Posting list entries that each of so many pooled query tokens reads, in an index of this
    /// size; the documents that may be found are of the size `of`.
    pub(super) fn postings(&self, of: u64, size: u64, tokens: usize) -> u64 {
        let postings = tuning::postings_per_token(self.k, of, size, tokens) as f64;
        (postings * tuning::list_depth(self.effort)) as u64
    }

    /// Candidates and documents to rerank in an index of this size.
    pub(super) fn depths(&self, size: u64) -> Depths {
        let times = |number: usize| (number as f64 * self.effort).ceil() as usize;
        let rerank = self.rerank.unwrap_or(times(tuning::rerank(self.k, size)));
        let rerank = rerank.max(self.k);
        let candidates = times(tuning::candidates(self.k, size));
        Depths {
            candidates: self.candidates.unwrap_or(candidates).max(rerank),
            rerank,
        }
    }
}

/// How many documents the later steps look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depths {
    /// Documents to score by partial MaxSim.
    pub candidates: usize,
    /// Documents to score by exact MaxSim.
    pub rerank: usize,
}
