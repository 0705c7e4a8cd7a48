//! How well a codebook fits vectors that it was not learned from.

/// From this many times the error of the sample on, a new codebook is worth its cost.
const POOR: f64 = 1.5;

/// How many times as far the vectors are from their centroids as those that the codebook was learned from, squared; `None` when
/// these are not off at all.
pub fn ratio(error: f64, sample_error: f64) -> Option<f64> {
    (sample_error > 0.0).then(|| error / sample_error)
}

/// One line about the vectors of a commit.
pub fn line(error: f64, sample_error: f64) -> String {
    let Some(ratio) = ratio(error, sample_error) else {
        return format!("fit: mean squared error {error:.4}, of the codebook's sample 0");
    };
    let advice = if ratio >= POOR {
        "; `colidx compact --retrain` learns a codebook that fits them"
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
        assert!(!line(1.2, 1.0).contains("--retrain"));
        assert!(line(1.6, 1.0).contains("1.60 times") && line(1.6, 1.0).contains("--retrain"));
        assert!(line(0.5, 0.0).ends_with("sample 0"));
    }
}
