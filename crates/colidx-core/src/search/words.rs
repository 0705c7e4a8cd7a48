//! Search by words: BM25 over the posting lists of all segments.

use super::results::{self, Scored};
use super::scope::Scope;
use super::{SearchOptions, SearchResults, SearchStats, WordQuery};
use crate::error::{Error, Result};
use crate::format::frame::Section;
use crate::segment::words::{Words, damaged};
use crate::snapshot::{Place, Snapshot};
use colidx_lexical::{Analyzer, Query, Search, Segment};
use std::ops::Range;
use std::time::Instant;

/// Ranks by BM25. Documents that have none of the words are no hits.
pub(crate) fn search_words(
    snapshot: &Snapshot,
    query: &WordQuery,
    options: &SearchOptions,
) -> Result<SearchResults> {
    let started = Instant::now();
    options.check_limits()?;
    let scope = Scope::new(snapshot, options)?;
    let lists = WordLists::new(snapshot, &scope, query)?;
    let scored = lists.with(|search| search.best(options.k))?;
    let hits = results::hits(snapshot, scored, options)?;
    let elapsed = started.elapsed();
    let stats = SearchStats {
        words_time: elapsed,
        total_time: elapsed,
        ..SearchStats::default()
    };
    Ok(SearchResults { hits, stats })
}

/// A word of a query that a document has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WordMatch {
    /// The word as the index has it: lower case, perhaps a stem.
    pub term: String,
    /// How often the document has it.
    pub frequency: u32,
    /// How many documents have it.
    pub documents: u64,
    /// What it adds to the document's BM25.
    pub score: f32,
    /// Where it stands in the title, in bytes.
    pub title: Vec<Range<usize>>,
    /// Where it stands in the text, in bytes.
    pub text: Vec<Range<usize>>,
}

/// The words of the query that a document has, in the order of the query. What they add is the
/// document's BM25.
pub(crate) fn explain_words(
    snapshot: &Snapshot,
    query: &WordQuery,
    place: Place,
) -> Result<Vec<WordMatch>> {
    let options = SearchOptions::default();
    let scope = Scope::new(snapshot, &options)?;
    let lists = WordLists::new(snapshot, &scope, query)?;
    let mut found: Vec<(usize, WordMatch)> = lists.with(|search| search.explain(place))?;
    let stored = snapshot.text(place)?;
    let mut locate = |text: &str, part: fn(&mut WordMatch) -> &mut Vec<Range<usize>>| {
        lists.query.matches(text, &lists.analyzer, |term, bytes| {
            let matched = found.iter_mut().find(|(at, _)| *at == term);
            matched
                .into_iter()
                .for_each(|(_, found)| part(found).push(bytes.clone()));
        });
    };
    locate(&stored.title, |found| &mut found.title);
    locate(&stored.text, |found| &mut found.text);
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The posting lists of a snapshot's words, for one query.
pub(super) struct WordLists<'a> {
    snapshot: &'a Snapshot,
    scope: &'a Scope<'a>,
    pub query: Query,
    analyzer: Analyzer,
    /// The segments that have words: their place among all, their words, and their part of a
    /// search.
    segments: Vec<(usize, &'a Words, Segment<'a, Section<u8>>)>,
}

impl<'a> WordLists<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        scope: &'a Scope<'a>,
        query: &WordQuery,
    ) -> Result<Self> {
        let analyzer = snapshot.manifest().features.analyzer()?;
        let analyzer = analyzer.ok_or_else(|| Error::NoWords {
            path: snapshot.directory().path().to_path_buf(),
        })?;
        let segments = snapshot.segments().iter().enumerate();
        let segments = segments.filter_map(|(at, segment)| {
            let words = segment.words.as_ref()?;
            let reader = words.reader();
            let part = Segment {
                reader,
                live: reader.live(segment.deleted.words()),
                hidden: scope.hidden(at),
            };
            Some((at, words, part))
        });
        Ok(Self {
            snapshot,
            scope,
            query: query.analyzed(&analyzer)?,
            analyzer,
            segments: segments.collect(),
        })
    }

    /// Calls `work` with the lists opened.
    pub(super) fn with<T>(&self, work: impl FnOnce(&WordSearch<'_, '_>) -> Result<T>) -> Result<T> {
        let parts: Vec<Segment<'_, Section<u8>>> = self
            .segments
            .iter()
            .map(|(_, _, part)| Segment { ..*part })
            .collect();
        let search = self.checked(Search::new(&parts, &self.query))?;
        work(&WordSearch {
            lists: self,
            search,
        })
    }

    /// Names the file of the words in an error about bytes; of several, the first.
    fn checked<T>(&self, result: colidx_lexical::Result<T>) -> Result<T> {
        result.map_err(|error| match self.segments.first() {
            Some((_, words, _)) => damaged(&words.frame, error),
            None => error.into(),
        })
    }
}

