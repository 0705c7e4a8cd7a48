//! Explanation of a hit: what each query token matched.

use super::Query;
use crate::error::Result;
use crate::snapshot::{Place, Snapshot};

/// The document token that a query token matched best.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TokenMatch {
    /// Query token, from 0.
    pub query_token: usize,
    /// Document token vector, from 0, in stored order.
    pub document_token: usize,
    /// Their dot product; the sum over query tokens, in order, is the hit's score.
    pub score: f32,
}

/// One match for each query token; none when the document has no vectors.
pub(crate) fn explain(snapshot: &Snapshot, query: &Query, place: Place) -> Result<Vec<TokenMatch>> {
    query.check(snapshot.codebook())?;
    let matches = matches(query, &snapshot.vectors(place)?);
    for found in &matches {
        snapshot.check_score(found.score, place)?;
    }
    Ok(matches)
}

/// The best match of each query token among `vectors`, `[n_tokens, dim]` row-major, of equal ones
/// the first; none without vectors.
fn matches(query: &Query, vectors: &[f32]) -> Vec<TokenMatch> {
    let stride = query.panels().padded_columns();
    let rows = vectors.len() / query.dim();
    let mut scores = vec![0f32; rows * stride];
    colidx_kernels::kernels().dots(vectors, query.panels(), &mut scores);
    let mut matches: Vec<TokenMatch> = Vec::new();
    for (document_token, row) in scores.chunks_exact(stride).enumerate() {
        for (query_token, &score) in row[..query.tokens()].iter().enumerate() {
            let found = TokenMatch {
                query_token,
                document_token,
                score,
            };
            match matches.get_mut(query_token) {
                None => matches.push(found),
                Some(best) if score > best.score => *best = found,
                Some(_) => {}
            }
        }
    }
    matches
}
