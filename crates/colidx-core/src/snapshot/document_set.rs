//! Sets of documents of a snapshot: a bit for each document.

use super::{DocId, Place, Snapshot};
use crate::error::{Error, Result};
use std::ops::{BitAnd, BitOr};

/// A set of documents of one committed state of an index, which a search can be held to
/// ([`SearchOptions::within`]).
///
/// [`Index::document_set`] makes one of documents, [`Index::matching`] of a filter. Sets of the
/// same state combine with [`DocumentSet::and`], [`DocumentSet::or`] and [`DocumentSet::and_not`].
///
/// [`SearchOptions::within`]: crate::SearchOptions::within
/// [`Index::document_set`]: crate::Index::document_set
/// [`Index::matching`]: crate::Index::matching
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSet {
    /// [`Snapshot::state`] of the snapshot that it belongs to.
    state: u64,
    /// By segment, bit `d % 64` of word `d / 64` for document `d`. Deleted documents are in no set.
    segments: Vec<Vec<u64>>,
    len: u64,
}

impl DocumentSet {
    pub(crate) fn empty(snapshot: &Snapshot) -> Self {
        let words = |documents: u32| vec![0; documents.div_ceil(u64::BITS) as usize];
        let segments = snapshot.segments().iter();
        Self {
            state: snapshot.state(),
            segments: segments.map(|s| words(s.documents.len())).collect(),
            len: 0,
        }
    }

    /// Of the documents whose bits are set, those that are not deleted. `segments` has the words of
    /// each segment; bits beyond its documents are not set.
    pub(crate) fn of_words(snapshot: &Snapshot, mut segments: Vec<Vec<u64>>) -> Self {
        for (words, segment) in segments.iter_mut().zip(snapshot.segments()) {
            for (word, deleted) in words.iter_mut().zip(segment.deleted.words()) {
                *word &= !deleted;
            }
        }
        Self::new(snapshot.state(), segments)
    }

    fn new(state: u64, segments: Vec<Vec<u64>>) -> Self {
        let words = segments.iter().flatten();
        let len = words.map(|word| u64::from(word.count_ones())).sum();
        Self {
            state,
            segments,
            len,
        }
    }

    pub(crate) fn insert(&mut self, place: Place) {
        let document = place.document();
        let word = &mut self.segments[place.segment()][(document / u64::BITS) as usize];
        let bit = 1 << (document % u64::BITS);
        self.len += u64::from(*word & bit == 0);
        *word |= bit;
    }

    /// Fails when the set is of another state.
    pub(crate) fn check(&self, snapshot: &Snapshot) -> Result<()> {
        match self.state == snapshot.state() {
            true => Ok(()),
            false => Err(Error::ForeignDocId),
        }
    }

    /// The bits of a segment's documents.
    pub(crate) fn words(&self, segment: usize) -> &[u64] {
        &self.segments[segment]
    }

    /// Its documents, in document order.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let segments = self.segments.iter().enumerate();
        segments.flat_map(|(segment, words)| {
            ones(words).map(move |document| Place::new(segment, document))
        })
    }

    /// How many documents it has.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it has this document; documents of another state are in no set of this one.
    pub fn contains(&self, doc: DocId) -> bool {
        let (segment, document) = (doc.place.segment(), doc.place.document());
        doc.state == self.state
            && self.segments[segment][(document / u64::BITS) as usize]
                & (1 << (document % u64::BITS))
                != 0
    }

    /// Its documents. Those of one commit follow each other in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = DocId> + '_ {
        let state = self.state;
        self.places().map(move |place| DocId { place, state })
    }

    /// The documents that are in both.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignDocId`] when the sets are of different states.
    pub fn and(&self, other: &Self) -> Result<Self> {
        self.combine(other, u64::bitand)
    }

    /// The documents that are in either.
    ///
    /// # Errors
    ///
    /// As [`DocumentSet::and`].
    pub fn or(&self, other: &Self) -> Result<Self> {
        self.combine(other, u64::bitor)
    }

    /// The documents that are in this one and not in the other.
    ///
    /// # Errors
    ///
    /// As [`DocumentSet::and`].
    pub fn and_not(&self, other: &Self) -> Result<Self> {
        self.combine(other, |a, b| a & !b)
    }

    fn combine(&self, other: &Self, word: impl Fn(u64, u64) -> u64) -> Result<Self> {
        if self.state != other.state {
            return Err(Error::ForeignDocId);
        }
        let segments = self.segments.iter().zip(&other.segments);
        let words = |(a, b): (&Vec<u64>, &Vec<u64>)| {
            let words = a.iter().zip(b);
            words.map(|(&a, &b)| word(a, b)).collect()
        };
        Ok(Self::new(self.state, segments.map(words).collect()))
    }
}

/// The positions of the ones in words, ascending.
fn ones(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0u32..).zip(words).flat_map(|(at, &word)| {
        let bits = std::iter::successors(Some(word), |w| Some(w & w.wrapping_sub(1)));
        bits.take_while(|&w| w != 0)
            .map(move |w| at * u64::BITS + w.trailing_zeros())
    })
}
