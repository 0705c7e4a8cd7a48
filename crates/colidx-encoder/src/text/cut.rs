//! The part of a text that the tokens kept of it need, so that work and memory are bounded whatever the text is: its
//! beginning, or its end where long texts are cut at their beginning.
//!
//! A tokenizer takes out added tokens, normalises what is between, divides that into pre-tokens, and divides each of those
//! into tokens. All but the last step looks ahead by little: a split of the tokenizer is final once enough of what follows
//! is known. So a beginning is tokenised that is longer than is likely to be needed, the tokens near its end are left out of
//! account, and if too few are left, a longer beginning is tried.
//!
//! Why the tokens that are left are those of the whole text:
//!
//! - *Normalisers* change a character by its neighbours (composing, reordering marks, removing accents and control
//!   characters, replacing a string). What they make of the end of a beginning belongs to its last pre-token with tokens or
//!   gives no tokens; and the margin is of tokens, not bytes, so that any number of characters without tokens may stand in it.
//!   The lower case of Σ alone depends on what is far behind it: a beginning that leaves it open ends before it.
//! - *Added tokens* can be cut in two. The part in the beginning gives at most as many tokens as it has bytes, and the margin
//!   is longer than any added token. White space that an added token takes up before it is one pre-token more, which is left
//!   out as a whole: a beginning ends before white space, not in it.
//! - *Pre-tokenizers* divide at white space, punctuation, digits, scripts or the matches of a pattern, and look ahead within
//!   the same run of them. The pre-token where the margin begins is left out as a whole, with all after it.
//! - *Models* see one pre-token. WordPiece takes no more than some characters of it, and gives one token for what is longer.
//!   In Unigram and BPE what is far ahead can decide a token only by a chain of choices, each of which is the best by the same
//!   score, in one unbroken pre-token; this is cut off after [`LONG_PRE_TOKEN`] tokens.
//!
//! An end is read in the same way, mirrored, but for two things. A pre-tokenizer goes from left to right, so an end begins at
//! white space behind a letter or a digit, where all of them divide. And the beginning of a pre-token can decide how all of
//! it is divided (digits in threes, the merges of BPE), so that only whole pre-tokens are known.
//!
//! A text that has few tokens in many bytes (white space, control characters, or a word, without end) is read up to
//! [`MAX_BYTES`] bytes, or [`MAX_BYTES_PER_TOKEN`] for each of its tokens where that is more, and no further: it counts as truncated
//! there.

use tokenizers::{Encoding, ModelWrapper, Tokenizer};

use super::config::Side;

/// Bytes of text for each token at the first try: more than most have.
pub(crate) const BYTES_PER_TOKEN: usize = 8;
/// Bytes of any text that are read if it has so few tokens.
pub(crate) const MAX_BYTES: usize = 128 << 10;
/// Bytes of the longest character.
pub(crate) const MAX_CHARACTER_BYTES: usize = 4;
/// Bytes for each token that may be read.
const MAX_BYTES_PER_TOKEN: usize = 4 * BYTES_PER_TOKEN;
/// Tokens that no normaliser and no pattern looks ahead from outside the pre-token.
const MARGIN: usize = 64;
/// Tokens of a single pre-token over which Unigram and BPE may look ahead.
const LONG_PRE_TOKEN: usize = 512;

/// How much of a text a tokenizer needs.
#[derive(Clone, Debug)]
pub(crate) struct Lookahead {
    /// Tokens near a cut that may not be those of a longer text.
    margin: usize,
    /// Whether the tokens of a long pre-token depend on what is near them alone.
    is_local: bool,
    pub(crate) bytes_per_token: usize,
    pub(crate) max_bytes: usize,
}

/// A part of a text with its tokens.
pub(crate) struct TokenizedPart<S> {
    /// What was tokenised.
    pub(crate) source: S,
    pub(crate) encoding: Encoding,
    /// Whether the text goes on: then the tokens near the cut may not be those of the whole text, but those that were asked
    /// for are.
    pub(crate) is_cut: bool,
}

/// What is to come with the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Ids,
    /// And their places in the text, and which of them are of one pre-token.
    Offsets,
}

impl Lookahead {
    pub(super) fn of(tokenizer: &Tokenizer) -> Lookahead {
        let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
        let max_length = added.values().map(|token| token.content.len()).max();
        Lookahead {
            // Normalised, an added token may be longer.
            margin: MARGIN + 4 * max_length.unwrap_or(0),
            is_local: matches!(
                tokenizer.get_model(),
                ModelWrapper::BPE(_) | ModelWrapper::Unigram(_)
            ),
            bytes_per_token: BYTES_PER_TOKEN,
            max_bytes: MAX_BYTES,
        }
    }

    /// Bytes of a text that may be read for `room` tokens.
    pub(super) fn max_bytes(&self, room: usize) -> usize {
        let tokens = room + self.margin;
        tokens
            .saturating_mul(MAX_BYTES_PER_TOKEN)
            .max(self.max_bytes)
    }

    /// Tokenises as much of `text` as its first `room` tokens need, or its last ones where its left side is cut, and what
    /// tells whether there are more.
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

    /// How many tokens, of which these are the pre-tokens, are the same whatever was cut off.
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

/// At most `size` bytes of the beginning of `text`, rather before white space.
fn head(text: &str, size: usize) -> &str {
    let part = clip(text, size, Side::Right);
    match part.rfind(char::is_whitespace) {
        Some(at) if at >= size / 2 => part[..at].trim_end(),
        _ => before_open_sigma(part),
    }
}

/// Ends `part` before a last sigma that is lower-cased by what follows. Any number of characters may stand between.
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

/// At most `size` bytes of the end of `text`, from white space behind a letter or a digit.
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

/// The characters that lie wholly within the first `size` bytes, or the last ones where the left side is cut.
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
