//! What a line of Markdown is, as far as passages need to know.

/// An open code fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
}

impl Fence {
    pub(super) fn closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.bytes().all(|byte| byte == self.mark)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Blank,
    /// `#` to `######`.
    Heading {
        level: usize,
        text: &'a str,
    },
    /// `===` or `---`: makes a heading of the paragraph above it, if there is one.
    Underline {
        level: usize,
    },
    /// A thematic break that cannot be an underline.
    Rule,
    /// Opens a code fence.
    Fence(Fence),
    /// Starts a list item or table row.
    Item,
    Text,
}

pub(super) fn classify(line: &str) -> Line<'_> {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Line::Blank;
    }
    if let Some(fence) = fence(trimmed) {
        return Line::Fence(fence);
    }
    // Four spaces make a line code or part of a list item.
    if line.starts_with("    ") || line.starts_with('\t') {
        return if is_item(trimmed) {
            Line::Item
        } else {
            Line::Text
        };
    }
    if let Some((level, text)) = heading(trimmed) {
        return Line::Heading { level, text };
    }
    for (mark, level) in [('=', 1), ('-', 2)] {
        if trimmed.chars().all(|char| char == mark) && (trimmed.len() > 1 || mark == '=') {
            return Line::Underline { level };
        }
    }
    if is_rule(trimmed) {
        return Line::Rule;
    }
    if is_item(trimmed) {
        Line::Item
    } else {
        Line::Text
    }
}

fn fence(trimmed: &str) -> Option<Fence> {
    let mark = trimmed
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = trimmed.bytes().take_while(|&byte| byte == mark).count();
    // Backticks behind the mark make it inline code.
    let inline = mark == b'`' && trimmed[length..].contains('`');
    (length >= 3 && !inline).then_some(Fence { mark, length })
}

fn heading(trimmed: &str) -> Option<(usize, &str)> {
    let level = trimmed.bytes().take_while(|&byte| byte == b'#').count();
    let text = &trimmed[level..];
    if !(1..=6).contains(&level) || !(text.is_empty() || text.starts_with([' ', '\t'])) {
        return None;
    }
    let text = text.trim();
    let without = text.trim_end_matches('#');
    // Closing marks count only behind a space: "C#" keeps its sign.
    let text = if without.is_empty() || without.ends_with([' ', '\t']) {
        without.trim()
    } else {
        text
    };
    Some((level, text))
}

fn is_rule(trimmed: &str) -> bool {
    let mark = trimmed.as_bytes()[0];
    matches!(mark, b'*' | b'-' | b'_')
        && trimmed.bytes().all(|byte| byte == mark || byte == b' ')
        && trimmed.bytes().filter(|&byte| byte == mark).count() >= 3
}

fn is_item(trimmed: &str) -> bool {
    if trimmed.starts_with('|') {
        return true;
    }
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => trimmed.strip_prefix(['-', '*', '+']),
        1..=9 => trimmed[digits..].strip_prefix(['.', ')']),
        _ => None,
    };
    rest.is_some_and(|rest| rest.starts_with([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings() {
        assert_eq!(
            classify("# One"),
            Line::Heading {
                level: 1,
                text: "One"
            }
        );
        assert_eq!(
            classify("  ### C# ##"),
            Line::Heading {
                level: 3,
                text: "C#"
            }
        );
        assert_eq!(
            classify("## C#"),
            Line::Heading {
                level: 2,
                text: "C#"
            }
        );
        assert_eq!(classify("##"), Line::Heading { level: 2, text: "" });
        assert_eq!(classify("#hashtag"), Line::Text);
        assert_eq!(classify("####### seven"), Line::Text);
        assert_eq!(classify("    # code"), Line::Text);
        assert_eq!(classify("==="), Line::Underline { level: 1 });
        assert_eq!(classify("---"), Line::Underline { level: 2 });
        assert_eq!(classify("- - -"), Line::Rule);
        assert_eq!(classify("***"), Line::Rule);
    }

    #[test]
    fn fences() {
        let Line::Fence(fence) = classify("````rust") else {
            panic!()
        };
        assert!(!fence.closed_by("```") && fence.closed_by("`````") && !fence.closed_by("````x"));
        assert!(matches!(classify("  ~~~"), Line::Fence(_)));
        assert_eq!(classify("```inline``` code"), Line::Text);
    }

    #[test]
    fn items() {
        for item in [
            "- a",
            "* a",
            "+ a",
            "1. a",
            "12) a",
            "| a | b |",
            "      - nested",
        ] {
            assert_eq!(classify(item), Line::Item, "{item}");
        }
        for text in ["-a", "*bold*", "1.5 times", "1234567890. a", "a | b"] {
            assert_eq!(classify(text), Line::Text, "{text}");
        }
    }
}
