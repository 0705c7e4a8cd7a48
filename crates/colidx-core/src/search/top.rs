//! The best of a list of scores.

use std::cmp::Ordering;

/// Where the `count` best scores are, of equal ones the first, in ascending order.
pub(super) fn top<S: Copy>(
    scores: &[S],
    count: usize,
    order: impl Fn(&S, &S) -> Ordering,
) -> Vec<usize> {
    if scores.len() <= count {
        return (0..scores.len()).collect();
    }
    let mut sorted = scores.to_vec();
    let (better, &mut least, _) = sorted.select_nth_unstable_by(count, |a, b| order(b, a));
    // Those that are better than the first which is too many are all among the best.
    let is_better = |score: &&S| order(score, &least).is_gt();
    let mut equal = count - better.iter().filter(is_better).count();
    // Each is written, whether it belongs there or not: which do, no branch could tell ahead.
    let mut best = vec![0; count + 1];
    let mut found = 0;
    for (at, score) in scores.iter().enumerate() {
        let order = order(score, &least);
        let is_equal = order.is_eq() & (equal > 0);
        best[found] = at;
        found += usize::from(order.is_gt() | is_equal);
        equal -= usize::from(is_equal);
    }
    best.truncate(found);
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(
            scores in prop::collection::vec(0u32..20, 0..60),
            count in 0usize..70,
        ) {
            let mut expected: Vec<usize> = (0..scores.len()).collect();
            expected.sort_by_key(|&at| std::cmp::Reverse(scores[at]));
            expected.truncate(count);
            expected.sort_unstable();
            prop_assert_eq!(top(&scores, count, u32::cmp), expected);
        }
    }
}
