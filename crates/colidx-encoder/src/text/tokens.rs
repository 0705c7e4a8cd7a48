//! Token ids of a text and their byte ranges.

/// A token of a document and its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSpan {
    /// Id in the checkpoint's vocabulary.
    pub id: u32,
    /// Start byte in the text; `start == end == 0` for markers and special tokens.
    pub start: usize,
    /// End byte, exclusive.
    pub end: usize,
}

/// The tokens of a text, including special tokens and marker.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) ids: Vec<u32>,
    /// Byte range of each token in the caller's text; empty if not requested.
    pub(crate) spans: Vec<(usize, usize)>,
    /// All tokens attend to the first `attended` tokens; the rest is query expansion.
    pub(crate) attended: usize,
    /// Positions of the tokens that get vectors, ascending.
    pub(crate) kept: Vec<u32>,
    /// Whether the text had more tokens.
    pub(crate) truncated: bool,
}
