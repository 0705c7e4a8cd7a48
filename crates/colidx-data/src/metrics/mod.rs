//! Metrics of a ranking against judgements, computed as trec_eval does.
//!
//! A document is relevant if its relevance is at least 1; documents without judgement are not
//! relevant. Gains of nDCG are the relevances themselves (negative ones count 0), discounted by
//! log2(rank + 1); the ideal ranking is made of all judged documents. Averages run over every query
//! that has judgements: one that the run lacks counts 0 (trec_eval `-c`), and so does one without a
//! relevant document. Queries without judgements are left out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Judgements;
use crate::counted::counted;
use crate::run::Run;

/// A metric. `k` is the number of documents from the top that count; `None` means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Normalised discounted cumulative gain (trec_eval `ndcg_cut`, `ndcg`): `ndcg@10`, `ndcg`.
    Ndcg(Option<usize>),
    /// The share of relevant documents found (`recall`): `recall@100`.
    Recall(usize),
    /// One over the rank of the first relevant document (`recip_rank`): `mrr@10`, `mrr`.
    Mrr(Option<usize>),
    /// The mean of the precision at each relevant document (`map_cut`, `map`): `map@100`, `map`.
    Map(Option<usize>),
    /// 1 if any relevant document is found (`success`): `success@5`.
    Success(usize),
    /// The share of the first k places that hold relevant documents (`P`): `p@5`.
    Precision(usize),
}

/// A metric's name that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// No such metric.
    #[error(
        "unknown metric \"{0}\"; the metrics are ndcg@k, recall@k, mrr@k, map@k, success@k and p@k, such as ndcg@10"
    )]
    Unknown(String),
    /// The cut-off is not a whole number from 1 on.
    #[error("the cut-off of metric \"{0}\" must be a whole number from 1 on, as in ndcg@10")]
    CutOff(String),
    /// The metric means nothing without a cut-off.
    #[error("metric \"{0}\" needs a cut-off; write {0}@10")]
    NeedsCutOff(String),
    /// No metric was named.
    #[error("no metric was named; write for example ndcg@10,recall@100,mrr@10")]
    None,
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Metric, MetricError> {
        let (name, k) = match text.split_once('@') {
            None => (text, None),
            Some((name, k)) => match k.parse() {
                Ok(k) if k > 0 => (name, Some(k)),
                _ => return Err(MetricError::CutOff(text.to_owned())),
            },
        };
        let needed = || k.ok_or_else(|| MetricError::NeedsCutOff(text.to_owned()));
        match name.to_ascii_lowercase().as_str() {
            "ndcg" => Ok(Metric::Ndcg(k)),
            "recall" | "r" => Ok(Metric::Recall(needed()?)),
            "mrr" | "rr" => Ok(Metric::Mrr(k)),
            "map" | "ap" => Ok(Metric::Map(k)),
            "success" => Ok(Metric::Success(needed()?)),
            "p" | "precision" => Ok(Metric::Precision(needed()?)),
            _ => Err(MetricError::Unknown(text.to_owned())),
        }
    }
}

/// Parses names separated by commas, such as `ndcg@10,recall@100`. One that is named twice is kept
/// once.
///
/// # Errors
/// An unknown name, a bad or missing cut-off, or no name at all.
pub fn parse_metrics(text: &str) -> Result<Vec<Metric>, MetricError> {
    let mut metrics = Vec::new();
    for name in text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let metric = name.parse()?;
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    if metrics.is_empty() {
        Err(MetricError::None)
    } else {
        Ok(metrics)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, k) = match *self {
            Metric::Ndcg(k) => ("ndcg", k),
            Metric::Recall(k) => ("recall", Some(k)),
            Metric::Mrr(k) => ("mrr", k),
            Metric::Map(k) => ("map", k),
            Metric::Success(k) => ("success", Some(k)),
            Metric::Precision(k) => ("p", Some(k)),
        };
        match k {
            Some(k) => write!(f, "{name}@{k}"),
            None => f.write_str(name),
        }
    }
}

impl Metric {
    /// How many hits of each query the metric needs; `None` means all.
    pub fn depth(self) -> Option<usize> {
        match self {
            Metric::Ndcg(k) | Metric::Mrr(k) | Metric::Map(k) => k,
            Metric::Recall(k) | Metric::Success(k) | Metric::Precision(k) => Some(k),
        }
    }

