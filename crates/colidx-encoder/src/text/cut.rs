//! Tokenizes only as much of a long text as is kept, so that work and memory are bounded: its
//! beginning, or its end if long texts are truncated on the left.
//!
//! A tokenizer extracts added tokens, normalizes the rest, splits it into pre-tokens, and splits
//! each of those into tokens. All steps but the last look ahead only a little: a split is final
//! once enough of the following text is known. So a prefix is tokenized that is likely to be long
//! enough, and the tokens near its end are dropped. If too few remain, a longer prefix is tried.
//!
//! Why the remaining tokens are those of the whole text:
//!
//! - *Normalizers* change a character depending on its neighbours (composition, reordering of
//!   marks, removal of accents and control characters, replacement of strings). At the end of a
//!   prefix this affects only its last pre-token with tokens. The margin counts tokens, not bytes,
//!   so it may contain any number of characters without tokens. Only the lower case of Σ depends on
//!   distant text: a prefix that leaves it open ends before it.
//! - *Added tokens* can be cut in two. The part in the prefix makes at most as many tokens as it
//!   has bytes, and the margin is longer than any added token. White space that an added token
//!   absorbs before it is one more pre-token, which is dropped as a whole: a prefix ends before
//!   white space, not inside it.
//! - *Pre-tokenizers* split at white space, punctuation, digits, scripts or matches of a pattern,
//!   and look ahead within one run of such characters. The pre-token at the start of the margin is
//!   dropped as a whole, with everything after it.
//! - *Models* see one pre-token at a time. WordPiece limits its length, and makes one token of a
//!   longer one. In Unigram and BPE, distant text can change a token only through a chain of ties
//!   between equal scores in one unbroken pre-token; this is ignored after [`LONG_PRE_TOKEN`]
//!   tokens.
//!
//! A suffix works the same way, mirrored, with two differences. Pre-tokenizers work from left to
//! right, so a suffix begins at white space after a letter or a digit, where all of them split. And
//! the beginning of a pre-token can change all of its tokens (digits in threes, BPE merges), so
//! only whole pre-tokens are final.
//!
//! A text with few tokens in many bytes (endless white space, control characters, or one word) is
//! read up to [`MAX_BYTES`], or [`MAX_BYTES_PER_TOKEN`] per token if that is more. A longer one
//! counts as truncated.

use tokenizers::{Encoding, ModelWrapper, Tokenizer};

use super::config::Side;

/// Bytes per token at the first try: more than most texts have.
pub(crate) const BYTES_PER_TOKEN: usize = 8;
/// Bytes read of any text, however few tokens they make.
pub(crate) const MAX_BYTES: usize = 128 << 10;
/// Bytes of the longest UTF-8 character.
pub(crate) const MAX_CHARACTER_BYTES: usize = 4;
/// Most bytes read per token.
const MAX_BYTES_PER_TOKEN: usize = 4 * BYTES_PER_TOKEN;
/// Tokens that a normalizer or a pattern may look ahead beyond the pre-token.
const MARGIN: usize = 64;
/// Tokens within one pre-token that Unigram and BPE may look ahead.
const LONG_PRE_TOKEN: usize = 512;

/// How far a tokenizer looks ahead.
#[derive(Clone, Debug)]
pub(crate) struct Lookahead {
    /// Tokens near a cut that may differ from those of the whole text.
    margin: usize,
    /// Whether tokens of a long pre-token depend only on nearby text.
    is_local: bool,
    pub(crate) bytes_per_token: usize,
    pub(crate) max_bytes: usize,
}

/// A tokenized part of a text.
pub(crate) struct TokenizedPart<S> {
    /// The tokenizer's input.
    pub(crate) source: S,
    pub(crate) encoding: Encoding,
    /// Whether the text continues. Then tokens near the cut may differ from those of the whole
    /// text, but not those asked for.
    pub(crate) is_cut: bool,
}

/// What the tokenizer returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Ids,
    /// Also byte offsets, and the pre-token of each token.
    Offsets,
}

impl Lookahead {
    pub(super) fn of(tokenizer: &Tokenizer) -> Lookahead {
        let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
        let max_length = added.values().map(|token| token.content.len()).max();
        Lookahead {
            // Normalization may lengthen an added token.
            margin: MARGIN + 4 * max_length.unwrap_or(0),
            is_local: matches!(
                tokenizer.get_model(),
                ModelWrapper::BPE(_) | ModelWrapper::Unigram(_)
            ),
            bytes_per_token: BYTES_PER_TOKEN,
            max_bytes: MAX_BYTES,
        }
    }

