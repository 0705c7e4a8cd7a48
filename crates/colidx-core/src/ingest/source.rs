//! Where vectors come from.

use std::error::Error;

/// A document that a source is asked to turn into token vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceDocument<'a> {
    /// Which of the documents added since the last commit it is, from 0.
    pub ordinal: u32,
    /// Key as added.
    pub key: &'a str,
    /// Title as added, or empty when the source needs no text.
    pub title: &'a str,
    /// Text as added, or empty when the source needs no text.
    pub text: &'a str,
}

/// Token vectors of several documents, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct VectorBatch {
    /// `[sum of lens, dim]` f32 row-major.
    pub vectors: Vec<f32>,
    /// Number of vectors of each document.
    pub lens: Vec<u32>,
    /// Vocabulary id of each vector's token, or empty when unknown.
    pub token_ids: Vec<u32>,
}

impl VectorBatch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.vectors.clear();
        self.lens.clear();
        self.token_ids.clear();
    }
}

/// Makes or reads the token vectors of documents.
pub trait VectorSource {
    /// Values in a vector.
    fn dim(&self) -> usize;

    /// Whether [`VectorSource::encode`] needs the documents' text. Sources that read vectors do
    /// not.
    fn needs_text(&self) -> bool {
        true
    }

    /// Whether vectors are read and not computed: asking for them again is then as cheap as keeping
    /// them.
    fn rereads(&self) -> bool {
        false
    }

    /// What the vectors depend on besides the documents, such as names and sizes of files; empty
    /// where [`super::BuildOptions::model`] says all. It must be the same when a build resumes.
    fn fingerprint(&self) -> String {
        String::new()
    }

    /// Fills the empty `out` with the vectors of `documents`, in order. A document must get the
    /// same vectors in any batch.
    ///
    /// A source may return early with the vectors of the first documents only, at least one. It is
    /// asked again for the others, unless the build is cancelled, which keeps what it got.
    ///
    /// # Errors
    ///
    /// Any; the commit fails with [`crate::Error::Encode`], which shows it.
    fn encode(
        &mut self,
        documents: &[SourceDocument<'_>],
        out: &mut VectorBatch,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}
