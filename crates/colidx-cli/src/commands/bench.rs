//! `colidx bench`

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use colidx::{Index, Query, SearchOptions, SearchResults};
use serde::Serialize;

use super::on_threads;
use super::search::TAG;
use crate::args::BenchArgs;
use crate::error::CliError;
use crate::eval::RunWriter;
use crate::json::milliseconds;
use crate::output::{OutputFile, Stdout};
use crate::progress::{Phases, Unit};
use crate::queries::{From, Queries};

#[derive(Serialize)]
struct BenchLine {
    queries: usize,
    k: usize,
    threads: usize,
    repeat: u32,
    exact: bool,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    mean_ms: f64,
    qps: f64,
    encode_p50_ms: Option<f64>,
    encode_p95_ms: Option<f64>,
    encode_p99_ms: Option<f64>,
    open_ms: f64,
    rss_bytes: Option<u64>,
    peak_rss_bytes: Option<u64>,
    index_bytes: u64,
    documents: u64,
    vectors: u64,
}

/// Measures search speed.
///
/// # Errors
/// A file or the index is bad.
pub fn run(args: &BenchArgs) -> Result<(), CliError> {
    let threads = usize::from(args.threads);
    on_threads(threads, || {
        let began = Instant::now();
        let index = Index::open(&args.index.path)?;
        let open_time = began.elapsed();
        let from = From {
            queries: args.queries.as_ref(),
            embeddings: args.query_embeddings.as_ref(),
            model: args.model.model.as_deref(),
        };
        let mut queries = Queries::open(&index, &args.index.path, &from)?;
        let phases = Phases::new();
        let total = queries.keys().len();
        phases.begin("encoding", Some(total as u64), Unit::Things("query"));
        let (vectors, encode_times) = queries.get_each(|done| phases.set(done as u64, Some(total as u64)))?;
        phases.end();
        let encode_times = if queries.are_text() { Some(sorted(encode_times)) } else { None };
        let keys = queries.keys().to_vec();
        // The checkpoint must not count as memory of the search.
        drop(queries);

        let options = SearchOptions { k: args.k as usize, exact: args.exact, ..SearchOptions::default() };
        phases.begin("searching", Some(total as u64 * u64::from(args.repeat + 1)), Unit::Things("query"));
        round(&index, &vectors, &options)?;
        let mut times = Vec::new();
        let mut wall = Duration::ZERO;
        let mut last = Vec::new();
        for repeat in 0..args.repeat {
            phases.set_done(total as u64 * u64::from(repeat + 1));
            let began = Instant::now();
            last = round(&index, &vectors, &options)?;
            wall += began.elapsed();
            times.extend(last.iter().map(|(_, took)| *took));
        }
        phases.set_done(total as u64 * u64::from(args.repeat + 1));
        phases.end();
        if let Some(path) = &args.run_out {
            let mut run = RunWriter::new(OutputFile::create(path)?, TAG);
            for (key, (results, _)) in keys.iter().zip(&last) {
                run.write(key, results.hits.iter().map(|hit| (hit.key.as_str(), hit.score)))?;
            }
            run.finish()?.finish()?;
        }
        let searched = times.len();
        let mean = times.iter().sum::<Duration>() / searched.max(1) as u32;
        let times = sorted(times);
        let encode = |share| encode_times.as_ref().map(|times| milliseconds(percentile(times, share)));
        let mut out = Stdout::lock();
        out.json(&BenchLine {
            queries: total,
            k: options.k,
            threads,
            repeat: args.repeat,
            exact: args.exact,
            p50_ms: milliseconds(percentile(&times, 0.5)),
            p95_ms: milliseconds(percentile(&times, 0.95)),
            p99_ms: milliseconds(percentile(&times, 0.99)),
            mean_ms: milliseconds(mean),
            qps: (searched as f64 / wall.as_secs_f64().max(1e-9) * 10.0).round() / 10.0,
            encode_p50_ms: encode(0.5),
            encode_p95_ms: encode(0.95),
            encode_p99_ms: encode(0.99),
            open_ms: milliseconds(open_time),
            rss_bytes: memory("VmRSS:"),
            peak_rss_bytes: memory("VmHWM:"),
            index_bytes: index.info()?.bytes,
            documents: index.documents(),
            vectors: index.vectors(),
        })?;
        out.flush()
    })
}

type Timed = (SearchResults, Duration);

/// Searches for every query once, each on one thread of the pool, and gives the results in the order of the queries.
fn round(index: &Index, queries: &[Query], options: &SearchOptions) -> Result<Vec<Timed>, CliError> {
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<Option<Timed>>> = Mutex::new(vec![None; queries.len()]);
    let work = || -> Result<(), colidx::Error> {
        while let Some((at, query)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            queries.get(at).map(|query| (at, query))
        } {
            let began = Instant::now();
            let results = index.search(query, options)?;
            let took = began.elapsed();
            if let Ok(mut all) = all.lock() {
                all[at] = Some((results, took));
            }
        }
        Ok(())
    };
    rayon::broadcast(|_| work()).into_iter().collect::<Result<(), _>>()?;
    Ok(all.into_inner().unwrap_or_default().into_iter().flatten().collect())
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

/// The smallest of the sorted times that at least `share` of them do not exceed (nearest rank).
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A figure of this process's memory in bytes, where the system tells it as Linux does.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(percentile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(percentile(&times[..1], 0.5), Duration::from_millis(1));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
