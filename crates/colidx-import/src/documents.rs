//! The documents of an index: keys, titles, texts and metadata.

use crate::error::ImportError;
use crate::index::ForeignIndex;
use crate::report::Report;

/// A document of a foreign index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignDocument {
    /// Its id where it has one, otherwise the engine's number of it. Passages of one RAGatouille
    /// document are `id#1`, `id#2` and so on.
    pub key: String,
    /// Its title, or empty.
    pub title: String,
    /// Its text, or empty.
    pub text: String,
    /// Further fields as a JSON object, or empty.
    pub metadata_json: String,
}

/// What documents have besides vectors and keys.
pub(crate) trait Table: Send {
    /// Fills in what there is of the document with the engine's `number`, the `rank`th of those
    /// that are not deleted.
    fn read(
        &mut self,
        rank: usize,
        number: u64,
        document: &mut ForeignDocument,
        report: &mut Report,
    ) -> Result<(), ImportError>;
}

/// The documents of an index, in the order of its vectors.
pub struct Documents<'a> {
    index: &'a mut ForeignIndex,
    next: usize,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(index: &'a mut ForeignIndex) -> Documents<'a> {
        Documents { index, next: 0 }
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<ForeignDocument, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let document = self.index.document(self.next)?;
        self.next += 1;
        Some(document)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.index.len() - self.next;
        (left, Some(left))
    }
}
