//! Counting words, and cutting text that has too many of them.

/// Letters and signs of one run that count as one word: code, links and the like count as several.
const RUN: usize = 12;
const SPACE: usize = 64;

/// Counts words one character at a time. A run between white space counts one word for each 12 characters begun;
/// a character of a script without spaces (from U+2E80: Han, Kana, Hangul and so on) counts one word itself; white
/// space counts one word for each 64 characters in a row, so that a passage is bounded in bytes too.
#[derive(Debug, Default)]
pub(super) struct Counter {
    pub(super) words: usize,
    run: usize,
    space: usize,
}

impl Counter {
    pub(super) fn add_all(&mut self, text: &str) {
        text.chars().for_each(|char| self.add(char));
    }

    fn add(&mut self, char: char) {
        if char.is_whitespace() {
            self.run = 0;
            self.space += 1;
            self.words += usize::from(self.space.is_multiple_of(SPACE));
            return;
        }
        self.space = 0;
        if char >= '\u{2E80}' {
            self.words += 1;
        } else {
            self.words += usize::from(self.run == 0);
            self.run = (self.run + 1) % RUN;
        }
    }
}

/// The number of words of a text.
pub(super) fn words(text: &str) -> usize {
    let mut counter = Counter::default();
    counter.add_all(text);
    counter.words
}

/// Where to cut a text that has more than `limit` words, so that the part in front has at most `limit`; `None` when
/// the text is short enough. Prose is cut behind a sentence if one ends in the second half, else at white space;
/// code at a line end. Reads no further than the limit.
pub(super) fn cut(text: &str, limit: usize, code: bool) -> Option<usize> {
    let mut counter = Counter::default();
    let (mut space, mut line, mut sentence) = (None, None, None);
    let mut closing = false;
    for (at, char) in text.char_indices() {
        let before = counter.words;
        counter.add(char);
        if counter.words > limit {
            let best = if code {
                line.or(space)
            } else {
                sentence.or(space)
            };
            return Some(best.unwrap_or(at));
        }
        let end = at + char.len_utf8();
        if char.is_whitespace() && before > 0 {
            space = Some(end);
            if char == '\n' {
                line = Some(end);
            }
            if closing && before * 2 >= limit {
                sentence = Some(end);
            }
        }
        closing = match char {
            '.' | '!' | '?' => true,
            '"' | '\'' | ')' | ']' | '\u{201D}' | '\u{2019}' => closing,
            '。' | '！' | '？' => {
                if counter.words * 2 >= limit {
                    sentence = Some(end);
                }
                false
            }
            _ => false,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting() {
        assert_eq!(words(""), 0);
        assert_eq!(words("  two words \n"), 2);
        assert_eq!(words(&"x".repeat(12)), 1);
        assert_eq!(words(&"x".repeat(13)), 2);
        assert_eq!(words("漢字です"), 4);
        assert_eq!(words("Größe ist wichtig"), 3);
    }

    #[test]
    fn prose_is_cut_behind_sentences() {
        let text = "One two. Three four (five). Six seven eight nine ten.";
        assert_eq!(cut(text, 10, false), None);
        let at = cut(text, 7, false).unwrap();
        assert_eq!(&text[at..], "Six seven eight nine ten.");
        // The only sentence end lies in the first half: cut at white space.
        let text = "One. Two three four five six seven eight";
        assert_eq!(
            &text[..cut(text, 7, false).unwrap()],
            "One. Two three four five six seven "
        );
        let text = "これは文です。これも文です。";
        assert_eq!(&text[..cut(text, 10, false).unwrap()], "これは文です。");
    }

    #[test]
    fn code_is_cut_at_lines_and_runs_anywhere() {
        let text = "let a = 1;\nlet b = 2;\nlet c = 3;";
        assert_eq!(
            &text[..cut(text, 9, true).unwrap()],
            "let a = 1;\nlet b = 2;\n"
        );
        let text = "x".repeat(100);
        assert_eq!(cut(&text, 3, false), Some(36));
        assert_eq!(cut(&text, 3, true), Some(36));
        assert_eq!(cut("é".repeat(13).as_str(), 1, false), Some(24));
        // Space in front of a long run is no place to cut: nothing would be gained.
        assert_eq!(cut(&format!("  {text}"), 3, false), Some(38));
    }
}
