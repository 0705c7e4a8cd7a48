//! How well a codebook fits vectors that it was not trained on.

/// Error ratio above which retraining pays off.
const POOR: f64 = 1.5;

/// Squared distance of the vectors to their centroids, as a multiple of that of the training
/// sample; `None` if the sample has no error.
pub fn ratio(error: f64, sample_error: f64) -> Option<f64> {
    (sample_error > 0.0).then(|| error / sample_error)
}

/// Share of an index that new vectors must be for advice on them: retraining for a few changes
/// nothing.
const MANY: f64 = 0.05;

/// One line about the vectors of a commit, which are that `share` of the index.
pub fn line(error: f64, sample_error: f64, share: f64) -> String {
    let Some(ratio) = ratio(error, sample_error) else {
        return format!("fit: mean squared error {error:.4}, of the codebook's sample 0");
    };
    let advice = if ratio >= POOR && share >= MANY {
        "; `colidx compact --retrain` trains a codebook that fits them"
    } else {
        ""
    };
    format!(
        "fit: mean squared error {error:.4}, {ratio:.2} times that of the codebook's sample{advice}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poor_fit_says_what_to_do() {
        let poor = line(1.6, 1.0, 0.1);
        assert!(poor.contains("1.60 times") && poor.contains("--retrain"));
        assert!(!line(1.2, 1.0, 0.1).contains("--retrain"));
        assert!(!line(1.6, 1.0, 0.01).contains("--retrain"));
        assert!(line(0.5, 0.0, 1.0).ends_with("sample 0"));
    }
}
