//! What a run leaves behind: latencies and the TREC run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Wall time of each search, in milliseconds.
#[derive(Default)]
pub struct Latencies(Vec<f64>);

impl Latencies {
    /// Runs one search and keeps its time.
    pub fn time<T>(&mut self, search: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let found = search();
        self.0.push(start.elapsed().as_secs_f64() * 1e3);
        found
    }

    /// p50_ms, p95_ms, p99_ms (nearest rank) and qps.
    pub fn summary(mut self) -> Map<String, Value> {
        let qps = 1e3 * self.0.len() as f64 / self.0.iter().sum::<f64>();
        self.0.sort_by(f64::total_cmp);
        let rank =
            |p: f64| self.0[((p * self.0.len() as f64).ceil() as usize).clamp(1, self.0.len()) - 1];
        let mut out = Map::new();
        for (name, p) in [("p50_ms", 0.50), ("p95_ms", 0.95), ("p99_ms", 0.99)] {
            out.insert(name.to_owned(), json!(rank(p)));
        }
        out.insert("qps".to_owned(), json!(qps));
        out
    }
}

/// Writes `query Q0 document rank score tag`; queries are row numbers, documents their keys or row
/// numbers.
pub fn write_run(
    path: &Path,
    hits: &[Vec<(i64, f32)>],
    keys: Option<&[String]>,
    tag: &str,
) -> Result<()> {
    let mut out = BufWriter::new(
        File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
    );
    for (query, found) in hits.iter().enumerate() {
        for (at, (document, score)) in found.iter().enumerate() {
            let rank = at + 1;
            match keys {
                Some(keys) => {
                    let key = keys
                        .get(*document as usize)
                        .with_context(|| format!("no key for document {document}"))?;
                    writeln!(out, "{query} Q0 {key} {rank} {score} {tag}")?;
                }
                None => writeln!(out, "{query} Q0 {document} {rank} {score} {tag}")?,
            }
        }
    }
    Ok(out.flush()?)
}
