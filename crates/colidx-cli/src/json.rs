//! The JSON objects that commands print, field for field.

use std::time::Duration;

use colidx::SearchStats;
use serde::{Serialize, Serializer};
use serde_json::Value;

use colidx::text::{Snippet, TokenExplanation};

/// One hit of `search --json`.
#[derive(Debug, Serialize)]
pub struct HitLine<'a> {
    /// The query as typed, or the key of one of many queries.
    pub query: &'a str,
    /// Counts from 1.
    pub rank: usize,
    /// What it is ranked by: MaxSim, BM25, or what became of both.
    pub score: f32,
    /// MaxSim, where words are searched too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxsim: Option<f32>,
    /// BM25, where words are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bm25: Option<f32>,
    /// The document's key.
    pub key: &'a str,
    /// Empty where there is none.
    pub title: &'a str,
    /// Empty where none is stored.
    pub text: &'a str,
    /// The document's further fields, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// The best passage, with `--snippets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
    /// The matches, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<Vec<TokenExplanation>>,
}

/// A document's metadata as JSON; `None` where there is none.
pub fn metadata(stored: &str) -> Option<Value> {
    match serde_json::from_str(stored) {
        Ok(value) => Some(value),
        Err(_) if stored.is_empty() => None,
        // Another program may have stored plain text.
        Err(_) => Some(Value::String(stored.to_owned())),
    }
}

/// The last line of `search --json --stats`.
#[derive(Debug, Serialize)]
pub struct StatsLine {
    /// Their sum.
    pub stats: Stats,
}

/// Work of one or more searches, summed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stats {
    /// Queries searched for.
    pub queries: u64,
    /// Exact ones among them.
    pub exact: u64,
    /// Centroids and cell centers compared with queries.
    pub centroids_scored: u64,
    /// Posting lists read.
    pub postings_read: u64,
    /// Documents found in posting lists.
    pub candidates: u64,
    /// Documents scored with partial MaxSim.
    pub documents_partial: u64,
    /// Documents screened in 16 bits, within an error bound.
    pub documents_screened: u64,
    /// Documents scored in f32.
    pub documents_scored: u64,
    /// Token vectors decoded.
    pub vectors_decoded: u64,
    /// Bytes of the index read.
    pub bytes_touched: u64,
    /// Times a search widened for lack of candidates.
    pub widened: u64,
    /// Milliseconds to encode the queries.
    pub encode_ms: f64,
    /// Milliseconds to find the best centroids.
    pub centroid_ms: f64,
    /// Milliseconds to find candidates and score them by their centroids.
    pub candidate_ms: f64,
    /// Milliseconds to score candidates with partial MaxSim.
    pub partial_ms: f64,
    /// Milliseconds to decode and score exactly.
    pub exact_ms: f64,
    /// Milliseconds to find and score by words.
    pub words_ms: f64,
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
        self.documents_partial += stats.documents_partial;
        self.documents_screened += stats.documents_screened;
        self.documents_scored += stats.documents_scored;
        self.vectors_decoded += stats.vectors_decoded;
        self.bytes_touched += stats.bytes_touched;
        self.widened += u64::from(stats.widened);
        self.encode_ms += milliseconds(encode_time);
        self.centroid_ms += milliseconds(stats.centroid_time);
        self.candidate_ms += milliseconds(stats.candidate_time);
        self.partial_ms += milliseconds(stats.partial_time);
        self.exact_ms += milliseconds(stats.exact_time);
        self.words_ms += milliseconds(stats.words_time);
        self.search_ms += milliseconds(stats.total_time);
    }
}

/// A JSON object with run-time fields in insertion order.
#[derive(Debug, Clone, Default)]
pub struct OrderedFields(Vec<(String, Field)>);

/// A field's value; nested objects keep their order too.
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

    /// Names and values, for people: numbers with four places, those of an object below its name.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |(name, field): &(String, Field)| match field {
            Field::Value(value) => vec![vec![name.clone(), shown(value)]],
            Field::Object(fields) => {
                let rows = fields.rows().into_iter();
                let below = rows.map(|mut row| {
                    row[0].insert_str(0, &format!("{name} "));
                    row
                });
                below.collect()
            }
        };
        self.0.iter().flat_map(row).collect()
    }
}

fn shown(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() => format!("{number:.4}"),
        _ => value.to_string(),
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