    /// Most bytes of a text that are read for `room` tokens.
    pub(super) fn max_bytes(&self, room: usize) -> usize {
        let tokens = room + self.margin;
        tokens
            .saturating_mul(MAX_BYTES_PER_TOKEN)
            .max(self.max_bytes)
    }

    /// Tokenizes as much of `text` as its first `room` tokens need, plus enough to tell whether
    /// there are more. If the left side is cut, the last `room` tokens.
    pub(crate) fn part<'a, S, E>(
        &self,
        text: &'a str,
        room: usize,
        cut: Side,
        detail: Detail,
        tokenise: impl Fn(&'a str, Detail) -> Result<(S, Encoding), E>,
    ) -> Result<TokenizedPart<S>, E> {
        let tokens = room + self.margin;
        let mut size = tokens.saturating_mul(self.bytes_per_token);
        let most = self.max_bytes(room);
        while size < text.len().min(most) {
            let part = match cut {
                Side::Right => Some(head(text, size)),
                Side::Left => tail(text, size),
            };
            if let Some(part) = part {
                let (source, encoding) = tokenise(part, Detail::Offsets)?;
                if self.final_tokens(encoding.get_word_ids(), cut) > room {
                    return Ok(TokenizedPart {
                        source,
                        encoding,
                        is_cut: true,
                    });
                }
            }
            size = size.saturating_mul(4);
        }
        let part = clip(text, most, cut);
        let (source, encoding) = tokenise(part, detail)?;
        Ok(TokenizedPart {
            source,
            encoding,
            is_cut: part.len() < text.len(),
        })
    }

    /// The number of tokens that no longer depend on the text cut off, given their pre-tokens.
    fn final_tokens(&self, words: &[Option<u32>], cut: Side) -> usize {
        match cut {
            Side::Right => {
                let Some(edge) = words.len().checked_sub(self.margin) else {
                    return 0;
                };
                let Some(last) = words.get(edge) else {
                    return 0;
                };
                let before = words[..edge].partition_point(|word| word < last);
                if self.is_local {
                    before.max(edge.saturating_sub(LONG_PRE_TOKEN))
                } else {
                    before
                }
            }
            Side::Left => match words.get(self.margin) {
                Some(first) => words.len() - words.partition_point(|word| word <= first),
                None => 0,
            },
        }
    }
}

/// At most `size` bytes from the beginning of `text`, preferably ending before white space.
fn head(text: &str, size: usize) -> &str {
    let part = clip(text, size, Side::Right);
    match part.rfind(char::is_whitespace) {
        Some(at) if at >= size / 2 => part[..at].trim_end(),
        _ => before_open_sigma(part),
    }
}

/// Ends `part` before a last sigma whose lower case depends on the text that follows, at any
/// distance.
fn before_open_sigma(part: &str) -> &str {
    let Some(at) = part.rfind('Σ') else {
        return part;
    };
    let (before, sigma) = part.split_at(at);
    let ends_word = |after| {
        let lower = format!("a{sigma}{after}").to_lowercase();
        lower.starts_with("aς")
    };
    match ends_word("") != ends_word("a") {
        true => before,
        false => part,
    }
}

/// At most `size` bytes from the end of `text`, beginning at white space after a letter or a digit.
fn tail(text: &str, size: usize) -> Option<&str> {
    let part = clip(text, size, Side::Left);
    let mut after_word = false;
    let start = part.char_indices().find_map(|(at, c)| {
        let divides = after_word && c.is_whitespace();
        after_word = c.is_alphanumeric();
        divides.then_some(at)
    })?;
    Some(&part[start..])
}

/// The whole characters within the first `size` bytes, or the last ones if the left side is cut.
pub(super) fn clip(text: &str, size: usize, cut: Side) -> &str {
    let mut edge = match cut {
        Side::Right => size.min(text.len()),
        Side::Left => text.len().saturating_sub(size),
    };
    while !text.is_char_boundary(edge) {
        match cut {
            Side::Right => edge -= 1,
            Side::Left => edge += 1,
        }
    }
    match cut {
        Side::Right => &text[..edge],
        Side::Left => &text[edge..],
    }
}
