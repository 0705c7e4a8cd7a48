//! Searching: the best documents for a query over any number of segments.

mod bm25;
mod constraints;
mod max_score;
mod statistics;
#[cfg(test)]
pub(crate) mod tests;
mod top;

use crate::error::Result;
use crate::query::Query;
use crate::read::list::{Cursor, List};
use crate::read::{Live, Reader};
use bm25::Bm25;
use statistics::Statistics;
use std::cmp::Ordering;
use top::Top;

/// A segment to search.
#[derive(Debug)]
pub struct Segment<'a, B> {
    /// Its words.
    pub reader: &'a Reader<B>,
    /// Its documents that are not deleted, which is what statistics count.
    pub live: Live<'a>,
    /// Bits of the documents that are no hits: the deleted ones, and those that the caller does not
    /// want. Bit `d % 64` of word `d / 64`; documents past the last word can be hits.
    pub hidden: &'a [u64],
}

/// Where a document is: the place of its segment in the list of segments, and its number there.
pub type Place = (usize, u32);

/// A document that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Place of its segment in the list of segments.
    pub segment: usize,
    /// Its number in the segment.
    pub document: u32,
    /// Its score.
    pub score: f32,
}

/// What a term of the query gave a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermScore {
    /// Place of the term in [`Query::terms`].
    pub term: usize,
    /// How often the document has it.
    pub frequency: u32,
    /// Documents that have it.
    pub documents: u64,
    /// Its inverse document frequency.
    pub idf: f32,
    /// What it added to the score. What all terms added is the score, exactly.
    pub score: f32,
}

/// A query over segments: its lists are found and its statistics counted.
#[derive(Debug)]
pub struct Search<'a, B> {
    segments: &'a [Segment<'a, B>],
    query: &'a Query,
    statistics: Statistics,
    bm25: Bm25,
    /// By segment and term.
    lists: Vec<Vec<Option<List<'a>>>>,
}

impl<'a, B: AsRef<[u8]>> Search<'a, B> {
    /// Looks up the terms of the query, and counts the live documents that have them. Where no
    /// document of a segment is deleted, the count is stored; elsewhere the lists are read.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged); [`Error::NoPositions`](crate::Error::NoPositions)
    /// for a query with phrases where a segment has none.
    pub fn new(segments: &'a [Segment<'a, B>], query: &'a Query) -> Result<Self> {
        constraints::check(segments, query)?;
        let list = |segment: &Segment<'a, B>| {
            let terms = query.terms().iter();
            terms
                .map(|term| segment.reader.list(term.text.as_bytes()))
                .collect()
        };
        let lists = segments.iter().map(list).collect::<Result<Vec<_>>>()?;
        let statistics = Statistics::new(segments, &lists, query)?;
        Ok(Self {
            bm25: Bm25::new(query, &statistics),
            segments,
            query,
            statistics,
            lists,
        })
    }

    /// The `k` best documents, best first; of equal scores those that come first in the segments.
    /// Fewer only where fewer documents have a term of the query and all that it demands.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn top_k(&self, k: usize) -> Result<Vec<Hit>> {
        self.collect(Top::new(k, |a: Place, b: Place| a.cmp(&b), true))
    }

    /// As [`Search::top_k`], but of equal scores those that `order` puts first, which must be a
    /// total order. This decides who is the last of the `k`, not only how they are listed.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn top_k_by(
        &self,
        k: usize,
        order: impl FnMut(Place, Place) -> Ordering,
    ) -> Result<Vec<Hit>> {
        self.collect(Top::new(k, order, false))
    }

    fn collect<F: FnMut(Place, Place) -> Ordering>(&self, mut top: Top<F>) -> Result<Vec<Hit>> {
        if self.query.is_empty() || !top.wants_any() {
            return Ok(Vec::new());
        }
        for (at, segment) in self.segments.iter().enumerate() {
            let lists = &self.lists[at];
            let hidden = constraints::hidden(segment, lists, self.query)?;
            let hidden = hidden.as_deref().unwrap_or(segment.hidden);
            max_score::search(at, segment.reader, lists, &self.bm25, hidden, &mut top)?;
        }
        let hits = top.into_sorted().into_iter();
        Ok(hits
            .map(|(quanta, (segment, document))| Hit {
                segment,
                document,
                score: self.bm25.score(quanta),
            })
            .collect())
    }

    /// Bits of a segment's documents that are no hits: those that were hidden, and those that lack
    /// what the query demands. `None` where it demands nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    ///
    /// # Panics
    ///
    /// If there is no such segment.
    pub fn hidden(&self, segment: usize) -> Result<Option<Vec<u64>>> {
        constraints::hidden(&self.segments[segment], &self.lists[segment], self.query)
    }

    /// The scores of documents of a segment, ascending, whether hidden or not and whatever the
    /// query demands. 0 for a document without any term. A score is the same here as in
    /// [`Search::top_k`], bit for bit.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    ///
    /// # Panics
    ///
    /// If the documents do not ascend, or there is no such segment.
    pub fn score(&self, segment: usize, documents: &[u32]) -> Result<Vec<f32>> {
        assert!(documents.is_sorted(), "documents should ascend");
        let mut quanta = vec![0; documents.len()];
        self.each_match(segment, documents, |at, _, _, added| quanta[at] += added)?;
        Ok(quanta
            .into_iter()
            .map(|quanta| self.bm25.score(quanta))
            .collect())
    }

    /// What each term that the document has added to its score, in the order of the query. Where
    /// they are in the text says [`Query::matches`].
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`](crate::Error::Damaged).
    ///
    /// # Panics
    ///
    /// If there is no such segment.
    pub fn explain(&self, segment: usize, document: u32) -> Result<Vec<TermScore>> {
        let mut terms = Vec::new();
        self.each_match(segment, &[document], |_, term, frequency, added| {
            terms.push(TermScore {
                term,
                frequency,
                documents: self.statistics.frequencies[term],
                idf: self.bm25.idf[term] as f32,
                score: self.bm25.score(added),
            });
        })?;
        Ok(terms)
    }

    /// Calls `visit` with the place of the document, the term, its frequency there and the quanta
    /// it adds, term by term.
    fn each_match(
        &self,
        segment: usize,
        documents: &[u32],
        mut visit: impl FnMut(usize, usize, u32, u32),
    ) -> Result<()> {
        let reader = self.segments[segment].reader;
        for (term, list) in self.lists[segment].iter().enumerate() {
            let (Some(list), true) = (list, self.query.terms()[term].count > 0) else {
                continue;
            };
            let mut cursor = Cursor::new(*list);
            for (at, &document) in documents.iter().enumerate() {
                if cursor.seek(document)? {
                    let frequency = cursor.frequency()?;
                    let length = reader.length(document);
                    let added = self.bm25.quanta(self.bm25.weights[term], frequency, length);
                    visit(at, term, frequency, added);
                }
            }
        }
        Ok(())
    }

    /// Documents that are not deleted, in all segments.
    pub fn documents(&self) -> u64 {
        self.statistics.documents
    }

    /// Documents that have a term of the query and are not deleted.
    pub fn frequency(&self, term: usize) -> u64 {
        self.statistics.frequencies[term]
    }

    /// The score that no document exceeds.
    pub fn most(&self) -> f32 {
        self.bm25
            .score(self.bm25.weights.iter().map(|w| w.ceil() as u32).sum())
    }
}
