//! Words that are nearly another.

use std::fmt;

/// Most words that a message offers.
const OFFERED: usize = 3;

/// Letters of the longest word that is compared: the work grows with the square.
const LONGEST: usize = 100;

/// The candidates that a word may have been meant for, likeliest first: a slip or two away, in
/// another case, or the same name within an object.
pub(super) fn near<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let slips = match length {
        0 => return Vec::new(),
        1..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(&word, length, candidate, slips)?, candidate)))
        .collect();
    found.sort_unstable();
    found.truncate(OFFERED);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

fn distance(word: &str, length: usize, candidate: &str, slips: usize) -> Option<usize> {
    let lower = candidate.to_lowercase();
    if lower
        .strip_suffix(word)
        .is_some_and(|object| object.ends_with('.'))
    {
        return Some(slips);
    }
    let other = lower.chars().count();
    if length.max(other) > LONGEST || length.abs_diff(other) > slips {
        return None;
    }
    let distance = strsim::osa_distance(word, &lower);
    // What shares no letter is not nearly the same.
    (distance <= slips && distance < length.max(other)).then_some(distance)
}

/// `; did you mean a or b?`, or nothing.
pub(super) struct DidYouMean<'w>(pub &'w [String]);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [word] => write!(f, "; did you mean {word}?"),
            [first @ .., last] => write!(f, "; did you mean {} or {last}?", first.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first() {
        let fields = ["year", "years", "bear", "Lang", "author.name", "id", "日本"];
        let cases: &[(&str, &[&str])] = &[
            ("yaer", &["year", "bear", "years"]),
            ("lang", &["Lang"]),
            ("name", &["author.name"]),
            ("xy", &[]),
            ("ids", &["id"]),
            ("日木", &["日本"]),
            ("", &[]),
            ("title", &[]),
        ];
        for (word, expected) in cases {
            assert_eq!(near(word, fields), *expected, "{word}");
        }
        assert!(near(&"a".repeat(1_000_000), ["b"]).is_empty());
    }
}
