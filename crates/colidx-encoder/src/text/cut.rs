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
//!   score, in one unbroken pre-token; this is cut off after [`LONG`] tokens.
//!
//! An end is read in the same way, mirrored, but for two things. A pre-tokenizer goes from left to right, so an end begins at
//! white space behind a letter or a digit, where all of them divide. And the beginning of a pre-token can decide how all of
//! it is divided (digits in threes, the merges of BPE), so that only whole pre-tokens are known.
//!
//! A text that has few tokens in many bytes (white space, control characters, or a word, without end) is read up to
//! [`MOST`] bytes, or [`MOST_PER_TOKEN`] for each of its tokens where that is more, and no further: it counts as truncated
//! there.

use tokenizers::{Encoding, ModelWrapper, Tokenizer};

use super::config::Side;

/// Bytes of text for each token at the first try: more than most have.
const PER_TOKEN: usize = 8;
/// Bytes of any text that are read if it has so few tokens.
const MOST: usize = 128 << 10;
/// Bytes of the longest character.
pub(super) const CHARACTER: usize = 4;
/// Bytes for each token that may be read.
const MOST_PER_TOKEN: usize = 4 * PER_TOKEN;
/// Tokens that no normaliser and no pattern looks ahead from outside the pre-token.
const MARGIN: usize = 64;
/// Tokens of a single pre-token over which Unigram and BPE may look ahead.
const LONG: usize = 512;

/// How much of a text a tokenizer needs.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    /// Tokens near a cut that may not be those of a longer text.
    margin: usize,
    /// Whether the tokens of a long pre-token depend on what is near them alone.
    is_local: bool,
    per_token: usize,
    most: usize,
}

/// A part of a text with its tokens.
pub(super) struct Part<S> {
    /// What was tokenised.
    pub(super) source: S,
    pub(super) encoding: Encoding,
    /// Whether the text goes on: then the tokens near the cut may not be those of the whole text, but those that were asked
    /// for are.
    pub(super) is_cut: bool,
}

/// What is to come with the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Ids,
    /// And their places in the text, and which of them are of one pre-token.
    Places,
}

impl Reach {
    pub(super) fn of(tokenizer: &Tokenizer) -> Reach {
        let added = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
        let longest = added.values().map(|token| token.content.len()).max();
        Reach {
            // Normalised, an added token may be longer.
            margin: MARGIN + 4 * longest.unwrap_or(0),
            is_local: matches!(
                tokenizer.get_model(),
                ModelWrapper::BPE(_) | ModelWrapper::Unigram(_)
            ),
            per_token: PER_TOKEN,
            most: MOST,
        }
    }

    /// Bytes of a text that may be read for `room` tokens.
    pub(super) fn most(&self, room: usize) -> usize {
        let tokens = room + self.margin;
        tokens.saturating_mul(MOST_PER_TOKEN).max(self.most)
    }

