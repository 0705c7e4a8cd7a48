//! Hits in replies.

use std::time::Duration;

use colidx::text::{Answer, Highlights, Place, Snippet, TokenExplanation, TokenWeight};
use colidx::{Document, Hit, Index, Query, SearchResults, SearchStats, TextSearcher, TokenMatch};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::search::{Field, SearchRequest};
use crate::error::Result;

/// Columns of a terminal that a snippet would fill.
const SNIPPET_COLUMNS: usize = 240;

/// The answer to a search.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct SearchReply {
    /// The index.
    pub index: String,
    /// The commit that was searched.
    pub generation: u64,
    /// Best first; ties in the order of their keys.
    pub hits: Vec<HitReply>,
    /// How the text was read, for a query of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryReply>,
    /// The work of the search.
    pub stats: StatsReply,
}

/// A query of text as the checkpoint reads it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryReply {
    /// Its tokens, markers and expansion included.
    pub tokens: Vec<String>,
    /// Whether its end was cut off.
    pub truncated: bool,
}

/// A document that was found.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct HitReply {
    /// The document's key.
    pub key: String,
    /// MaxSim: the sum over query tokens of the largest similarity to a document token.
    pub score: f32,
    /// MaxSim, where words are searched too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxsim: Option<f32>,
    /// BM25, where words are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bm25: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Further fields; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// How much each word matters to the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlights: Option<HighlightsReply>,
    /// The best passage of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<SnippetReply>,
    /// What each query token matched. The scores add up to the document's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<Vec<MatchReply>>,
    /// How many token vectors the document has, where matches are told by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_vectors: Option<usize>,
}

/// Words that matter to a query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HighlightsReply {
    pub title: Vec<WeightReply>,
    pub text: Vec<WeightReply>,
}

/// A passage of a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnippetReply {
    /// The passage.
    pub text: String,
    /// Its first byte in the text.
    pub start: usize,
    /// Words in it that matter, their places in the whole text.
    pub words: Vec<WeightReply>,
}

impl From<Snippet> for SnippetReply {
    fn from(snippet: Snippet) -> SnippetReply {
        let words = snippet.words.into_iter().map(|word| WeightReply {
            start: word.span.bytes.start,
            end: word.span.bytes.end,
            weight: word.weight,
        });
        SnippetReply {
            text: snippet.text,
            start: snippet.span.bytes.start,
            words: words.collect(),
        }
    }
}

/// A word and how much it matters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeightReply {
    /// First byte in the title or text, as UTF-8.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// How much it is to stand out; the greater the more, 0 not at all.
    pub weight: f32,
}

/// What a query token matched best.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct MatchReply {
    /// Number of the query token, from 0.
    pub query_index: usize,
    /// The query token, for a query of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_token: Option<String>,
    /// Number of the document token, for a query of vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_index: Option<usize>,
    /// The document token, for a query of text; empty for markers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_token: Option<String>,
    /// `title` or `text`, if it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<&'static str>,
    /// Its first byte in that part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Their similarity.
    pub score: f32,
}

/// The work of a search.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StatsReply {
    /// Whether every document was scored.
    pub exact: bool,
    /// Documents found through posting lists.
    pub candidates: u64,
    /// Documents scored exactly.
    pub documents_scored: u64,
    /// Milliseconds to encode the query, and to wait for it.
    pub encode_ms: f64,
    /// Milliseconds to find the best centroids.
    pub centroid_ms: f64,
    /// Milliseconds to find and select candidates.
    pub candidate_ms: f64,
    /// Milliseconds of partial MaxSim.
    pub partial_ms: f64,
    /// Milliseconds of exact MaxSim.
    pub exact_ms: f64,
    /// Milliseconds of the search in all, without encoding.
    pub search_ms: f64,
}

impl StatsReply {
    fn new(stats: &SearchStats, encode_time: Duration) -> StatsReply {
        StatsReply {
            exact: stats.exact,
            candidates: stats.candidates,
            documents_scored: stats.documents_scored,
            encode_ms: milliseconds(encode_time),
            centroid_ms: milliseconds(stats.centroid_time),
            candidate_ms: milliseconds(stats.candidate_time),
            partial_ms: milliseconds(stats.partial_time),
            exact_ms: milliseconds(stats.exact_time),
            search_ms: milliseconds(stats.total_time),
        }
    }
}

/// A time to the microsecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A document's further fields; `None` where there are none.
pub(crate) fn metadata(stored: String) -> Option<Value> {
    match serde_json::from_str(&stored) {
        Ok(value) => Some(value),
        Err(_) if stored.is_empty() => None,
        // Another program may have stored plain text.
        Err(_) => Some(Value::String(stored)),
    }
}

