//! A document of an index: key, title, text and metadata.

use crate::error::ImportError;
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