/// The lists of a query, opened.
pub(super) struct WordSearch<'a, 's> {
    lists: &'a WordLists<'a>,
    pub search: Search<'s, Section<u8>>,
}

impl WordSearch<'_, '_> {
    /// The `k` best documents, best first, of equal scores those with smaller keys.
    pub(super) fn best(&self, k: usize) -> Result<Vec<Scored>> {
        let snapshot = self.lists.snapshot;
        let place =
            |(part, document): (usize, u32)| Place::new(self.lists.segments[part].0, document);
        let hits = self.search.top_k_by(k, |a, b| {
            let (a, b) = (place(a), place(b));
            match (snapshot.key(a), snapshot.key(b)) {
                (Ok(key), Ok(other)) => key.cmp(other),
                // Damage is found when the keys of the hits are read.
                _ => a.cmp(&b),
            }
        });
        let hits = self.lists.checked(hits)?.into_iter();
        Ok(hits
            .map(|hit| Scored {
                place: place((hit.segment, hit.document)),
                score: hit.score,
                maxsim: None,
                bm25: Some(hit.score),
            })
            .collect())
    }

    /// The BM25 of documents that are in order, 0 for those without any of the words.
    pub(super) fn score(&self, places: &[Place]) -> Result<Vec<f32>> {
        let mut scores = Vec::with_capacity(places.len());
        for run in places.chunk_by(|a, b| a.segment() == b.segment()) {
            let segments = &self.lists.segments;
            match segments.iter().position(|&(at, ..)| at == run[0].segment()) {
                Some(part) => {
                    let documents: Vec<u32> = run.iter().map(|place| place.document()).collect();
                    scores.extend(self.lists.checked(self.search.score(part, &documents))?);
                }
                None => scores.resize(scores.len() + run.len(), 0.0),
            }
        }
        Ok(scores)
    }

    /// By segment, bits of documents that lack what the query demands or are hidden anyway; `None`
    /// where it demands nothing.
    pub(super) fn demanded(&self) -> Result<Option<Vec<Vec<u64>>>> {
        let lists = self.lists;
        if !lists.query.demands() {
            return Ok(None);
        }
        // Where there are no words, documents lack them all.
        let segments = lists.snapshot.segments().iter().enumerate();
        let without_words = segments.map(|(at, segment)| {
            let words = segment.documents.len().div_ceil(u64::BITS) as usize;
            if lists.query.requires() {
                return vec![u64::MAX; words];
            }
            let mut hidden = lists.scope.hidden(at).to_vec();
            hidden.resize(words, 0);
            hidden
        });
        let mut hidden: Vec<Vec<u64>> = without_words.collect();
        for (part, &(at, ..)) in lists.segments.iter().enumerate() {
            if let Some(bits) = lists.checked(self.search.hidden(part))? {
                hidden[at] = bits;
            }
        }
        Ok(Some(hidden))
    }

    fn explain(&self, place: Place) -> Result<Vec<(usize, WordMatch)>> {
        let segments = &self.lists.segments;
        let Some(part) = segments.iter().position(|&(at, ..)| at == place.segment()) else {
            return Ok(Vec::new());
        };
        let terms = self.search.explain(part, place.document());
        let terms = self.lists.checked(terms)?.into_iter();
        Ok(terms
            .map(|found| {
                let matched = WordMatch {
                    term: self.lists.query.terms()[found.term].text.clone(),
                    frequency: found.frequency,
                    documents: found.documents,
                    score: found.score,
                    title: Vec::new(),
                    text: Vec::new(),
                };
                (found.term, matched)
            })
            .collect())
    }
}
