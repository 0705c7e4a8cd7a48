//! MaxSim of a query with texts that are in no index.

use std::time::Instant;

use colidx_core::{NewDocument, Query};

use super::answer::is_empty_query;
use super::document::DocumentText;
use super::error::{Result, TextError};
use super::model::Model;
use super::source::BatchSizer;

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
            let (batch, rest) = left.split_at(left.len().min(sizer.texts()));
            left = rest;
            let began = Instant::now();
            let texts: Vec<DocumentText<'_>> = batch
                .iter()
                .map(|document| DocumentText::new(document.title, document.text))
                .collect();
            let texts: Vec<&str> = texts.iter().map(DocumentText::as_str).collect();
            for (text, encoded) in texts.iter().zip(self.encoder().encode_documents(&texts)?) {
                scores.push(match text.is_empty() {
                    true => None,
                    false => query.maxsim(&encoded.vectors)?,
                });
            }
            sizer.record(began.elapsed());
        }
        Ok(scores)
    }
}
