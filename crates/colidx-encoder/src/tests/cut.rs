//! Compares the tokens of a part with those of the whole text, for all fixtures.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::checkpoint::Checkpoint;
use crate::ops::Backend;
use crate::settings::Setting;
use crate::text::cut::{BYTES_PER_TOKEN, Detail, MAX_BYTES, MAX_CHARACTER_BYTES};
use crate::text::{Side, TextSettings, TextTokenizer, Tokens};
use crate::{EncoderOptions, Precision};

/// Pieces that texts are composed of.
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

/// The tokenizers of all fixtures, each truncating on the left and on the right.
fn tokenizers() -> Vec<(String, TextTokenizer)> {
    let Some(fixtures) = super::fixtures() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let (mut sides, mut seen) = (HashSet::new(), HashSet::new());
    for path in fixtures {
        for side in [Side::Left, Side::Right] {
            let backend = Backend::Native(Precision::F32);
            let checkpoint = Checkpoint::open(&path, &EncoderOptions::default(), &backend);
            let mut tokenizer = checkpoint.unwrap().tokenizer;
            sides.insert(tokenizer.truncation.value);
            tokenizer.truncation = Setting::from_options(side);
            // Many fixtures differ only in settings that do not affect tokens.
            let inner = tokenizer.inner.to_string(false).unwrap();
            let TextSettings {
                convention,
                lower_case,
                ..
            } = tokenizer.settings();
            let TextSettings {
                query, document, ..
            } = tokenizer.settings();
            let prompts = [query, document].map(|role| role.prompt.value.clone());
            if seen.insert((inner, *convention as u8, lower_case.value, prompts, side)) {
                all.push((format!("{} {side:?}", path.display()), tokenizer));
            }
        }
    }
    assert!(all.len() >= 2 * 11, "{}", all.len());
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

/// Asserts that a text has the same tokens as when it is tokenized whole, however short the first
/// part.
fn same(name: &str, tokenizer: &mut TextTokenizer, text: &str) {
    let lookahead = tokenizer.lookahead.clone();
    tokenizer.lookahead.bytes_per_token = usize::MAX;
    tokenizer.lookahead.max_bytes = usize::MAX;
    let whole = tokens(tokenizer, text);
    for bytes_per_token in [1, 3, BYTES_PER_TOKEN] {
        tokenizer.lookahead.bytes_per_token = bytes_per_token;
        for (cut, whole) in tokens(tokenizer, text).iter().zip(&whole) {
            assert_eq!(cut.ids, whole.ids, "{name}, {bytes_per_token}: {text:?}");
            assert_eq!(
                cut.spans, whole.spans,
                "{name}, {bytes_per_token}: {text:?}"
            );
            assert_eq!(
                cut.truncated, whole.truncated,
                "{name}, {bytes_per_token}: {text:?}"
            );
        }
    }
    tokenizer.lookahead = lookahead;
}

#[test]
fn a_part_has_the_tokens_of_the_whole_text() {
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
            // There are many tokenizers, so each tests half of the texts.
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
            // Few kinds of pieces make long runs likely.
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
fn a_text_with_few_tokens_is_read_up_to_a_limit() {
    let texts = [" ", "\0", "\u{301}", "x", "日", "\t\u{1}"]
        .map(|piece| format!("cell{}", piece.repeat((16 << 20) / piece.len())));
    for (name, tokenizer) in tokenizers() {
        for text in &texts {
            let (lookahead, side) = (tokenizer.lookahead.clone(), tokenizer.truncation.value);
            let read = std::cell::Cell::new(0);
            let part = lookahead.part(text, 300, side, Detail::Ids, |part, detail| {
                read.set(read.get() + part.len());
                assert_eq!(
                    detail == Detail::Ids,
                    part.len() + MAX_CHARACTER_BYTES > MAX_BYTES
                );
                tokenizer
                    .inner
                    .encode(part, false)
                    .map(|encoding| ((), encoding))
            });
            assert!(part.unwrap().is_cut, "{name}");
            assert!(read.get() <= 3 * MAX_BYTES, "{name}: {}", read.get());
        }
    }
}
