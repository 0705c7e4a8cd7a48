//! Measures recall and time of searches at several depths.
//!
//! ```text
//! cargo run --release -p colidx-lab --bin recall -- VECTORS INDEX QUERIES DEPTHS...
//! ```
//!
//! VECTORS is a folder as `scripts/compare` makes it, with `exact_ids.npy` from
//! `benches/compare/exact.py`; INDEX is built where there is none. Each of DEPTHS is
//! `k,candidates,rerank`, and perhaps `,probes`, where 0 is the default. The settings take turns
//! for the first QUERIES queries on one thread. Times are on-core, so that other work on the
//! machine counts little, and the least of three rounds.

use colidx_core::*;
use colidx_data::embeddings::{Embeddings, QueryEmbeddings};
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 3;

struct Setting {
    name: String,
    options: SearchOptions,
    /// Of the true best, by query, summed.
    found: usize,
    /// On-core seconds of each round.
    rounds: Vec<f64>,
    stats: Vec<SearchStats>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, path, count, depths @ ..] = &arguments[..] else {
        return Err("usage: recall VECTORS INDEX QUERIES DEPTHS...".into());
    };
    let (vectors, path, count) = (Path::new(vectors), Path::new(path), count.parse()?);
    if !path.exists() {
        build(vectors, path)?;
    }
    let index = Index::open(path)?;
    let truth = Truth::read(&vectors.join("exact_ids.npy"))?;
    let mut file = QueryEmbeddings::open(&vectors.join("query_embeddings.npy"))?;
    let mut queries = Vec::new();
    let mut buffer = Vec::new();
    for query in 0..file.queries().min(count) {
        file.read(query, &mut buffer)?;
        queries.push(Query::new(&buffer, file.dim())?);
    }
    let mut settings: Vec<Setting> = depths
        .iter()
        .map(|depths| setting(depths))
        .collect::<Result<_>>()?;
    for round in 0..=ROUNDS {
        for setting in &mut settings {
            let before = on_core()?;
            for (at, query) in queries.iter().enumerate() {
                let found = index.search(query, &setting.options)?;
                if round == 0 {
                    let best: HashSet<&str> = truth.keys(at, setting.options.k).collect();
                    let hits = found.hits.iter();
                    setting.found += hits.filter(|hit| best.contains(hit.key.as_str())).count();
                }
                // The index is in memory by then.
                if round == ROUNDS {
                    setting.stats.push(found.stats);
                }
            }
            if round > 0 {
                let taken = on_core()?.saturating_sub(before);
                setting.rounds.push(taken.as_secs_f64());
            }
        }
    }
    println!(
        "| setting | recall | ms | of the first | centroids | candidates | partial \
         | exact |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    );
    let mut first = None;
    for setting in &settings {
        let least = setting.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let seconds = least / queries.len() as f64;
        let wanted = queries.len() * setting.options.k;
        let median = |time: fn(&SearchStats) -> Duration| {
            let mut times: Vec<Duration> = setting.stats.iter().map(time).collect();
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e3
        };
        println!(
            "| {} | {:.3} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            setting.name,
            setting.found as f64 / wanted as f64,
            seconds * 1e3,
            seconds / *first.get_or_insert(seconds),
            median(|s| s.centroid_time),
            median(|s| s.candidate_time),
            median(|s| s.partial_time),
            median(|s| s.exact_time),
        );
    }
    Ok(())
}

fn setting(depths: &str) -> Result<Setting> {
    let numbers: Vec<usize> = depths
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let (k, candidates, rerank, n_probe) = match numbers[..] {
        [k, candidates, rerank] => (k, candidates, rerank, 0),
        [k, candidates, rerank, n_probe] => (k, candidates, rerank, n_probe),
        _ => return Err("a setting is k,candidates,rerank or k,candidates,rerank,probes".into()),
    };
    let chosen = |depth: usize| (depth > 0).then_some(depth);
    let options = SearchOptions::default()
        .k(k)
        .candidates(chosen(candidates))
        .rerank(chosen(rerank))
        .n_probe(chosen(n_probe));
    Ok(Setting {
        name: depths.into(),
        options,
        found: 0,
        rounds: Vec::new(),
        stats: Vec::new(),
    })
}

fn build(vectors: &Path, path: &Path) -> Result<()> {
    let mut embeddings = Embeddings::open(vectors)?;
    let options = BuildOptions::default().dim(embeddings.dim());
    let mut writer = IndexWriter::create(path, options)?;
    let (mut row, mut lens, mut token_ids) = (Vec::new(), Vec::new(), Vec::new());
    for document in 0..embeddings.documents() {
        row.clear();
        token_ids.clear();
        embeddings.read(&[document], &mut row, &mut lens, &mut token_ids)?;
        writer.add_vectors(NewDocument::new(&document.to_string()), &row, &token_ids)?;
    }
    writer.commit(&mut NoVectors, &NoProgress)?;
    Ok(())
}

/// The rows of the best documents of each query, best first.
struct Truth {
    rows: Vec<String>,
    top: usize,
}

impl Truth {
    /// Reads a .npy file of i32, [queries, top].
    fn read(path: &Path) -> Result<Truth> {
        let bytes = std::fs::read(path)?;
        let header = 10 + usize::from(bytes[8]) + 256 * usize::from(bytes[9]);
        let text = std::str::from_utf8(&bytes[10..header])?;
        let shape = text.split(['(', ')']).nth(1).ok_or("no shape")?;
        let top = shape.split(',').nth(1).ok_or("no second dimension")?;
        let (numbers, _) = bytes[header..].as_chunks::<4>();
        let rows = numbers.iter().map(|&bytes| i32::from_le_bytes(bytes));
        Ok(Truth {
            rows: rows.map(|row| row.to_string()).collect(),
            top: top.trim().parse()?,
        })
    }

    fn keys(&self, query: usize, k: usize) -> impl Iterator<Item = &str> {
        let rows = &self.rows[query * self.top..][..k];
        rows.iter().map(String::as_str)
    }
}

/// Time that this thread has run on a core.
fn on_core() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split_whitespace().next().ok_or("no schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
