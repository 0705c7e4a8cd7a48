//! `colidx search`

use std::time::{Duration, Instant};

use colidx::{Hit, Index, SearchBy, SearchOptions, SearchResults, TextSearcher};
use rayon::prelude::*;

use super::hits::HitsOut;
use super::with_threads;
use crate::args::SearchArgs;
use crate::error::CliError;
use crate::interactive;
use crate::interrupt;
use crate::json::{Stats, StatsLine};
use crate::model;
use crate::output::Stdout;
use crate::printer::{Printer, tell_stats};
use crate::progress::{Phases, Unit};
use crate::queries::{CHUNK, GivenQuery, Queries, QuerySource, tell_without_hits};
use crate::scope::Scope;

/// Default `-k` of a single query.
const K: u32 = 10;

/// Default `-k` of a query file.
const K_BATCH: u32 = 100;

/// Answers one query, a query file, or an interactive session.
///
/// # Errors
/// The index or its checkpoint cannot be opened, a file is bad, or standard output is closed.
pub fn run(args: &SearchArgs) -> Result<(), CliError> {
    with_threads(&args.threads, || {
        if args.queries.is_given() {
            return batch(args);
        }
        if args.run_out.path.is_some() {
            return Err(CliError::Usage(
                "--run-out needs --queries or --query-embeddings".to_owned(),
            ));
        }
        let by = args.by.search_by();
        let mut searcher = match by {
            SearchBy::Words => TextSearcher::by_words(Index::open(&args.index.path)?)?,
            _ => model::searcher(&args.index.path, &args.model)
                .map_err(|error| error.or_vectors("--query-embeddings"))?,
        };
        let printer = Printer::new(args);
        // A single query uses all threads.
        let options = options(args, K).parallel(true);
        let scope = Scope::open(&args.scope)?;
        match &args.query {
            Some(query) => {
                let options = scope.options(searcher.index(), options)?;
                one(&searcher, query, by, &options, printer)
            }
            None => interactive::run(&mut searcher, scope, by, options, printer),
        }
    })
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
    by: SearchBy,
    options: &SearchOptions,
    printer: Printer,
) -> Result<(), CliError> {
    let answer = searcher.answer_by(query, by, options)?;
    printer.answer(searcher, &answer, &mut Stdout::lock())
}

fn batch(args: &SearchArgs) -> Result<(), CliError> {
    let index = Index::open(&args.index.path)?;
    let from = QuerySource {
        files: &args.queries,
        model: &args.model,
    };
    // Fail before the work begins if the run cannot be written.
    let guard = from.guard(&index, &args.index.path, args.run_out.force);
    (args.run_out.path.iter()).try_for_each(|path| guard.check(path))?;
    let by = args.by.search_by();
    let mut queries = Queries::open(&index, &from, by)?;
    let options = Scope::open(&args.scope)?.options(&index, options(args, K_BATCH))?;
    let mut out = HitsOut::open(args.run_out.path.as_deref(), args.json, &guard)?;
    let mut stats = Stats::default();
    let each = |query: &str, hits: &[Hit]| out.write(&index, query, hits);
    search_all(
        &index,
        &mut queries,
        &|_| Ok(options.clone()),
        &mut stats,
        each,
    )?;
    if let HitsOut::Json(out) = &mut out
        && args.stats
    {
        out.json(&StatsLine { stats })?;
    } else if args.stats {
        out.finish()?;
        tell_stats(&stats);
        return Ok(());
    }
    out.finish()
}

/// Searches all queries in chunks, each as `options` say for its key, and passes the hits to `each`
/// in the order of the queries. An empty query has no hits; which ones are empty, or found nothing,
/// is told.
///
/// # Errors
/// A query is bad or all are empty, the index is damaged, or `each` fails.
pub fn search_all(
    index: &Index,
    queries: &mut Queries,
    options: &(dyn Fn(&str) -> Result<SearchOptions, CliError> + Sync),
    stats: &mut Stats,
    mut each: impl FnMut(&str, &[Hit]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let keys = queries.keys().to_vec();
    let total = keys.len();
    let mut without_hits = Vec::new();
    let phases = Phases::new();
    phases.begin("searching", Some(total as u64), Unit::Things("query"));
    for start in (0..total).step_by(CHUNK) {
        check_stopped()?;
        let at = start..total.min(start + CHUNK);
        let began = Instant::now();
        let chunk = queries.get(at.clone())?;
        let encode_time = began.elapsed() / chunk.len().max(1) as u32;
        let found: Vec<bool> = chunk.iter().map(Option::is_some).collect();
        let chunk: Vec<(&String, GivenQuery)> = (keys[at.clone()].iter().zip(chunk))
            .filter_map(|(key, query)| Some((key, query?)))
            .collect();
        let results: Result<Vec<SearchResults>, CliError> = (chunk.par_iter())
            .map(|(key, query)| Ok(query.search(index, &options(key)?)?))
            .collect();
        let mut results = results?.into_iter();
        let encode_time = if queries.are_text() {
            encode_time
        } else {
            Duration::ZERO
        };
        for (key, found) in keys[at.clone()].iter().zip(found) {
            match found.then(|| results.next()).flatten() {
                Some(results) => {
                    if results.hits.is_empty() {
                        without_hits.push(key.as_str());
                    }
                    stats.add(&results.stats, encode_time);
                    each(key, &results.hits)?;
                }
                None => each(key, &[])?,
            }
        }
        phases.set(at.end as u64);
    }
    phases.end();
    tell_without_hits(without_hits.into_iter());
    queries.tell_empty()
}
