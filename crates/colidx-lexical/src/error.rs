//! What can go wrong.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No analyzer has this name.
    #[error("no analyzer is named {name:?}; {near}")]
    UnknownAnalyzer {
        /// The name asked for.
        name: String,
        /// Names like it, or all names, as a sentence.
        near: String,
    },
    /// The words were written by another version of their analyzer.
    #[error(
        "the words were made by version {got} of analyzer {name:?}, and this program has version \
         {expected}; derive them from the text again"
    )]
    AnalyzerVersion {
        /// Name of the analyzer.
        name: String,
        /// The version that this program has.
        expected: u32,
        /// The version that the words were made by.
        got: u32,
    },
    /// A section is not there.
    #[error("section {tag} of the words is missing")]
    Missing {
        /// Tag of the section.
        tag: &'static str,
    },
    /// A section holds what no writer writes.
    #[error("section {tag} of the words is damaged: {what} should be {expected}, found {got}")]
    Damaged {
        /// Tag of the section.
        tag: &'static str,
        /// The field or entry.
        what: String,
        /// What a writer would have written.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A phrase, and an index without positions.
    #[error(
        "phrases need the positions of words, which this index was built without; search without \
         quotes, or build the words with positions"
    )]
    NoPositions,
    /// A query of too many different terms.
    #[error("a query may have {max} different terms, this one has {got}; shorten it")]
    TooManyTerms {
        /// Most terms.
        max: usize,
        /// Terms of the query.
        got: usize,
    },
    /// A setting out of its range.
    #[error("{name} should be {expected}, found {got}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        got: f32,
    },
    /// More than one file of words can hold.
    #[error("{what} should be at most {max}; spread the documents over more segments")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most there can be.
        max: u64,
    },
}

impl Error {
    pub(crate) fn damaged(
        tag: &'static str,
        what: impl Into<String>,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        Self::Damaged {
            tag,
            what: what.into(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
