//! `colidx eval`

use std::collections::{BTreeSet, HashSet};

use colidx::{Index, SearchOptions};
use serde_json::{Value, json};

use super::search::search_all;
use super::with_threads;
use crate::args::EvalArgs;
use crate::error::CliError;
use crate::json::{OrderedFields, Stats};
use crate::output::{Stdout, note};
use crate::queries::{Queries, QuerySource};
use crate::render::number;
use colidx_data::Qrels;
use colidx_data::{Evaluation, Metric, Run, evaluate, overlap, parse_metrics};

/// Hits per query for metrics without a cut-off, the convention of trec_eval.
const DEPTH: usize = 1000;

/// Computes metrics of a ranking against judgements.
///
/// # Errors
/// A flag, a file or the index is bad.
pub fn run(args: &EvalArgs) -> Result<(), CliError> {
    let metrics = parse_metrics(&args.metrics)
        .map_err(|error| CliError::Usage(format!("--metrics: {error}")))?;
    with_threads(&args.threads, || {
        let index = Index::open(&args.index.path)?;
        let qrels = Qrels::open(&args.qrels)?;
        let from = QuerySource {
            queries: args.queries.as_ref(),
            embeddings: args.query_embeddings.as_ref(),
            model: &args.model,
        };
        let mut queries = Queries::open(&index, &from)?;
        let judged: HashSet<&str> = qrels.queries().map(|(query, _)| query).collect();
        let unjudged = queries.retain(|key| judged.contains(key));
        if unjudged > 0 {
            note(&format!(
                "{} without judgements left out",
                number::counted(unjudged as u64, "query")
            ));
        }
        let k = args.k.map_or_else(|| depth(&metrics), |k| k as usize);
        let options = args.effort.options(k);
        let (run, searched) = rank(&index, &mut queries, &options)?;
        let evaluation = evaluate(&qrels, &run, &metrics);
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
            let (reference, exact) = rank(
                &index,
                &mut queries,
                &SearchOptions {
                    exact: true,
                    ..options
                },
            )?;
            for k in cut_offs(&metrics, k) {
                fields.push(&format!("overlap@{k}"), json!(overlap(&reference, &run, k)));
            }
            let mut means = OrderedFields::new();
            push_means(&mut means, &evaluate(&qrels, &reference, &metrics));
            means.push("search_ms", json!(per_query(&exact)));
            fields.push_fields("exact", means);
        }
        fields.push("search_ms", json!(per_query(&searched)));
        let mut out = Stdout::lock();
        out.json(&fields)?;
        out.flush()
    })
}

fn rank(
    index: &Index,
    queries: &mut Queries,
    options: &SearchOptions,
) -> Result<(Run, Stats), CliError> {
    let mut run = Run::new();
    let mut stats = Stats::default();
    search_all(index, queries, options, &mut stats, |key, results| {
        run.insert(
            key,
            results
                .hits
                .iter()
                .map(|hit| (hit.key.clone(), hit.score))
                .collect(),
        );
        Ok(())
    })?;
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
