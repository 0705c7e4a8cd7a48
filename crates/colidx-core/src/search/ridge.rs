//! Ridge regression: what values are made of, from a few examples and a belief to begin with.

use std::array::from_fn;

/// Traits, and the value that they go with.
pub(super) type Lesson<const N: usize> = ([f64; N], f64);

/// The weights, besides a constant, that give the values of `lessons` from their traits with the least sum of squared errors and of
/// squared differences to `prior`. Traits and these differences count in the standard deviation of the trait, which makes `inertia` a
/// number of lessons.
pub(super) fn ridge<const N: usize>(
    lessons: &[Lesson<N>],
    prior: &[f64; N],
    inertia: f64,
) -> [f64; N] {
    let value = mean(lessons.iter().map(|lesson| lesson.1));
    let means: [f64; N] = from_fn(|n| mean(lessons.iter().map(|lesson| lesson.0[n])));
    let deviations: [f64; N] = from_fn(|n| {
        let squares = lessons
            .iter()
            .map(|lesson| (lesson.0[n] - means[n]).powi(2));
        let deviation = mean(squares).sqrt();
        // A trait that all have alike teaches nothing.
        if deviation > 0.0 { deviation } else { 1.0 }
    });
    // The normal equations of what to add to the prior.
    let mut matrix: [[f64; N]; N] =
        from_fn(|row| from_fn(|column| if row == column { inertia } else { 0.0 }));
    let mut right = [0.0; N];
    for (traits, its_value) in lessons {
        let off: [f64; N] = from_fn(|n| traits[n] - means[n]);
        let expected: f64 = off
            .iter()
            .zip(prior)
            .map(|(off, weight)| off * weight)
            .sum();
        let unexplained = its_value - value - expected;
        let standard: [f64; N] = from_fn(|n| off[n] / deviations[n]);
        for ((row, right), a) in matrix.iter_mut().zip(&mut right).zip(standard) {
            row.iter_mut()
                .zip(standard)
                .for_each(|(cell, b)| *cell += a * b);
            *right += a * unexplained;
        }
    }
    let added = solve(matrix, right);
    let weights: [f64; N] = from_fn(|n| prior[n] + added[n] / deviations[n]);
    if weights.iter().all(|weight| weight.is_finite()) {
        weights
    } else {
        *prior
    }
}

/// 0 of no values.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// Solves equations whose matrix is symmetric and positive definite, so that no pivots need to be looked for.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for pivot in 0..N {
        let (above, its_right) = (matrix[pivot], right[pivot]);
        let below = matrix.iter_mut().zip(&mut right).skip(pivot + 1);
        for (row, right) in below {
            let factor = row[pivot] / above[pivot];
            row.iter_mut()
                .zip(above)
                .for_each(|(cell, above)| *cell -= factor * above);
            *right -= factor * its_right;
        }
    }
    let mut solution = [0.0; N];
    for n in (0..N).rev() {
        let known: f64 = matrix[n]
            .iter()
            .zip(solution)
            .map(|(cell, x)| cell * x)
            .sum();
        solution[n] = (right[n] - known) / matrix[n][n];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIOR: [f64; 3] = [1.0, 0.3, 0.0];

    fn lessons(traits: &[[f64; 3]], weights: [f64; 3]) -> Vec<Lesson<3>> {
        let value = |traits: &[f64; 3]| {
            let products = traits.iter().zip(weights);
            7.0 + products.map(|(x, weight)| x * weight).sum::<f64>()
        };
        traits
            .iter()
            .map(|traits| (*traits, value(traits)))
            .collect()
    }

    fn close(got: [f64; 3], expected: [f64; 3], by: f64) -> bool {
        let pairs = got.iter().zip(expected);
        pairs
            .map(|(got, expected)| (got - expected).abs())
            .all(|off| off < by)
    }

    proptest! {
        #[test]
        fn weights_that_give_the_values_are_found(
            traits in prop::collection::vec(prop::array::uniform3(-9f64..9.0), 12..40),
            weights in prop::array::uniform3(-3f64..3.0),
        ) {
            let found = ridge(&lessons(&traits, weights), &PRIOR, 1e-9);
            prop_assert!(close(found, weights, 1e-3), "{:?}", found);
        }

        #[test]
        fn inertia_keeps_weights_near_the_prior(
            traits in prop::collection::vec(prop::array::uniform3(-9f64..9.0), 0..40),
            weights in prop::array::uniform3(-3f64..3.0),
        ) {
            let found = ridge(&lessons(&traits, weights), &PRIOR, 1e12);
            prop_assert!(close(found, PRIOR, 1e-3), "{:?}", found);
        }
    }

    #[test]
    fn the_scale_of_a_trait_does_not_matter() {
        let traits = [
            [1.0, 5.0, 2.0],
            [2.0, 1.0, 2.5],
            [4.0, 2.0, 9.0],
            [3.0, 8.0, 1.0],
        ];
        let lessons = lessons(&traits, [2.0, -1.0, 0.5]);
        let weights = ridge(&lessons, &PRIOR, 8.0);
        let scaled: Vec<_> = lessons
            .iter()
            .map(|&([a, b, c], value)| ([a * 1e6, b, c], value))
            .collect();
        let [a, b, c] = ridge(&scaled, &[1e-6, 0.3, 0.0], 8.0);
        assert!(close([a * 1e6, b, c], weights, 1e-9));
    }

    #[test]
    fn what_teaches_nothing_leaves_the_prior() {
        assert_eq!(ridge(&[], &PRIOR, 8.0), PRIOR);
        assert_eq!(ridge(&[([1.0, 2.0, 3.0], 5.0); 60], &PRIOR, 8.0), PRIOR);
        let bad = [([1.0, f64::NAN, 3.0], 5.0), ([2.0, 1.0, 3.0], 4.0)];
        assert_eq!(ridge(&bad, &PRIOR, 8.0), PRIOR);
    }
}
