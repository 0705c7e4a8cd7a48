//! Evaluations that would measure nothing.

use std::path::PathBuf;

/// Why there is nothing to measure.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The file has no judgements.
    #[error("{} has no judgements; write at least one", qrels.display())]
    EmptyJudgements {
        /// The file.
        qrels: PathBuf,
    },
    /// Queries and judgements have different keys.
    #[error(
        "no query has judgements in {}: the first query is `{query}`, the first judged one \
         `{judged}`; give the judgements of these queries",
        qrels.display()
    )]
    UnjudgedQueries {
        /// The file of judgements.
        qrels: PathBuf,
        /// A query.
        query: String,
        /// A query that has judgements.
        judged: String,
    },
    /// Index and judgements have different keys.
    #[error(
        "{} has no judged document, not even `{example}`; give the index of the judged corpus",
        index.display()
    )]
    UnknownDocuments {
        /// The index.
        index: PathBuf,
        /// A judged document.
        example: String,
    },
}
