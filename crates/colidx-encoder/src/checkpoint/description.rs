//! The common form that every layout is read into.

use super::chain::Chain;
use crate::text::TextSettings;

/// A checkpoint before its weights and its tokenizer are read.
pub(super) struct Description {
    /// The name of the layout.
    pub(super) layout: &'static str,
    pub(super) text: TextSettings,
    pub(super) chain: Chain,
}

/// ASCII punctuation: the skiplist of documents unless their checkpoint says otherwise.
pub(super) fn punctuation() -> Vec<String> {
    (0u8..128)
        .filter(u8::is_ascii_punctuation)
        .map(|byte| char::from(byte).to_string())
        .collect()
}