    /// Tokenises as much of `text` as its first `room` tokens need, or its last ones where its left side is cut, and what
    /// tells whether there are more.
    pub(super) fn part<'a, S, E>(
        &self,
        text: &'a str,
        room: usize,
        cut: Side,
        want: Want,
        tokenise: impl Fn(&'a str, Want) -> Result<(S, Encoding), E>,
    ) -> Result<Part<S>, E> {
        let tokens = room + self.margin;
        let mut size = tokens.saturating_mul(self.per_token);
        let most = self.most(room);
        while size < text.len().min(most) {
            let part = match cut {
                Side::Right => Some(head(text, size)),
                Side::Left => tail(text, size),
            };
            if let Some(part) = part {
                let (source, encoding) = tokenise(part, Want::Places)?;
                if self.final_tokens(encoding.get_word_ids(), cut) > room {
                    return Ok(Part {
                        source,
                        encoding,
                        is_cut: true,
                    });
                }
            }
            size = size.saturating_mul(4);
        }
        let part = within(text, most, cut);
        let (source, encoding) = tokenise(part, want)?;
        Ok(Part {
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
                    before.max(edge.saturating_sub(LONG))
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
    let part = within(text, size, Side::Right);
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
    let part = within(text, size, Side::Left);
    let mut after_word = false;
    let start = part.char_indices().find_map(|(at, c)| {
        let divides = after_word && c.is_whitespace();
        after_word = c.is_alphanumeric();
        divides.then_some(at)
    })?;
    Some(&part[start..])
}

/// The characters that lie wholly within the first `size` bytes, or the last ones where the left side is cut.
pub(super) fn within(text: &str, size: usize, cut: Side) -> &str {
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::PathBuf;

    use rayon::prelude::*;

    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::ops::Placement;
    use crate::settings::Setting;
    use crate::text::{TextSettings, TextTokenizer, Tokens};
    use crate::{EncoderOptions, Precision};

    /// What texts are made of.
    const PIECES: [&str; 40] = [
        "water ",
        "the",
        "cell",
        " ",
        "      ",
        "\t",
        "\r\n",
        "\n\n",
        "\n \n  ",
        "\0",
        "\u{7f}\u{1}",
        "\u{1c}",
        "日本",
        "東京都に住む",
        "가나",
        "\u{1112}\u{1161}\u{11ab}",
        "e\u{301}",
        "\u{301}\u{323}",
        "é",
        "İ",
        "ΑΣ",
        "ς'",
        ". ,",
        "...",
        "don't",
        "'",
        "12",
        "3,456",
        "🦀",
        "👩\u{200d}👩\u{200d}👧",
        "\u{200b}",
        "\u{ad}",
        "\u{feff}",
        "ﬁ",
        "½",
        "[MASK]",
        "[Q] ",
        "<mask>",
        "[SE",
        "<pad>",
    ];
    const BYTES: usize = 2000;

    /// Those of all fixtures, each cutting long texts at their end and at their beginning.
    fn tokenizers() -> Vec<(String, TextTokenizer)> {
        let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut all = Vec::new();
        let (mut sides, mut seen) = (HashSet::new(), HashSet::new());
        let mut fixtures_read = 0;
        for folder in std::fs::read_dir(fixtures).unwrap() {
            let path = folder.unwrap().path();
            fixtures_read += 1;
            for side in [Side::Left, Side::Right] {
                let placement = Placement::Kernels(Precision::F32);
                let checkpoint = Checkpoint::open(&path, &EncoderOptions::default(), &placement);
                let mut tokenizer = checkpoint.unwrap().tokenizer;
                sides.insert(tokenizer.truncation.value);
                tokenizer.truncation = Setting::of_caller(side);
                // Many fixtures differ in other things than what becomes of a text.
                let inner = tokenizer.inner.to_string(false).unwrap();
                let TextSettings {
                    manner, lower_case, ..
                } = &tokenizer.settings;
                let TextSettings {
                    query, document, ..
                } = &tokenizer.settings;
                let prompts = [query, document].map(|role| role.prompt.value.clone());
                if seen.insert((inner, *manner as u8, lower_case.value, prompts, side)) {
                    all.push((format!("{} {side:?}", path.display()), tokenizer));
                }
            }
        }
        assert!(fixtures_read >= 46 && all.len() >= 2 * 11, "{}", all.len());
        assert_eq!(sides.len(), 2, "some fixture should cut on the left");
        all
    }

    fn tokens(tokenizer: &TextTokenizer, text: &str) -> [Tokens; 3] {
        [
            tokenizer.document(text).unwrap(),
            tokenizer.document_with_spans(text).unwrap(),
            tokenizer.query(text).unwrap(),
        ]
    }

    /// That a text has the tokens that it has when it is tokenised whole, however long the first beginning is.
    fn same(name: &str, tokenizer: &mut TextTokenizer, text: &str) {
        let reach = tokenizer.reach.clone();
        tokenizer.reach.per_token = usize::MAX;
        tokenizer.reach.most = usize::MAX;
        let whole = tokens(tokenizer, text);
        for per_token in [1, 3, PER_TOKEN] {
            tokenizer.reach.per_token = per_token;
            for (cut, whole) in tokens(tokenizer, text).iter().zip(&whole) {
                assert_eq!(cut.ids, whole.ids, "{name}, {per_token}: {text:?}");
                assert_eq!(cut.spans, whole.spans, "{name}, {per_token}: {text:?}");
                assert_eq!(
                    cut.truncated, whole.truncated,
                    "{name}, {per_token}: {text:?}"
                );
            }
        }
        tokenizer.reach = reach;
    }

    #[test]
    fn a_part_has_the_tokens_of_the_whole() {
        let check = |(nth, (name, mut tokenizer)): (usize, (String, TextTokenizer))| {
            for (at, piece) in PIECES.iter().enumerate() {
                let run = piece.repeat(BYTES / piece.len());
                let before = PIECES[(at * 7 + 3) % PIECES.len()];
                let texts = [
                    run.clone(),
                    format!("cell {run} cell"),
                    format!("{before}{run}{before}water"),
                    format!("{} the{run}m", "a b ".repeat(at)),
                ];
                // There are many tokenizers, so each sees half of them.
                for text in texts.iter().skip((nth / 2 + at) % 2).step_by(2) {
                    same(&name, &mut tokenizer, text);
                }
            }
            let mut state = 1 + nth as u64;
            let mut random = |below: usize| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 33) as usize % below
            };
            for _ in 0..40 {
                // Few kinds of pieces, so that runs are long in some.
                let kinds: Vec<&str> = (0..1 + random(6))
                    .map(|_| PIECES[random(PIECES.len())])
                    .collect();
                let mut text = String::new();
                while text.len() < BYTES {
                    let piece = kinds[random(kinds.len())];
                    text.push_str(&piece.repeat(1 + random(3) * random(40)));
                }
                same(&name, &mut tokenizer, &text);
            }
        };
        let tokenizers: Vec<_> = tokenizers().into_iter().enumerate().collect();
        tokenizers.into_par_iter().for_each(check);
    }

    #[test]
    fn a_text_with_few_tokens_is_read_to_a_bound() {
        let texts = [" ", "\0", "\u{301}", "x", "日", "\t\u{1}"]
            .map(|piece| format!("cell{}", piece.repeat((16 << 20) / piece.len())));
        for (name, tokenizer) in tokenizers() {
            for text in &texts {
                let (reach, side) = (tokenizer.reach.clone(), tokenizer.truncation.value);
                let read = std::cell::Cell::new(0);
                let part = reach.part(text, 300, side, Want::Ids, |part, want| {
                    read.set(read.get() + part.len());
                    assert_eq!(want == Want::Ids, part.len() + CHARACTER > MOST);
                    tokenizer
                        .inner
                        .encode(part, false)
                        .map(|encoding| ((), encoding))
                });
                assert!(part.unwrap().is_cut, "{name}");
                assert!(read.get() <= 3 * MOST, "{name}: {}", read.get());
            }
        }
    }
}
