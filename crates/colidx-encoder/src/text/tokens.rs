//! Token ids of one text and where they come from.

/// Where a token of a document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSpan {
    /// Id in the checkpoint's vocabulary.
    pub id: u32,
    /// First byte in the text; `start == end == 0` for markers and special tokens, which no text gave.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
}

/// The tokens of one text, specials and marker included.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) ids: Vec<u32>,
    /// Byte range of each token in the text given by the caller; empty when it was not asked for.
    pub(crate) spans: Vec<(usize, usize)>,
    /// The first `attended` tokens are attended to by all; the rest is query expansion.
    pub(crate) attended: usize,
    /// Places of the tokens that get vectors, ascending.
    pub(crate) kept: Vec<u32>,
    /// Whether the text had more tokens.
    pub(crate) truncated: bool,
}
