//! The JSON objects that commands print, field for field.

use std::time::Duration;

use colidx::SearchStats;
use serde::{Serialize, Serializer};
use serde_json::Value;

use colidx::text::TokenExplanation;

/// One hit of `search --json`.
#[derive(Debug, Serialize)]
pub struct HitLine<'a> {
    /// The query as typed, or the key of one of many queries.
    pub query: &'a str,
    /// From 1.
    pub rank: usize,
    /// MaxSim.
    pub score: f32,
    /// The document's key.
    pub key: &'a str,
    /// Empty where there is none.
    pub title: &'a str,
    /// Empty where none is stored.
    pub text: &'a str,
    /// The matches, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<Vec<TokenExplanation>>,
}

impl<'a> HitLine<'a> {
    /// The fields of the design, in its order, with `key` between.
    pub fn new(
        query: &'a str,
        rank: usize,
        score: f32,
        key: &'a str,
        title: &'a str,
        text: &'a str,
    ) -> HitLine<'a> {
        HitLine {
            query,
            rank,
            score,
            key,
            title,
            text,
            explain: None,
        }
    }
}

/// The last line of `search --json --stats`.
#[derive(Debug, Serialize)]
pub struct StatsLine {
    /// The work done.
    pub stats: Stats,
}

/// The work that one or more searches did, added up.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stats {
    /// Queries searched for.
    pub queries: u64,
    /// Those of them for which every document was scored.
    pub exact: u64,
    /// Centroids, and centres of cells, that were compared with queries.
    pub centroids_scored: u64,
    /// Posting lists that were read.
    pub postings_read: u64,
    /// Documents found through posting lists.
    pub candidates: u64,
    /// Documents that were scored by their vectors near the query.
    pub documents_near: u64,
    /// Documents that were scored in 16 bits, within a bound.
    pub documents_screened: u64,
    /// Documents that were scored in f32.
    pub documents_scored: u64,
    /// Token vectors decoded.
    pub vectors_decoded: u64,
    /// Bytes of the index that were read.
    pub bytes_touched: u64,
    /// Times a search widened because it had too few candidates.
    pub widened: u64,
    /// Milliseconds to turn the queries into vectors.
    pub encode_ms: f64,
    /// Milliseconds to find the best centroids.
    pub centroid_ms: f64,
    /// Milliseconds to find candidates and score them by their centroids.
    pub candidate_ms: f64,
    /// Milliseconds to score candidates by their vectors near the query.
    pub near_ms: f64,
    /// Milliseconds to decode and score exactly.
    pub exact_ms: f64,
    /// Milliseconds of search in all, without encoding.
    pub search_ms: f64,
}

impl Stats {
    /// Adds one search.
    pub fn add(&mut self, stats: &SearchStats, encode_time: Duration) {
        self.queries += 1;
        self.exact += u64::from(stats.exact);
        self.centroids_scored += stats.centroids_scored;
        self.postings_read += stats.postings_read;
        self.candidates += stats.candidates;
        self.documents_near += stats.documents_near;
        self.documents_screened += stats.documents_screened;
        self.documents_scored += stats.documents_scored;
        self.vectors_decoded += stats.vectors_decoded;
        self.bytes_touched += stats.bytes_touched;
        self.widened += u64::from(stats.widened);
        self.encode_ms += milliseconds(encode_time);
        self.centroid_ms += milliseconds(stats.centroid_time);
        self.candidate_ms += milliseconds(stats.candidate_time);
        self.near_ms += milliseconds(stats.near_time);
        self.exact_ms += milliseconds(stats.exact_time);
        self.search_ms += milliseconds(stats.total_time);
    }
}

/// An object whose fields are known only at run time, in the order they were given.
#[derive(Debug, Clone, Default)]
pub struct OrderedFields(Vec<(String, Field)>);

/// A field's value; objects within keep their order too.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Field {
    Value(Value),
    Object(OrderedFields),
}

impl OrderedFields {
    /// An object without fields.
    pub fn new() -> OrderedFields {
        OrderedFields::default()
    }

    /// Adds a field.
    pub fn push(&mut self, name: &str, value: Value) {
        self.0.push((name.to_owned(), Field::Value(value)));
    }

    /// Adds an object as a field.
    pub fn push_fields(&mut self, name: &str, fields: OrderedFields) {
        self.0.push((name.to_owned(), Field::Object(fields)));
    }
}

impl Serialize for OrderedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A time in milliseconds, to the microsecond.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
