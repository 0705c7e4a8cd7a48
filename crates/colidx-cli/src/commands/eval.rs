//! `colidx eval`

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use colidx::{Index, SearchOptions};
use serde_json::{Value, json};

use super::search::search_all;
use super::with_threads;
use crate::args::EvalArgs;
use crate::error::{CliError, EvalError};
use crate::json::{OrderedFields, Stats};
use crate::output::{Stdout, note, stdout_is_terminal};
use crate::queries::{Queries, QuerySource, tell_unused};
use crate::render::number;
use crate::render::table::{Align, table};
use crate::scope::Scope;
use colidx_data::Judgements;
use colidx_data::{Evaluation, Metric, Run, evaluate, overlap, parse_metrics};

/// Hits per query for metrics without a cut-off, the convention of trec_eval.
const DEPTH: usize = 1000;

/// Computes metrics of a ranking against judgements.
///
/// # Errors
/// A flag, a file or the index is bad, or there is nothing to measure.
pub fn run(args: &EvalArgs) -> Result<(), CliError> {
    args.queries.require()?;
    let metrics = parse_metrics(&args.metrics)
        .map_err(|error| CliError::Usage(format!("--metrics: {error}")))?;
    let k = hits_per_query(args.k, &metrics)?;
    with_threads(&args.threads, || {
        let index = Index::open(&args.index.path)?;
        let qrels = Judgements::open(&args.qrels)?;
        if qrels.is_empty() {
            return Err(EvalError::EmptyJudgements {
                qrels: args.qrels.clone(),
            }
            .into());
        }
        tell_unused("judgement file", "column", qrels.unused_columns());
        let from = QuerySource {
            files: &args.queries,
            model: &args.model,
        };
        let mut queries = Queries::open(&index, &from, args.by.search_by())?;
        check_documents(&qrels, &queries, &index)?;
        retain_judged(&mut queries, &qrels, &args.qrels)?;
        let options = Scope::open(&args.scope)?.options(&index, args.effort.options(k))?;
        let ignore = args.ignore_identical_ids;
        let (run, searched) = rank(&index, &mut queries, &options, ignore)?;
        let evaluation = evaluate(&qrels, &run, &metrics)?;
        if evaluation.missing > 0 {
            note(&format!(
                "{} with judgements are not in the file and count 0",
                number::counted(evaluation.missing as u64, "query")
            ));
        }
        let mut fields = OrderedFields::new();
        fields.push("queries", json!(evaluation.queries));
        fields.push("missing", json!(evaluation.missing));
        fields.push("k", json!(k));
        push_means(&mut fields, &evaluation);
        if args.vs_exact {
            let options = options.exact(true);
            let (reference, exact) = rank(&index, &mut queries, &options, ignore)?;
            for k in cut_offs(&metrics, k) {
                fields.push(
                    &format!("overlap@{k}"),
                    json!(overlap(&reference, &run, k)?),
                );
            }
            let mut means = OrderedFields::new();
            push_means(&mut means, &evaluate(&qrels, &reference, &metrics)?);
            means.push("search_ms", json!(per_query(&exact)));
            fields.push_fields("exact", means);
        }
        fields.push("search_ms", json!(per_query(&searched)));
        let mut out = Stdout::lock();
        match args.json || !stdout_is_terminal() {
            true => out.json(&fields)?,
            false => out.painted(&table(&[Align::Left, Align::Right], &fields.rows(), 0))?,
        }
        out.flush()
    })
}

/// The hits to search for: `-k`, or as many as the metrics need.
fn hits_per_query(k: Option<u32>, metrics: &[Metric]) -> Result<usize, CliError> {
    let Some(k) = k.map(|k| k as usize) else {
        return Ok(depth(metrics));
    };
    let deeper = |metric: &&Metric| metric.depth().is_some_and(|depth| depth > k);
    match metrics.iter().find(deeper) {
        None => Ok(k),
        Some(metric) => Err(CliError::Usage(format!(
            "--metrics: {metric} needs more than {k} hits per query; leave out -k or raise it"
        ))),
    }
}

/// Says how many judged documents of the queries asked the index does not have.
///
/// # Errors
/// It has none of them.
fn check_documents(qrels: &Judgements, queries: &Queries, index: &Index) -> Result<(), CliError> {
    let asked: HashSet<&str> = queries.keys().iter().map(String::as_str).collect();
    let judged = qrels.queries().filter(|(query, _)| asked.contains(query));
    let (mut found, mut missing, mut example) = (0u64, 0u64, None);
    for document in judged.flat_map(|(_, documents)| documents.keys()) {
        if index.find(document)?.is_some() {
            found += 1;
        } else {
            missing += 1;
            example.get_or_insert(document);
        }
    }
    match example {
        Some(example) if found == 0 => Err(EvalError::UnknownDocuments {
            index: index.path().to_owned(),
            example: example.clone(),
        }
        .into()),
        Some(example) => {
            note(&format!(
                "{} of documents that are not in the index, such as `{example}`",
                number::counted(missing, "judgement"),
            ));
            Ok(())
        }
        None => Ok(()),
    }
}

/// Leaves out queries without judgements.
fn retain_judged(queries: &mut Queries, qrels: &Judgements, path: &Path) -> Result<(), CliError> {
    let first = queries.keys().first().cloned().unwrap_or_default();
    let unjudged = queries.retain(|key| qrels.contains(key));
    if queries.keys().is_empty() {
        let judged = qrels.queries().next();
        return Err(EvalError::UnjudgedQueries {
            qrels: path.to_owned(),
            query: first,
            judged: judged.map(|(key, _)| key.to_owned()).unwrap_or_default(),
        }
        .into());
    }
    if unjudged > 0 {
        note(&format!(
            "{} without judgements left out",
            number::counted(unjudged as u64, "query")
        ));
    }
    Ok(())
}

/// Searches for `k` hits per query, without those that have the query's own key if
/// `ignore_identical`.
fn rank(
    index: &Index,
    queries: &mut Queries,
    options: &SearchOptions,
    ignore_identical: bool,
) -> Result<(Run, Stats), CliError> {
    let k = options.k;
    // One of the hits may be the query itself.
    let options = options.clone().k(k + usize::from(ignore_identical));
    let mut run = Run::new();
    let mut stats = Stats::default();
    search_all(
        index,
        queries,
        &|_| Ok(options.clone()),
        &mut stats,
        |query, hits| {
            let others = hits
                .iter()
                .filter(|hit| !(ignore_identical && hit.key == query));
            let ranking = others.take(k).map(|hit| (hit.key.clone(), hit.score));
            run.insert(query, ranking.collect());
            Ok(())
        },
    )?;
    Ok((run, stats))
}

/// Mean search time in milliseconds.
fn per_query(stats: &Stats) -> f64 {
    (stats.search_ms / stats.queries.max(1) as f64 * 1e3).round() / 1e3
}

fn push_means(fields: &mut OrderedFields, evaluation: &Evaluation) {
    for (metric, mean) in &evaluation.means {
        fields.push(&metric.to_string(), Value::from(*mean));
    }
}

fn depth(metrics: &[Metric]) -> usize {
    metrics
        .iter()
        .map(|metric| metric.depth().unwrap_or(DEPTH))
        .max()
        .unwrap_or(DEPTH)
}

/// The cut-offs of the metrics, at which the default search is compared with the exact one.
fn cut_offs(metrics: &[Metric], k: usize) -> BTreeSet<usize> {
    metrics
        .iter()
        .map(|metric| metric.depth().unwrap_or(k).min(k))
        .collect()
}
