//! Measures a checkpoint: tokens a second for documents, and latency of single queries.
//!
//! ```text
//! cargo run --release -p colidx-lab --features encoder --bin encode_bench -- \
//!     CHECKPOINT CORPUS.jsonl [DOCUMENTS] [QUERIES.jsonl] [f32|int8]
//! ```
//!
//! Both files are JSON Lines with `text` and optionally `title`. `RAYON_NUM_THREADS` sets the
//! number of threads.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use colidx_encoder::{Encoder, EncoderOptions};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    title: String,
    text: String,
}

fn texts(path: &str, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for line in BufReader::new(File::open(path)?).lines().take(count) {
        let line: Line = serde_json::from_str(&line?)?;
        texts.push(format!("{} {}", line.title, line.text).trim().to_owned());
    }
    Ok(texts)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [checkpoint, corpus, rest @ ..] = args.as_slice() else {
        return Err(
            "usage: encode_bench CHECKPOINT CORPUS.jsonl [DOCUMENTS] [QUERIES.jsonl] [f32|int8]"
                .into(),
        );
    };
    let count = rest.first().map_or(Ok(200), |n| n.parse())?;

    let mut options = EncoderOptions::default();
    if let Some(precision) = rest.get(2) {
        options.precision = precision.parse()?;
    }
    let start = Instant::now();
    let encoder = Encoder::open(Path::new(checkpoint), &options)?;
    let opened = start.elapsed();
    let texts_owned = texts(corpus, count)?;
    let documents: Vec<&str> = texts_owned.iter().map(String::as_str).collect();
    let queries_owned = match rest.get(1) {
        Some(path) => texts(path, 100)?,
        None => texts_owned
            .iter()
            .map(|text| text.chars().take(60).collect())
            .take(100)
            .collect(),
    };

    let start = Instant::now();
    encoder.encode_query(&queries_owned[0])?;
    let first = start.elapsed();
    let mut latencies = Vec::new();
    for query in &queries_owned {
        let start = Instant::now();
        encoder.encode_query(query)?;
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
    }
    latencies.sort_by(f64::total_cmp);

    let start = Instant::now();
    let encoded = encoder.encode_documents(&documents)?;
    let seconds = start.elapsed().as_secs_f64();
    let vectors: usize = encoded
        .iter()
        .map(|document| document.token_ids.len())
        .sum();
    let tokens: usize = documents
        .iter()
        .map(|text| encoder.document_token_count(text))
        .sum::<Result<usize, _>>()?;
    println!(
        "{}",
        serde_json::json!({
            "checkpoint": encoder.info().name,
            "precision": options.precision.to_string(),
            "threads": rayon::current_num_threads(),
            "open_ms": opened.as_secs_f64() * 1e3,
            "first_query_ms": first.as_secs_f64() * 1e3,
            "query_p50_ms": latencies[latencies.len() / 2],
            "query_min_ms": latencies[0],
            "documents": documents.len(),
            "tokens": tokens,
            "vectors": vectors,
            "seconds": seconds,
            "tokens_per_s": tokens as f64 / seconds,
            "documents_per_s": documents.len() as f64 / seconds,
        })
    );
    Ok(())
}
