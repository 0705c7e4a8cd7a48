//! All products of query tokens and document tokens: what MaxSim takes the maxima of.

use colidx_kernels::{Panels, kernels};

/// The similarity of every query token to every document token of one document.
///
/// ```
/// use colidx::Similarities;
/// let query = [1.0, 0.0, 0.0, 1.0]; // two tokens
/// let document = [0.6, 0.8, 1.0, 0.0, 0.0, -1.0]; // three
/// let similarities = Similarities::new(&query, &document, 2);
/// assert_eq!(similarities.of_document_token(0), [0.6, 0.8]);
/// assert_eq!(similarities.best(), [Some((1, 1.0)), Some((0, 0.8))]);
/// assert!((similarities.max_sim() - 1.8).abs() < 1e-6);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Similarities {
    query_tokens: usize,
    /// `[document_tokens, query_tokens]`.
    values: Vec<f32>,
}

impl Similarities {
    /// Compares the vectors of a query with those of a document, both `[n_tokens, dim]` f32
    /// row-major. Values beyond a whole number of vectors are left out.
    ///
    /// With vectors from [`Index::token_vectors`](colidx_core::Index::token_vectors) the maxima add
    /// up to the score that a search gives.
    pub fn new(query: &[f32], document: &[f32], dim: usize) -> Similarities {
        let query_tokens = query.len().checked_div(dim).unwrap_or(0);
        let document_tokens = document.len().checked_div(dim).unwrap_or(0);
        let mut values = Vec::new();
        if query_tokens > 0 && document_tokens > 0 {
            let panels = Panels::new(&query[..query_tokens * dim], dim);
            let stride = panels.padded_columns();
            values.resize(document_tokens * stride, 0.0);
            kernels().dots(&document[..document_tokens * dim], &panels, &mut values);
            for token in 0..document_tokens {
                let row = token * stride..token * stride + query_tokens;
                values.copy_within(row, token * query_tokens);
            }
            values.truncate(document_tokens * query_tokens);
        }
        Similarities {
            query_tokens,
            values,
        }
    }

    /// Number of query tokens.
    pub fn query_tokens(&self) -> usize {
        self.query_tokens
    }

    /// Number of document tokens; 0 where the query has none.
    pub fn document_tokens(&self) -> usize {
        self.values
            .len()
            .checked_div(self.query_tokens)
            .unwrap_or(0)
    }

    /// The similarities of a document token, one for each query token; none where there is no such
    /// token.
    pub fn of_document_token(&self, token: usize) -> &[f32] {
        let mut rows = self.values.chunks_exact(self.query_tokens.max(1));
        rows.nth(token).unwrap_or_default()
    }

    /// The document token that each query token is most similar to, the first of those, and how
    /// similar; `None` for a document without tokens.
    pub fn best(&self) -> Vec<Option<(usize, f32)>> {
        let mut best: Vec<Option<(usize, f32)>> = vec![None; self.query_tokens];
        for (token, row) in self
            .values
            .chunks_exact(self.query_tokens.max(1))
            .enumerate()
        {
            for (best, &value) in best.iter_mut().zip(row) {
                if best.is_none_or(|(_, most)| value > most) {
                    *best = Some((token, value));
                }
            }
        }
        best
    }

    /// MaxSim (ColBERT, section 3.2): the sum over query tokens of the largest similarity; 0 for a
    /// document without tokens.
    pub fn max_sim(&self) -> f32 {
        self.best()
            .iter()
            .flatten()
            .map(|&(_, similarity)| similarity)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maxima_are_those_of_a_naive_loop() {
        let dim = 24;
        let value = |i: usize| ((i * 7919 % 1000) as f32 - 500.0) / 500.0;
        for (query_tokens, document_tokens) in [(1, 1), (3, 17), (33, 5), (8, 64)] {
            let query: Vec<f32> = (0..query_tokens * dim).map(value).collect();
            let document: Vec<f32> = (0..document_tokens * dim).map(|i| value(i + 31)).collect();
            let similarities = Similarities::new(&query, &document, dim);
            assert_eq!(similarities.query_tokens(), query_tokens);
            assert_eq!(similarities.document_tokens(), document_tokens);
            let dot = |q: &[f32], d: &[f32]| q.iter().zip(d).map(|(q, d)| q * d).sum::<f32>();
            let mut total = 0.0;
            for (q, query) in query.chunks_exact(dim).enumerate() {
                let mut most = f32::NEG_INFINITY;
                for (d, document) in document.chunks_exact(dim).enumerate() {
                    let expected = dot(query, document);
                    let got = similarities.of_document_token(d)[q];
                    assert!((got - expected).abs() < 1e-4, "{got} {expected}");
                    most = most.max(expected);
                }
                total += most;
            }
            let got = similarities.max_sim();
            assert!((got - total).abs() < 1e-3, "{got} {total}");
        }
    }

    #[test]
    fn nothing_has_no_similarities() {
        for (query, document, dim) in [(&[][..], &[][..], 2), (&[1.0], &[], 1), (&[1.0], &[1.0], 0)]
        {
            let similarities = Similarities::new(query, document, dim);
            assert_eq!(similarities.document_tokens(), 0);
            assert_eq!(similarities.max_sim(), 0.0);
            assert!(similarities.of_document_token(0).is_empty());
        }
    }
}
