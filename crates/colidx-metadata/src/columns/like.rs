//! Patterns of LIKE.

/// A pattern, cut at its `%`.
///
/// Pieces are looked for from left to right, each where it is first: if there is a match at all,
/// there is one so. The work is at most text times pattern, and about the text where no piece has
/// an `_`.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What comes before the first `%`; all of the pattern where there is none.
    first: Piece,
    /// What comes between two of them.
    middle: Vec<Piece>,
    /// What comes after the last.
    last: Option<Piece>,
}

/// Characters, `None` for any one.
#[derive(Debug, Default)]
struct Piece {
    characters: Vec<Option<char>>,
    /// The same as text, up to the first that can be any.
    literal: String,
}

impl Pattern {
    /// A `\` that stands before none of `%`, `_` and `\` stands for itself.
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut piece = Piece::default();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '%' => pieces.push(std::mem::take(&mut piece)),
                '_' => piece.push(None),
                '\\' => piece.push(rest.next_if(|c| "%_\\".contains(*c)).or(Some('\\'))),
                _ => piece.push(Some(c)),
            }
        }
        if pieces.is_empty() {
            return Self {
                first: piece,
                middle: pieces,
                last: None,
            };
        }
        let first = pieces.remove(0);
        pieces.retain(|piece| !piece.characters.is_empty());
        Self {
            first,
            middle: pieces,
            last: Some(piece),
        }
    }

    /// What every match begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.first.literal
    }

    /// Whether everything matches that begins with the prefix.
    pub(super) fn is_prefix(&self) -> bool {
        let anything = self.last.as_ref().is_some_and(|p| p.characters.is_empty());
        anything && self.middle.is_empty() && self.first.is_literal()
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.rest(text).is_some()
    }

    fn rest(&self, text: &str) -> Option<()> {
        let mut text = self.first.strip(text)?;
        let Some(last) = &self.last else {
            return text.is_empty().then_some(());
        };
        for piece in &self.middle {
            text = piece.find(text)?;
        }
        last.ends(text).then_some(())
    }
}

impl Piece {
    fn push(&mut self, character: Option<char>) {
        if let Some(c) = character.filter(|_| self.is_literal()) {
            self.literal.push(c);
        }
        self.characters.push(character);
    }

    fn is_literal(&self) -> bool {
        !self.characters.contains(&None)
    }

    /// What follows in a text that begins with this.
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.chars();
        for character in &self.characters {
            let got = rest.next()?;
            if character.is_some_and(|c| c != got) {
                return None;
            }
        }
        Some(rest.as_str())
    }

    /// What follows this where it is first in a text.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.is_literal() {
            let at = text.find(&self.literal)?;
            return text.get(at + self.literal.len()..);
        }
        let mut starts = text.char_indices();
        starts.find_map(|(at, _)| self.strip(&text[at..]))
    }

    fn ends(&self, text: &str) -> bool {
        let mut rest = text.chars().rev();
        self.characters.iter().rev().all(|character| {
            let got = rest.next();
            got.is_some() && (character.is_none() || *character == got)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            ['_', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            ['\\', c @ ('%' | '_' | '\\'), rest @ ..] | [c, rest @ ..] => {
                text.first() == Some(c) && naive(rest, &text[1..])
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_pattern_matches_what_a_naive_matcher_does(
            pattern in r"[ab%_\\é]{0,8}", text in r"[ab%_\\é]{0,8}",
        ) {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            let built = Pattern::new(&pattern);
            let expected = naive(&chars(&pattern), &chars(&text));
            prop_assert_eq!(built.matches(&text), expected);
            prop_assert!(!expected || text.starts_with(built.prefix()));
            if built.is_prefix() {
                prop_assert_eq!(text.starts_with(built.prefix()), expected);
            }
        }
    }

    #[test]
    fn many_wildcards_do_not_blow_up() {
        let pattern = "%a".repeat(2000) + "%b";
        let pattern = Pattern::new(&pattern);
        assert!(!pattern.matches(&"a".repeat(100_000)));
        let any = Pattern::new(&("%_a".repeat(200) + "%b"));
        assert!(!any.matches(&"a".repeat(10_000)));
    }
}
