//! The k best of a list of scores.

use std::cmp::Ordering;

/// Positions of the `k` best scores, of equal ones the first, in ascending order.
pub(super) fn top_k_indices<S: Copy>(
    scores: &[S],
    k: usize,
    order: impl Fn(&S, &S) -> Ordering,
) -> Vec<usize> {
    if scores.len() <= k {
        return (0..scores.len()).collect();
    }
    let mut sorted = scores.to_vec();
    let (better, &mut next, _) = sorted.select_nth_unstable_by(k, |a, b| order(b, a));
    // All that are better than the best which is left out are among the k best.
    let is_better = |score: &&S| order(score, &next).is_gt();
    let mut equal = k - better.iter().filter(is_better).count();
    // Branch-free: every position is written, and the next overwrites those that do not belong.
    let mut best = vec![0; k + 1];
    let mut found = 0;
    for (at, score) in scores.iter().enumerate() {
        let order = order(score, &next);
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
            prop_assert_eq!(top_k_indices(&scores, count, u32::cmp), expected);
        }
    }
}
