//! How much of one run another run finds.

use std::collections::HashSet;

use crate::metrics::{EvaluationError, need_common};
use crate::run::Run;

/// The share of the reference's first `k` documents that are among the other run's first `k`,
/// averaged over the queries of the reference. A query for which the reference has no documents
/// counts 1; one that the other run lacks counts 0.
///
/// # Errors
/// There is nothing to compare: a run has no queries, they have none in common, or `k` is 0.
pub fn overlap(reference: &Run, other: &Run, k: usize) -> Result<f64, EvaluationError> {
    if reference.is_empty() {
        return Err(EvaluationError::EmptyRun);
    }
    if k == 0 {
        return Err(EvaluationError::NoDepth);
    }
    need_common(reference.queries().map(|(query, _)| query), other)?;
    let sum: f64 = reference
        .queries()
        .map(|(query, ranking)| of_query(ranking, other.ranking(query), k))
        .sum();
    Ok(sum / reference.len() as f64)
}

fn of_query(reference: &[(String, f32)], other: &[(String, f32)], k: usize) -> f64 {
    let wanted: HashSet<&str> = reference
        .iter()
        .take(k)
        .map(|(key, _)| key.as_str())
        .collect();
    if wanted.is_empty() {
        return 1.0;
    }
    let found = other
        .iter()
        .take(k)
        .filter(|(key, _)| wanted.contains(key.as_str()))
        .count();
    found as f64 / wanted.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(queries: &[(&str, &str)]) -> Run {
        let mut run = Run::new();
        for (query, keys) in queries {
            let scores = (0..).map(|rank| -(rank as f32));
            let ranking = keys.chars().map(|key| key.to_string()).zip(scores);
            run.insert(query, ranking.collect());
        }
        run
    }

    #[test]
    fn order_within_k_does_not_matter() {
        let reference = run(&[("1", "abcd"), ("2", "xy")]);
        assert_eq!(overlap(&reference, &reference, 10), Ok(1.0));
        let other = run(&[("1", "bazz"), ("2", "yx")]);
        assert_eq!(overlap(&reference, &other, 2), Ok(1.0));
        assert_eq!(overlap(&reference, &other, 4), Ok((0.5 + 1.0) / 2.0));
        assert_eq!(overlap(&reference, &other, 1), Ok(0.0));
    }

    #[test]
    fn missing_and_empty_queries() {
        let reference = run(&[("1", "ab"), ("2", "")]);
        assert_eq!(overlap(&reference, &run(&[("2", "ab")]), 2), Ok(0.5));
        let found = [
            overlap(&run(&[]), &reference, 2),
            overlap(&reference, &run(&[]), 2),
            overlap(&reference, &reference, 0),
        ];
        let expected = [
            EvaluationError::EmptyRun,
            EvaluationError::EmptyRun,
            EvaluationError::NoDepth,
        ];
        assert_eq!(found, expected.map(Err));
        let error = overlap(&reference, &run(&[("x", "ab")]), 2).unwrap_err();
        assert!(
            matches!(error, EvaluationError::NoCommonQuery { .. }),
            "{error}"
        );
    }
}