/// The answer to a query of text.
pub(super) fn text_reply(
    searcher: &TextSearcher,
    answer: &Answer,
    request: &SearchRequest,
) -> Result<SearchReply> {
    let index = searcher.index();
    let mut hits = Vec::with_capacity(answer.results.hits.len());
    for (at, found) in answer.results.hits.iter().enumerate() {
        let mut hit = HitReply::new(index, found, request)?;
        if request.lights_words() {
            let (document, highlights) = searcher.highlighted_hit(answer, at)?;
            let with = |field| request.with.contains(&field);
            let snippet = || highlights.snippet(&document.text, SNIPPET_COLUMNS);
            hit.snippet = with(Field::Snippet).then(|| snippet().into());
            hit.highlights = with(Field::Highlights).then(|| highlights.into());
        }
        if request.explain {
            let mut matches = match &answer.encoded {
                Some(encoded) => searcher.explain(encoded, found.doc)?,
                None => Vec::new(),
            };
            matches.extend(searcher.explain_words(answer, found.doc)?);
            hit.explain = Some((0..).zip(matches).map(MatchReply::of_text).collect());
        }
        hits.push(hit);
    }
    let encoded = answer.encoded.as_ref();
    let tokens = encoded.map(|encoded| &encoded.tokens[..]);
    let tokens = tokens.unwrap_or_default().iter();
    Ok(SearchReply {
        hits,
        query: Some(QueryReply {
            tokens: tokens.map(|token| token.text.clone()).collect(),
            truncated: encoded.is_some_and(|encoded| encoded.truncated),
        }),
        stats: StatsReply::new(&answer.results.stats, answer.encode_time),
        ..SearchReply::default()
    })
}

/// The answer to a query of vectors.
pub(super) fn vector_reply(
    index: &Index,
    query: &Query,
    results: SearchResults,
    request: &SearchRequest,
) -> Result<SearchReply> {
    let mut hits = Vec::with_capacity(results.hits.len());
    for found in &results.hits {
        let mut hit = HitReply::new(index, found, request)?;
        if request.explain {
            let matches = index.explain(query, found.doc)?;
            hit.explain = Some(matches.iter().map(MatchReply::of_vectors).collect());
            hit.token_vectors = Some(index.token_centroids(found.doc)?.len());
        }
        hits.push(hit);
    }
    Ok(SearchReply {
        hits,
        stats: StatsReply::new(&results.stats, Duration::ZERO),
        ..SearchReply::default()
    })
}

impl HitReply {
    fn new(index: &Index, found: &Hit, request: &SearchRequest) -> Result<HitReply> {
        let with = |field| request.with.contains(&field);
        let stored = with(Field::Title) || with(Field::Text) || with(Field::Metadata);
        let document = match stored {
            true => index.document(found.doc)?,
            false => Document::default(),
        };
        Ok(HitReply {
            key: found.key.clone(),
            score: found.score,
            maxsim: found.bm25.and(found.maxsim),
            bm25: found.bm25,
            title: with(Field::Title).then_some(document.title),
            text: with(Field::Text).then_some(document.text),
            metadata: match with(Field::Metadata) {
                true => metadata(document.metadata),
                false => None,
            },
            highlights: None,
            snippet: None,
            explain: None,
            token_vectors: None,
        })
    }
}

impl MatchReply {
    fn of_text((query_index, found): (usize, TokenExplanation)) -> MatchReply {
        let place = found.place.as_ref().map(part);
        MatchReply {
            query_index,
            query_token: Some(found.query_token),
            document_token: Some(found.document_token),
            part: place.map(|(part, _)| part),
            start: place.map(|(_, start)| start),
            score: found.score,
            ..MatchReply::default()
        }
    }

    fn of_vectors(found: &TokenMatch) -> MatchReply {
        MatchReply {
            query_index: found.query_token,
            document_index: Some(found.document_token),
            score: found.score,
            ..MatchReply::default()
        }
    }
}

/// The name of a part, and a place in it.
pub(super) fn part(place: &Place) -> (&'static str, usize) {
    (place.part.name(), place.span.bytes.start)
}

impl From<Highlights> for HighlightsReply {
    fn from(highlights: Highlights) -> HighlightsReply {
        let weights = |tokens: Vec<TokenWeight>| {
            let tokens = tokens.into_iter().filter(|token| token.weight > 0.0);
            let weight = |token: TokenWeight| WeightReply {
                start: token.span.start,
                end: token.span.end,
                weight: token.weight,
            };
            tokens.map(weight).collect()
        };
        HighlightsReply {
            title: weights(highlights.title),
            text: weights(highlights.text),
        }
    }
}
