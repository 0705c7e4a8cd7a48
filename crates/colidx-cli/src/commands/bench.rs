//! `colidx bench`

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use colidx::{Index, Query, SearchBy, SearchOptions, SearchResults};
use serde::Serialize;

use super::hits::HitsOut;
use super::search::check_stopped;
use super::{need_documents, on_threads};
use crate::args::BenchArgs;
use crate::error::CliError;
use crate::json::milliseconds;
use crate::output::Stdout;
use crate::progress::{Phases, Unit};
use crate::queries::{Queries, QuerySource};

#[derive(Serialize)]
struct BenchLine {
    queries: usize,
    k: usize,
    threads: usize,
    parallel: bool,
    repeat: u32,
    cold: bool,
    exact: bool,
    kernels: String,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    mean_ms: f64,
    qps: f64,
    precision: Option<String>,
    encode_p50_ms: Option<f64>,
    encode_p95_ms: Option<f64>,
    encode_p99_ms: Option<f64>,
    open_ms: f64,
    page_reads: Option<u64>,
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
    args.queries.require()?;
    let threads = usize::from(args.threads);
    on_threads(threads, || {
        let began = Instant::now();
        let index = Index::open(&args.index.path)?;
        let open_time = began.elapsed();
        need_documents(&index)?;
        let from = QuerySource {
            files: &args.queries,
            model: &args.model,
        };
        // Fail before the work begins if the run cannot be written.
        let guard = from.guard(&index, &args.index.path, args.run_out.force);
        (args.run_out.path.iter()).try_for_each(|path| guard.check(path))?;
        let mut queries = Queries::open(&index, &from, SearchBy::Vectors)?;
        let run = args.run_out.path.as_deref();
        let run = run.map(|path| HitsOut::file(path, &guard)).transpose()?;
        let phases = Phases::new();
        let total = queries.keys().len();
        phases.begin("encoding", Some(total as u64), Unit::Things("query"));
        let encoded = queries.get_each(|done| phases.set(done as u64))?;
        phases.end();
        queries.tell_empty()?;
        let keyed = queries.keys().iter().zip(encoded);
        let keyed = keyed.filter_map(|(key, encoded)| Some((key.clone(), encoded?)));
        let (keys, encoded): (Vec<String>, Vec<_>) = keyed.unzip();
        let (vectors, times): (Vec<Query>, Vec<Duration>) = encoded.into_iter().unzip();
        let encode_times = queries.are_text().then(|| sorted(times));
        // The checkpoint must not count as memory of the search.
        drop(queries);

        let options = args.effort.options(args.k as usize).parallel(args.parallel);
        let warm_up = u32::from(!args.cold);
        let repeat = if args.cold { 1 } else { args.repeat };
        let searches = search_rounds(&index, &vectors, &options, warm_up, repeat, &phases)?;
        if let Some(run) = run {
            write_run(run, &index, &keys, &searches.last)?;
        }
        let encode = |share| {
            let times = encode_times.as_ref()?;
            Some(milliseconds(percentile(times, share)))
        };
        let search = |share| milliseconds(percentile(&searches.times, share));
        let mut out = Stdout::lock();
        out.json(&BenchLine {
            queries: keys.len(),
            k: options.k,
            threads,
            parallel: args.parallel,
            repeat,
            cold: args.cold,
            exact: args.effort.exact,
            kernels: colidx_kernels::kernels().isa().to_string(),
            p50_ms: search(0.5),
            p95_ms: search(0.95),
            p99_ms: search(0.99),
            mean_ms: milliseconds(searches.mean()),
            qps: searches.per_second(),
            precision: (encode_times.as_ref()).map(|_| args.model.encoder.precision.to_string()),
            encode_p50_ms: encode(0.5),
            encode_p95_ms: encode(0.95),
            encode_p99_ms: encode(0.99),
            open_ms: milliseconds(open_time),
            page_reads: searches.page_reads,
            rss_bytes: memory("VmRSS:"),
            peak_rss_bytes: memory("VmHWM:"),
            index_bytes: index.info()?.bytes,
            documents: index.num_documents(),
            vectors: index.num_vectors(),
        })?;
        out.flush()
    })
}

/// The searches of all rounds.
struct Searches {
    /// Latency of each search, ascending.
    times: Vec<Duration>,
    /// Wall time of the rounds.
    wall: Duration,
    /// Major page faults, on Linux.
    page_reads: Option<u64>,
    /// The results of the last round.
    last: Vec<Timed>,
}

impl Searches {
    fn mean(&self) -> Duration {
        self.times.iter().sum::<Duration>() / self.times.len().max(1) as u32
    }

    fn per_second(&self) -> f64 {
        (self.times.len() as f64 / self.wall.as_secs_f64().max(1e-9) * 10.0).round() / 10.0
    }
}

/// Runs the warm-up rounds, then the measured ones.
fn search_rounds(
    index: &Index,
    queries: &[Query],
    options: &SearchOptions,
    warm_up: u32,
    rounds: u32,
    phases: &Phases,
) -> Result<Searches, CliError> {
    let all = queries.len() as u64 * u64::from(warm_up + rounds);
    phases.begin("searching", Some(all), Unit::Things("query"));
    for _ in 0..warm_up {
        round(index, queries, options)?;
    }
    let before = page_reads();
    let mut searches = Searches {
        times: Vec::new(),
        wall: Duration::ZERO,
        page_reads: None,
        last: Vec::new(),
    };
    for number in warm_up..warm_up + rounds {
        check_stopped()?;
        phases.set(queries.len() as u64 * u64::from(number));
        let began = Instant::now();
        searches.last = round(index, queries, options)?;
        searches.wall += began.elapsed();
        let times = searches.last.iter().map(|(_, took)| *took);
        searches.times.extend(times);
    }
    searches.page_reads = page_reads().zip(before).map(|(now, before)| now - before);
    phases.set(all);
    phases.end();
    searches.times.sort_unstable();
    Ok(searches)
}

fn write_run(
    mut run: HitsOut,
    index: &Index,
    keys: &[String],
    results: &[Timed],
) -> Result<(), CliError> {
    for (key, (results, _)) in keys.iter().zip(results) {
        run.write(index, key, &results.hits)?;
    }
    run.finish()
}

type Timed = (SearchResults, Duration);

/// Searches every query once: concurrently with one thread each, or one after the other on all
/// threads. Results are in the order of the queries.
fn round(
    index: &Index,
    queries: &[Query],
    options: &SearchOptions,
) -> Result<Vec<Timed>, CliError> {
    if options.parallel {
        let search = |query| {
            let began = Instant::now();
            let results = index.search(query, options)?;
            Ok((results, began.elapsed()))
        };
        return queries.iter().map(search).collect();
    }
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
    rayon::broadcast(|_| work())
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(all
        .into_inner()
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .collect())
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

/// The percentile by nearest rank.
fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// A memory figure of this process in bytes, on Linux.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Major page faults of this process: the tenth field after its name in `/proc/self/stat`.
fn page_reads() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(9)?.parse().ok()
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
