//! Measures searches within filters of several selectivities, beside the same without a filter.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin filters -- VECTORS INDEX
//! ```
//!
//! VECTORS is a folder as `scripts/compare` makes it; INDEX is built where there is none, with a
//! field `share` of random numbers below a million. The documents that match have nothing to do
//! with the query. One search thread; searches with and without the filter take turns.

use colidx_core::*;
use colidx_data::embeddings::{Embeddings, QueryEmbeddings};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// Of the documents, one in so many matches.
const ONE_IN: [u64; 7] = [1, 2, 10, 100, 1000, 5000, 100_000];

const MILLION: u64 = 1_000_000;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, index] = &arguments[..] else {
        return Err("usage: filters VECTORS INDEX".into());
    };
    let (vectors, path) = (Path::new(vectors), Path::new(index));
    if !path.exists() {
        build(vectors, path)?;
    }
    let index = Index::open(path)?;
    let queries = queries(vectors, index.dim())?;
    println!(
        "| documents that match | time, of that without a filter | p50 ms | recall@10 | without |"
    );
    println!("|---:|---:|---:|---:|---:|");
    for one_in in ONE_IN {
        let filter = Filter::field("share").lt(i64::try_from(MILLION / one_in)?);
        measure(&index, &queries, filter)?;
    }
    Ok(())
}

fn build(vectors: &Path, path: &Path) -> std::result::Result<(), Box<dyn Error>> {
    let mut embeddings = Embeddings::open(vectors)?;
    let options = BuildOptions::default().dim(embeddings.dim());
    let mut writer = IndexWriter::create(path, options)?;
    let mut state = 42u64;
    let (mut row, mut lens, mut token_ids) = (Vec::new(), Vec::new(), Vec::new());
    for document in 0..embeddings.documents() {
        row.clear();
        embeddings.read(&[document], &mut row, &mut lens, &mut token_ids)?;
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let metadata = format!("{{\"share\": {}}}", (state >> 33) % MILLION);
        let key = format!("{document:08}");
        let new = NewDocument::new(&key).metadata(&metadata);
        writer.add_vectors(new, &row, &[])?;
    }
    writer.commit(&mut NoVectors, &NoProgress)?;
    Ok(())
}

fn queries(vectors: &Path, dim: usize) -> std::result::Result<Vec<Query>, Box<dyn Error>> {
    let mut file = QueryEmbeddings::open(&vectors.join("query_embeddings.npy"))?;
    let mut buffer = Vec::new();
    let mut queries = Vec::new();
    for query in 0..file.queries() {
        file.read(query, &mut buffer)?;
        queries.push(Query::new(&buffer, dim)?);
    }
    Ok(queries)
}

fn measure(
    index: &Index,
    queries: &[Query],
    filter: Filter,
) -> std::result::Result<(), Box<dyn Error>> {
    let plain = SearchOptions::default();
    let filtered = plain.clone().filter(filter.clone());
    let matching = index.matching(&filter)?.len();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut found, mut wanted) = ([0, 0], [0, 0]);
    for query in queries {
        for (at, options) in [&filtered, &plain].into_iter().enumerate() {
            let began = Instant::now();
            let hits = index.search(query, options)?.hits;
            [&mut with, &mut without][at].push(began.elapsed());
            let exact = index.search(query, &options.clone().exact(true))?.hits;
            found[at] += exact.iter().filter(|hit| hits.contains(hit)).count();
            wanted[at] += exact.len();
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let (with, without) = (median(&mut with), median(&mut without));
    let recall = |at: usize| found[at] as f64 / wanted[at].max(1) as f64;
    println!(
        "| {matching} | {:.2} | {with:.2} | {:.3} | {:.3} |",
        with / without,
        recall(0),
        recall(1)
    );
    Ok(())
}
