//! How much of one run another run finds.

use std::collections::HashSet;

use crate::run::Run;

/// The share of the reference's first `k` documents that are among the other run's first `k`, averaged over the
/// queries of the reference. A query for which the reference has no documents counts 1; one that the other run lacks
/// counts 0. Without queries the overlap is 1.
pub fn overlap(reference: &Run, other: &Run, k: usize) -> f64 {
    if reference.is_empty() {
        return 1.0;
    }
    let sum: f64 = reference
        .queries()
        .map(|(query, ranking)| of_query(ranking, other.ranking(query), k))
        .sum();
    sum / reference.len() as f64
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
            run.insert(
                query,
                keys.chars().map(|key| (key.to_string(), 0.0)).collect(),
            );
        }
        run
    }

    #[test]
    fn order_within_k_does_not_matter() {
        let reference = run(&[("1", "abcd"), ("2", "xy")]);
        assert_eq!(overlap(&reference, &reference, 10), 1.0);
        let other = run(&[("1", "bazz"), ("2", "yx")]);
        assert_eq!(overlap(&reference, &other, 2), 1.0);
        assert_eq!(overlap(&reference, &other, 4), (0.5 + 1.0) / 2.0);
        assert_eq!(overlap(&reference, &other, 1), 0.0);
    }

    #[test]
    fn missing_and_empty_queries() {
        let reference = run(&[("1", "ab"), ("2", "")]);
        assert_eq!(overlap(&reference, &run(&[]), 2), 0.5);
        assert_eq!(overlap(&run(&[]), &reference, 2), 1.0);
    }
}
