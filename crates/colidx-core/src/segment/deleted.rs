//! The deleted documents of a segment.

use colidx_metadata::columns::Bits;

/// The deleted documents of one segment. Without any it takes no memory and searches skip it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Of no documents at all when none is deleted.
    documents: Bits,
    count: u32,
}

impl Deleted {
    /// Marks a document of a segment of `documents` as deleted; `false` when it was already.
    pub(crate) fn insert(&mut self, document: u32, documents: u32) -> bool {
        if self.count == 0 {
            self.documents = Bits::none(documents);
        }
        let fresh = !self.contains(document) && self.documents.insert(document);
        self.count += u32::from(fresh);
        fresh
    }

    pub(crate) fn contains(&self, document: u32) -> bool {
        self.documents.contains(document)
    }

    /// How many documents are deleted.
    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    /// A bit a document, 64 documents a word; no words when none is deleted.
    pub(crate) fn words(&self) -> &[u64] {
        self.documents.words()
    }

    /// The deleted documents, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.documents.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inserted_is_there_once() {
        let mut deleted = Deleted::default();
        assert!(deleted.len() == 0 && !deleted.contains(5));
        let documents = [199, 0, 63, 64, 128, 65];
        for document in documents {
            assert!(deleted.insert(document, 200));
            assert!(!deleted.insert(document, 200));
        }
        assert_eq!(deleted.len(), 6);
        assert!(deleted.iter().eq([0, 63, 64, 65, 128, 199]));
        assert!((0..200).all(|d| deleted.contains(d) == documents.contains(&d)));
    }
}
