//! Ridge regression towards a prior: fits feature weights from a few scored documents.

use std::array::from_fn;

/// Features, and the value observed with them.
pub(super) type Observation<const N: usize> = ([f64; N], f64);

/// The weights that, with a constant, predict the values of `observations` from their features with
/// the least sum of squared errors plus `prior_strength` times that of squared differences to
/// `prior`.
///
/// Features count in units of their standard deviation, which makes `prior_strength` a number of
/// observations.
pub(super) fn ridge_with_prior<const N: usize>(
    observations: &[Observation<N>],
    prior: &[f64; N],
    prior_strength: f64,
) -> [f64; N] {
    let value = mean(observations.iter().map(|observation| observation.1));
    let means: [f64; N] =
        from_fn(|n| mean(observations.iter().map(|observation| observation.0[n])));
    let deviations: [f64; N] = from_fn(|n| {
        let squares = observations
            .iter()
            .map(|observation| (observation.0[n] - means[n]).powi(2));
        let deviation = mean(squares).sqrt();
        // A constant feature says nothing.
        if deviation > 0.0 { deviation } else { 1.0 }
    });
    // The normal equations of the difference to the prior.
    let mut matrix: [[f64; N]; N] =
        from_fn(|row| from_fn(|column| if row == column { prior_strength } else { 0.0 }));
    let mut right = [0.0; N];
    for (features, observed) in observations {
        let off: [f64; N] = from_fn(|n| features[n] - means[n]);
        let expected: f64 = off
            .iter()
            .zip(prior)
            .map(|(off, weight)| off * weight)
            .sum();
        let unexplained = observed - value - expected;
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

/// Solves equations of a symmetric positive definite matrix, which need no pivoting.
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

    fn observations(features: &[[f64; 3]], weights: [f64; 3]) -> Vec<Observation<3>> {
        let value = |features: &[f64; 3]| {
            let products = features.iter().zip(weights);
            7.0 + products.map(|(x, weight)| x * weight).sum::<f64>()
        };
        features
            .iter()
            .map(|features| (*features, value(features)))
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
        fn weights_that_predict_the_values_are_found(
            features in prop::collection::vec(prop::array::uniform3(-9f64..9.0), 12..40),
            weights in prop::array::uniform3(-3f64..3.0),
        ) {
            let found = ridge_with_prior(&observations(&features, weights), &PRIOR, 1e-9);
            prop_assert!(close(found, weights, 1e-3), "{:?}", found);
        }

        #[test]
        fn a_strong_prior_keeps_weights_near_it(
            features in prop::collection::vec(prop::array::uniform3(-9f64..9.0), 0..40),
            weights in prop::array::uniform3(-3f64..3.0),
        ) {
            let found = ridge_with_prior(&observations(&features, weights), &PRIOR, 1e12);
            prop_assert!(close(found, PRIOR, 1e-3), "{:?}", found);
        }
    }

    #[test]
    fn the_scale_of_a_feature_does_not_matter() {
        let features = [
            [1.0, 5.0, 2.0],
            [2.0, 1.0, 2.5],
            [4.0, 2.0, 9.0],
            [3.0, 8.0, 1.0],
        ];
        let observations = observations(&features, [2.0, -1.0, 0.5]);
        let weights = ridge_with_prior(&observations, &PRIOR, 8.0);
        let scaled: Vec<_> = observations
            .iter()
            .map(|&([a, b, c], value)| ([a * 1e6, b, c], value))
            .collect();
        let [a, b, c] = ridge_with_prior(&scaled, &[1e-6, 0.3, 0.0], 8.0);
        assert!(close([a * 1e6, b, c], weights, 1e-9));
    }

    #[test]
    fn observations_that_say_nothing_leave_the_prior() {
        assert_eq!(ridge_with_prior(&[], &PRIOR, 8.0), PRIOR);
        assert_eq!(
            ridge_with_prior(&[([1.0, 2.0, 3.0], 5.0); 60], &PRIOR, 8.0),
            PRIOR
        );
        let bad = [([1.0, f64::NAN, 3.0], 5.0), ([2.0, 1.0, 3.0], 4.0)];
        assert_eq!(ridge_with_prior(&bad, &PRIOR, 8.0), PRIOR);
    }
}
