//! A search by recall that the index cannot answer.

/// Why the effort is not known that finds a share of the exact hits
/// ([`SearchOptions::recall`](crate::SearchOptions::recall)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownRecall {
    /// Recall was never measured on the index.
    NotMeasured,
    /// The index has fewer than half or more than twice as many documents as when it was measured.
    Resized {
        /// Documents when it was measured.
        measured: u64,
        /// Documents now.
        documents: u64,
    },
    /// Fewer hits were measured than are wanted.
    TooManyHits {
        /// The most hits that were measured.
        measured: u32,
        /// Hits wanted.
        k: usize,
    },
}

impl std::fmt::Display for UnknownRecall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotMeasured => f.write_str("recall was never measured on it"),
            Self::Resized {
                measured,
                documents,
            } => write!(
                f,
                "recall was measured on {measured} documents, and it has {documents} now"
            ),
            Self::TooManyHits { measured, k } => write!(
                f,
                "recall was measured for at most {measured} hits, and {k} are wanted"
            ),
        }
    }
}
