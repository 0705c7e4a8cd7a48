//! What can be wrong with metadata, and with columns of it.

/// A document's metadata cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not JSON.
    #[error("metadata is not JSON: {problem}; it must be a JSON object, or empty")]
    Syntax {
        /// What the parser says.
        problem: String,
    },
    /// JSON, but not an object.
    #[error("metadata is not a JSON object; put the values into the fields of one")]
    NotAnObject,
    /// Objects and arrays too deep inside each other.
    #[error("metadata field '{field}' is nested deeper than {max}; flatten it")]
    TooDeep {
        /// Path of the field that is too deep.
        field: String,
        /// Most levels allowed.
        max: usize,
    },
    /// A path that is too long.
    #[error("the path of metadata field '{field}...' has more than {max} bytes; shorten the names")]
    PathTooLong {
        /// How the path begins.
        field: String,
        /// Most bytes allowed.
        max: usize,
    },
    /// A number that no `f64` comes near.
    #[error("metadata field '{field}' has a number that is too large: {number}; use a string")]
    NumberTooLarge {
        /// Path of the field.
        field: String,
        /// How the number begins.
        number: String,
    },
    /// More fields than a document may have.
    #[error("metadata has more than {max} fields, '{field}' is one too many; store fewer fields")]
    TooManyFields {
        /// Path of the first field that is too many.
        field: String,
        /// Most fields allowed.
        max: usize,
    },
    /// More values of one field, or more fields, than a segment can have.
    #[error("metadata field '{field}' is too much for one segment; commit more often")]
    SegmentFull {
        /// Path of the field.
        field: String,
    },
    /// More documents than a segment can have.
    #[error("more than {max} documents in one segment; begin another")]
    TooManyDocuments {
        /// Most documents allowed.
        max: u32,
    },
}

impl MetadataError {
    /// A field that a segment has no room for.
    pub(super) fn full(path: &str) -> Self {
        let field = path.into();
        Self::SegmentFull { field }
    }
}

/// Stored columns do not hold what the format promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "metadata columns, section {section}: {what} is {got}, expected {expected}; the file is \
     damaged, restore it or rebuild the index"
)]
pub struct ColumnsError {
    /// Tag of the section.
    pub section: String,
    /// Which part of it.
    pub what: String,
    /// What should be there.
    pub expected: String,
    /// What is.
    pub got: String,
}

impl ColumnsError {
    pub(super) fn new(
        section: [u8; 4],
        what: impl ToString,
        expected: impl ToString,
        got: impl ToString,
    ) -> Self {
        Self {
            section: section.escape_ascii().to_string(),
            what: what.to_string(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }
}
