//! MaxSim of a query with texts that are in no index.

use colidx_core::{NewDocument, Query};

use super::answer::is_empty_query;
use super::document::DocumentText;
use super::error::{Result, TextError};
use super::model::Model;
use super::source::{BatchSizer, encode_documents};

impl Model {
    /// The MaxSim of a query with each of these documents, which are encoded now and as they would
    /// be for an index: title and text together. `None` for one without anything to encode.
    ///
    /// # Errors
    /// The query is empty, or a text cannot be encoded.
    pub fn score(&self, query: &str, documents: &[NewDocument<'_>]) -> Result<Vec<Option<f32>>> {
        let encoded = self.encoder().encode_query(query)?;
        if is_empty_query(&encoded) {
            return Err(TextError::EmptyQuery);
        }
        let query = Query::new(&encoded.vectors, self.info().dim)?;
        let mut sizer = BatchSizer::new();
        let mut scores = Vec::with_capacity(documents.len());
        let mut left = documents;
        while !left.is_empty() {
            let first = left;
            let encode = |batch| encode_documents(self.encoder(), batch);
            for (document, encoded) in first.iter().zip(sizer.encode(&mut left, encode)?) {
                scores.push(match DocumentText::from(document).as_str() {
                    "" => None,
                    _ => query.maxsim(&encoded.vectors)?,
                });
            }
        }
        Ok(scores)
    }
}
