//! Which words of a document match a query, and how strongly: what a program highlights.

use std::ops::Range;

use colidx_core::{Document, WordMatch};
use colidx_encoder::{EncodedQuery, TokenSpan};

use super::document::{DocumentText, Part};
use super::snippet::Snippet;

/// How much one document token matters to a query.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TokenWeight {
    /// Byte range of the token in the title or in the text.
    pub span: Range<usize>,
    /// How much it is to stand out; 0 or less is not at all.
    pub weight: f32,
}

/// The tokens of a document with their weights, in order of their place.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Highlights {
    /// Tokens of the title.
    pub title: Vec<TokenWeight>,
    /// Tokens of the text.
    pub text: Vec<TokenWeight>,
}

impl Highlights {
    /// Adds what words gave: the one that gave most stands out as much as the token that does.
    pub(crate) fn add_words(&mut self, words: &[WordMatch]) {
        let tokens = self.title.iter().chain(&self.text);
        let brightest = tokens.map(|token| token.weight).fold(0.0, f32::max);
        let most = words.iter().map(|word| word.score).fold(0.0, f32::max);
        let unit = if brightest > 0.0 { brightest } else { 1.0 } / most.max(f32::MIN_POSITIVE);
        for word in words {
            let weight = word.score * unit;
            for span in &word.title {
                light(&mut self.title, span, weight);
            }
            for span in &word.text {
                light(&mut self.text, span, weight);
            }
        }
        self.title.sort_by_key(|token| token.span.start);
        self.text.sort_by_key(|token| token.span.start);
    }

    /// The passage of the document's text with the highest weight, of at most `columns` columns of
    /// a terminal: most characters take one, those of Chinese, Japanese and Korean two.
    pub fn snippet(&self, text: &str, columns: usize) -> Snippet {
        Snippet::new(text, &self.text, columns)
    }

    /// Weights of `tokens`, of which `vectors`, `[n_tokens, dim]` row-major, are the token vectors.
    pub(crate) fn new(
        query: &EncodedQuery,
        document: &Document,
        tokens: &[TokenSpan],
        vectors: &[f32],
        dim: usize,
    ) -> Highlights {
        let text = DocumentText::new(&document.title, &document.text);
        let mut highlights = Highlights::default();
        // Zipped, so that an index of other texts than these highlights the wrong words at worst.
        for (token, weight) in tokens.iter().zip(token_weights(query, vectors, dim)) {
            let Some((part, span)) = text.locate(token.start..token.end) else {
                continue;
            };
            match part {
                Part::Title => highlights.title.push(TokenWeight { span, weight }),
                Part::Text => highlights.text.push(TokenWeight { span, weight }),
            }
        }
        highlights
    }
}

/// Lights the tokens that a word covers at least so much; the word itself, where there are none.
fn light(tokens: &mut Vec<TokenWeight>, word: &Range<usize>, weight: f32) {
    let covered =
        |token: &&mut TokenWeight| token.span.start < word.end && word.start < token.span.end;
    let mut found = false;
    for token in tokens.iter_mut().filter(covered) {
        token.weight = token.weight.max(weight);
        found = true;
    }
    if !found {
        let span = word.clone();
        tokens.push(TokenWeight { span, weight });
    }
}

/// Similarities this far below a query token's best still count for 1/e of it: near ties are lit
/// alike.
const FALLOFF: f32 = 0.02;

/// What each document token gives to a query, for the eye.
///
/// MaxSim takes the best document token of every query token, markers and expansion included, and
/// such scores lie close together. What a reader wants to see is narrower: only the query's own
/// words count; each brings how far its best similarity stands above its average over the document;
/// and every token within a hair of the best gets its part, so that a word that stands there five
/// times is lit five times, though each time less brightly: `the` and `of` stand everywhere and
/// tell little. A query of markers alone is taken as it is.
///
/// `vectors` is `[n_tokens, dim]` row-major; the result has `n_tokens` values, none below 0.
fn token_weights(query: &EncodedQuery, vectors: &[f32], dim: usize) -> Vec<f32> {
    let mut weights = vec![0f32; vectors.len() / dim];
    let only_markers = query.tokens.iter().all(|token| token.start == token.end);
    let mut similarities = Vec::with_capacity(weights.len());
    for (token, query_vector) in query.tokens.iter().zip(query.vectors.chunks_exact(dim)) {
        if token.start == token.end && !only_markers {
            continue;
        }
        similarities.clear();
        similarities.extend(
            vectors
                .chunks_exact(dim)
                .map(|vector| dot(query_vector, vector)),
        );
        let best = similarities
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let mean = similarities.iter().sum::<f32>() / similarities.len().max(1) as f32;
        // A document of one token, or of equal ones, has no average to stand above.
        let height = if best - mean > f32::EPSILON {
            best - mean
        } else {
            best.max(0.0)
        };
        for similarity in &mut similarities {
            *similarity = ((*similarity - best) / FALLOFF).exp();
        }
        let matches: f32 = similarities.iter().sum();
        let each = height / matches.sqrt().max(1.0);
        for (weight, nearness) in weights.iter_mut().zip(&similarities) {
            *weight += each * nearness;
        }
    }
    weights
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use colidx_encoder::QueryToken;

    fn query(tokens: &[(usize, usize, [f32; 2])]) -> EncodedQuery {
        EncodedQuery::new(
            tokens.iter().flat_map(|&(_, _, vector)| vector).collect(),
            (tokens.iter())
                .map(|&(start, end, _)| QueryToken::new("", 0, start..end))
                .collect(),
        )
    }

    #[test]
    fn the_best_match_is_the_brightest_and_ties_are_equal() {
        let weights = token_weights(
            &query(&[(0, 4, [1.0, 0.0])]),
            &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            2,
        );
        assert_eq!(weights[0], weights[2]);
        assert!(
            (weights[0] - 1.0 / 3.0 / 2f32.sqrt()).abs() < 1e-6 && weights[1] < 1e-6,
            "{weights:?}"
        );
    }

    #[test]
    fn a_word_lights_the_tokens_it_covers_and_is_not_listed_beside_them() {
        let token = |span, weight| TokenWeight { span, weight };
        let mut tokens = vec![token(0..3, 0.2), token(3..6, 0.9), token(7..9, 0.1)];
        light(&mut tokens, &(0..6), 0.5);
        light(&mut tokens, &(12..15), 0.4);
        let expected = [
            token(0..3, 0.5),
            token(3..6, 0.9),
            token(7..9, 0.1),
            token(12..15, 0.4),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn markers_light_nothing_beside_words() {
        let words = query(&[(0, 0, [0.0, 1.0]), (0, 4, [1.0, 0.0])]);
        let weights = token_weights(&words, &[1.0, 0.0, 0.0, 1.0], 2);
        assert!(weights[0] > 0.4 && weights[1] < 1e-6, "{weights:?}");
        let markers = query(&[(0, 0, [0.0, 1.0])]);
        assert!(token_weights(&markers, &[1.0, 0.0, 0.0, 1.0], 2)[1] > 0.4);
    }

    #[test]
    fn small_documents_have_weights_too() {
        assert_eq!(
            token_weights(&query(&[(0, 4, [1.0, 0.0])]), &[], 2),
            Vec::<f32>::new()
        );
        assert_eq!(
            token_weights(&query(&[(0, 4, [1.0, 0.0])]), &[1.0, 0.0], 2),
            [1.0]
        );
    }
}
