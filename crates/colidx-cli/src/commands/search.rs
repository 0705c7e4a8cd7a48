//! `colidx search`

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use colidx::{Hit, Index, Query, SearchOptions, TextSearcher};

use super::with_threads;
use crate::args::SearchArgs;
use crate::error::CliError;
use crate::interactive;
use crate::interrupt;
use crate::json::{HitLine, Stats, StatsLine, metadata};
use crate::model;
use crate::output::{OutputFile, Protected, Stdout, note};
use crate::printer::{Printer, tell_stats};
use crate::progress::{Phases, Unit};
use crate::queries::{CHUNK, Queries, QuerySource};
use crate::render::number;
use colidx_data::RunWriter;

/// Default `-k` of a single query.
const K: u32 = 10;

/// Default `-k` of a query file.
const K_BATCH: u32 = 100;

/// The last column of a run.
pub const TAG: &str = "colidx";

/// Answers one query, a query file, or an interactive session.
///
/// # Errors
/// The index or its checkpoint cannot be opened, a file is bad, or standard output is closed.
pub fn run(args: &SearchArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        if args.queries.is_given() {
            return batch(args);
        }
        if args.run_out.is_some() {
            return Err(CliError::Usage(
                "--run-out needs --queries or --query-embeddings".to_owned(),
            ));
        }
        let mut searcher = model::searcher(&args.index.path, &args.model)
            .map_err(|error| error.or_vectors("--query-embeddings"))?;
        let printer = Printer::new(args);
        // A single query uses all threads.
        let options = options(args, K).parallel(true);
        match &args.query {
            Some(query) => one(&searcher, query, &options, printer),
            None => interactive::run(&mut searcher, options, printer),
        }
    })
}

/// Creates the file of a run. Until it is complete it has a temporary name beside the target, which
/// a signal must remove.
pub fn run_file(path: &Path, guard: &Protected) -> Result<OutputFile, CliError> {
    interrupt::install()?;
    Ok(OutputFile::create(path, guard)?)
}

/// Fails if a signal asked to stop.
pub fn check_stopped() -> Result<(), CliError> {
    if interrupt::requested() {
        return Err(CliError::Interrupted(
            "no run was written; run the command again".to_owned(),
        ));
    }
    Ok(())
}

fn options(args: &SearchArgs, k: u32) -> SearchOptions {
    args.effort.options(args.k.unwrap_or(k) as usize)
}

fn one(
    searcher: &TextSearcher,
    query: &str,
    options: &SearchOptions,
    printer: Printer,
) -> Result<(), CliError> {
    let answer = searcher.answer(query, options)?;
    printer.answer(searcher, &answer, &mut Stdout::lock())
}

/// Destination of the hits of a query file.
enum Sink {
    Run(RunWriter<Box<dyn Write>>),
    File(RunWriter<OutputFile>),
    Json(Stdout),
}

fn batch(args: &SearchArgs) -> Result<(), CliError> {
    let index = Index::open(&args.index.path)?;
    let from = QuerySource {
        files: &args.queries,
        model: &args.model,
    };
    // Fail before the work begins if the run cannot be written.
    let guard = from.guard(&index, &args.index.path, args.force);
    (args.run_out.iter()).try_for_each(|path| guard.check(path))?;
    let mut queries = Queries::open(&index, &from)?;
    let options = options(args, K_BATCH);
    let mut sink = match &args.run_out {
        Some(path) => Sink::File(RunWriter::new(run_file(path, &guard)?, TAG)),
        None if args.json => Sink::Json(Stdout::lock()),
        None => Sink::Run(RunWriter::new(Box::new(Stdout::lock()), TAG)),
    };
    let mut stats = Stats::default();
    search_all(
        &index,
        &mut queries,
        &options,
        &mut stats,
        |key, hits| match &mut sink {
            Sink::Run(run) => Ok(run.write(key, ranking(hits))?),
            Sink::File(run) => Ok(run.write(key, ranking(hits))?),
            Sink::Json(out) => {
                for (rank, hit) in (1..).zip(hits) {
                    let document = index.document(hit.doc)?;
                    out.json(&HitLine {
                        query: key,
                        rank,
                        score: hit.score,
                        key: &hit.key,
                        title: &document.title,
                        text: &document.text,
                        metadata: metadata(&document.metadata),
                        snippet: None,
                        explain: None,
                    })?;
                }
                Ok(())
            }
        },
    )?;
    match sink {
        Sink::Run(run) => {
            tell_escaped(run.escaped());
            drop(run.finish()?);
        }
        Sink::File(run) => {
            tell_escaped(run.escaped());
            run.finish()?.finish()?;
        }
        Sink::Json(mut out) => {
            if args.stats {
                out.json(&StatsLine { stats })?;
            }
            return out.flush();
        }
    }
    if args.stats {
        tell_stats(&stats);
    }
    Ok(())
}

/// The columns of a run.
pub fn ranking(hits: &[Hit]) -> impl Iterator<Item = (&str, f32)> {
    hits.iter().map(|hit| (hit.key.as_str(), hit.score))
}

/// Says that keys stand escaped in a run, if any do.
pub fn tell_escaped(keys: u64) {
    if keys > 0 {
        note(&format!(
            "escaped: {} empty or with white space or control characters, percent-encoded behind \
             `%:` in the run",
            number::counted(keys, "key")
        ));
    }
}

/// Searches all queries in chunks, and passes the hits to `each` in the order of the queries. An
/// empty query has no hits; which ones are empty is told.
///
/// # Errors
/// A query is bad or all are empty, the index is damaged, or `each` fails.
pub fn search_all(
    index: &Index,
    queries: &mut Queries,
    options: &SearchOptions,
    stats: &mut Stats,
    mut each: impl FnMut(&str, &[Hit]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let keys = queries.keys().to_vec();
    let total = keys.len();
    let phases = Phases::new();
    phases.begin("searching", Some(total as u64), Unit::Things("query"));
    for start in (0..total).step_by(CHUNK) {
        check_stopped()?;
        let at = start..total.min(start + CHUNK);
        let began = Instant::now();
        let chunk = queries.get(at.clone())?;
        let encode_time = began.elapsed() / chunk.len().max(1) as u32;
        let found: Vec<bool> = chunk.iter().map(Option::is_some).collect();
        let chunk: Vec<Query> = chunk.into_iter().flatten().collect();
        let mut results = index.search_many(&chunk, options)?.into_iter();
        let encode_time = if queries.are_text() {
            encode_time
        } else {
            Duration::ZERO
        };
        for (key, found) in keys[at.clone()].iter().zip(found) {
            match found.then(|| results.next()).flatten() {
                Some(results) => {
                    stats.add(&results.stats, encode_time);
                    each(key, &results.hits)?;
                }
                None => each(key, &[])?,
            }
        }
        phases.set(at.end as u64);
    }
    phases.end();
    queries.tell_empty()
}
