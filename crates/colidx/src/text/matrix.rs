//! The tokens of a query and of a document, and all similarities between them.

use super::answer::Place;
use crate::similarity::Similarities;

/// A token of a document and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct DocumentToken {
    /// Its own text; empty for markers.
    pub text: String,
    /// Where it begins, if it stands in the title or in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// How a query and a document meet: what a picture of a late interaction shows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenMatrix {
    /// The query's tokens as the tokenizer writes them.
    pub query_tokens: Vec<String>,
    /// The document's tokens, one for each vector.
    pub document_tokens: Vec<DocumentToken>,
    /// How similar each is to each. The maxima add up to the document's score.
    pub similarities: Similarities,
}
