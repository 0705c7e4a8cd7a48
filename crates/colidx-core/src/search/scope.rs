//! The documents that a search looks at: all, or those of a set.

use super::{SearchOptions, tuning};
use crate::error::Result;
use crate::snapshot::{DocumentSet, Place, Snapshot};
use std::borrow::Cow;

/// The documents of a snapshot that a search may find.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    snapshot: &'a Snapshot,
    /// `None` for all that are not deleted.
    set: Option<Cow<'a, DocumentSet>>,
    /// By segment, the bits of the documents outside; empty without a set.
    hidden: Vec<Vec<u64>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, options: &'a SearchOptions) -> Result<Self> {
        let within = options.within.as_deref();
        within.map_or(Ok(()), |set| set.check(snapshot))?;
        let matching = options.filter.as_ref();
        let matching = matching
            .map(|filter| snapshot.matching(filter))
            .transpose()?;
        let set = match (within, matching) {
            (Some(within), Some(matching)) => Some(Cow::Owned(within.and(&matching)?)),
            (Some(within), None) => Some(Cow::Borrowed(within)),
            (None, matching) => matching.map(Cow::Owned),
        };
        Ok(Self::of(snapshot, set))
    }

    fn of(snapshot: &'a Snapshot, set: Option<Cow<'a, DocumentSet>>) -> Self {
        let hidden = match &set {
            Some(set) => (0..snapshot.segments().len())
                .map(|segment| set.words(segment).iter().map(|word| !word).collect())
                .collect(),
            None => Vec::new(),
        };
        Self {
            snapshot,
            set,
            hidden,
        }
    }

    /// Those of them that are in `set`.
    pub(super) fn and(&self, set: DocumentSet) -> Result<Self> {
        let both = match &self.set {
            Some(own) => own.and(&set)?,
            None => set,
        };
        Ok(Self::of(self.snapshot, Some(Cow::Owned(both))))
    }

    /// How many there are.
    pub(super) fn documents(&self) -> u64 {
        match &self.set {
            Some(set) => set.len(),
            None => self.snapshot.num_documents(),
        }
    }

    /// About how many vectors they have.
    pub(super) fn vectors(&self) -> u64 {
        let (vectors, documents) = (self.snapshot.num_vectors(), self.snapshot.num_documents());
        match &self.set {
            Some(set) => {
                let share = set.len() as f64 / documents.max(1) as f64;
                (vectors as f64 * share) as u64
            }
            None => vectors,
        }
    }

    /// Their size, as of an index of them alone.
    pub(super) fn size(&self) -> u64 {
        tuning::size(self.documents(), self.vectors())
    }

    /// Every one, in document order.
    pub(super) fn places(&self) -> Vec<Place> {
        match &self.set {
            Some(set) => set.places().collect(),
            None => self.snapshot.places().collect(),
        }
    }

    /// The bits of a segment's documents that are not among them; no words where all are.
    pub(super) fn hidden(&self, segment: usize) -> &[u64] {
        match self.hidden.get(segment) {
            Some(words) => words,
            None => self.snapshot.segments()[segment].deleted.words(),
        }
    }
}