    /// The metric for one query: `ranking` holds distinct keys, best first; `judged` the relevance
    /// of documents. The gain of nDCG is the relevance as it is, or none if it is negative; to the
    /// other metrics a document of 1 and more is relevant, as to trec_eval.
    pub fn of_query<'a>(
        self,
        ranking: impl IntoIterator<Item = &'a str>,
        judged: &BTreeMap<String, f64>,
    ) -> f64 {
        let relevances = ranking
            .into_iter()
            .map(|key| judged.get(key).copied().unwrap_or(0.0));
        // Ranks count from 1; only documents that count to the metric matter.
        let counts = |relevance: f64| self.counts(relevance);
        let relevant = (1usize..)
            .zip(relevances)
            .take(self.depth().unwrap_or(usize::MAX))
            .filter(|&(_, relevance)| counts(relevance));
        let mut ideal: Vec<f64> = judged.values().copied().filter(|&r| counts(r)).collect();
        let total = ideal.len() as f64;
        if total == 0.0 {
            return 0.0;
        }
        match self {
            Metric::Ndcg(k) => {
                ideal.sort_unstable_by(|a, b| b.total_cmp(a));
                let ideal = (1usize..).zip(ideal).take(k.unwrap_or(usize::MAX));
                gain(relevant) / gain(ideal)
            }
            Metric::Recall(_) => relevant.count() as f64 / total,
            Metric::Mrr(_) => relevant
                .map(|(rank, _)| 1.0 / rank as f64)
                .next()
                .unwrap_or(0.0),
            Metric::Map(_) => {
                let precisions = (1usize..)
                    .zip(relevant)
                    .map(|(found, (rank, _))| found as f64 / rank as f64);
                precisions.sum::<f64>() / total
            }
            Metric::Success(_) => f64::from(u8::from(relevant.count() > 0)),
            Metric::Precision(k) => relevant.count() as f64 / k as f64,
        }
    }

    /// What [`Metric::counts`], in words.
    fn least(self) -> &'static str {
        match self {
            Metric::Ndcg(_) => "more than 0",
            _ => "1 or more",
        }
    }

    /// Whether a document of that relevance is worth finding.
    fn counts(self, relevance: f64) -> bool {
        match self {
            Metric::Ndcg(_) => relevance > 0.0,
            _ => relevance >= 1.0,
        }
    }
}

fn gain(ranks: impl Iterator<Item = (usize, f64)>) -> f64 {
    ranks
        .map(|(rank, relevance)| relevance / (rank as f64 + 1.0).log2())
        .sum()
}

/// The averages of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Each metric with its average, in the order asked for.
    pub means: Vec<(Metric, f64)>,
    /// The number of queries averaged over: those with judgements.
    pub queries: usize,
    /// How many of them the run lacks.
    pub missing: usize,
}

/// A comparison that would measure nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There are no judgements at all.
    #[error("there are no judgements, expected at least one; check that it is the right file")]
    NoJudgements,
    /// No document is judged relevant, as a metric counts it.
    #[error(
        "{metric} would measure nothing: it counts documents with a relevance of {least}, got {} of \
         {highest} or less; check the column of the relevance, or leave {metric} out",
        counted(*.judgements as u64, "judgement")
    )]
    NothingRelevant {
        /// The metric.
        metric: Metric,
        /// What it counts.
        least: &'static str,
        /// The number of judgements.
        judgements: usize,
        /// The highest relevance.
        highest: String,
    },
    /// A run has no queries.
    #[error("the run has no queries, expected at least one; check that it is the right file")]
    EmptyRun,
    /// No query is on both sides.
    #[error(
        "no query of the run is expected: it has {got:?} and the like, expected {expected:?} and \
         the like; check that both are of one collection"
    )]
    NoCommonQuery {
        /// A query that is expected.
        expected: String,
        /// A query of the run.
        got: String,
    },
    /// No document from the top is to be compared.
    #[error("0 documents from the top are to be compared, expected 1 or more")]
    NoDepth,
}

/// Averages metrics over all queries that have judgements.
///
/// # Errors
/// There is nothing to measure: no judgements, none that is relevant to one of the metrics, no
/// queries in the run, or none that has judgements.
pub fn evaluate(
    judgements: &Judgements,
    run: &Run,
    metrics: &[Metric],
) -> Result<Evaluation, EvaluationError> {
    let relevances = || judgements.queries().flat_map(|(_, judged)| judged.values());
    if judgements.is_empty() {
        return Err(EvaluationError::NoJudgements);
    }
    let is_void = |metric: &&Metric| !relevances().any(|&relevance| metric.counts(relevance));
    if let Some(&metric) = metrics.iter().find(is_void) {
        let highest = relevances().copied().fold(f64::NEG_INFINITY, f64::max);
        return Err(EvaluationError::NothingRelevant {
            metric,
            least: metric.least(),
            judgements: relevances().count(),
            highest: highest.to_string(),
        });
    }
    need_common(judgements.queries().map(|(query, _)| query), run)?;
    let mut means: Vec<(Metric, f64)> = metrics.iter().map(|&metric| (metric, 0.0)).collect();
    let mut missing = 0;
    for (query, judged) in judgements.queries() {
        missing += usize::from(!run.contains(query));
        for (metric, sum) in &mut means {
            let ranking = run.ranking(query).iter().map(|(key, _)| key.as_str());
            *sum += metric.of_query(ranking, judged);
        }
    }
    for (_, sum) in &mut means {
        *sum /= judgements.len() as f64;
    }
    Ok(Evaluation {
        means,
        queries: judgements.len(),
        missing,
    })
}

/// Refuses a run without any of the queries that are expected.
pub(crate) fn need_common<'a>(
    mut expected: impl Iterator<Item = &'a str> + Clone,
    run: &Run,
) -> Result<(), EvaluationError> {
    let Some((got, _)) = run.queries().next() else {
        return Err(EvaluationError::EmptyRun);
    };
    if expected.clone().any(|query| run.contains(query)) {
        return Ok(());
    }
    Err(EvaluationError::NoCommonQuery {
        expected: expected.next().unwrap_or_default().to_owned(),
        got: got.to_owned(),
    })
}

#[cfg(test)]
mod tests;
