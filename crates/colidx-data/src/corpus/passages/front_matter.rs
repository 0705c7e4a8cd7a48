//! The front matter of Markdown: a block of YAML between `---`, or of TOML between `+++`, at the
//! top of a file.
//!
//! Of both, the top level and its scalars are read; lists, maps and anchors are passed over.

use serde_json::{Map, Value};

/// Bytes of a block that is taken for front matter; a longer one is text.
const LIMIT: usize = 64 << 10;

/// The lines of a block that is read.
#[derive(Debug, Default)]
pub(super) struct FrontMatter {
    lines: Vec<String>,
    size: usize,
    language: Language,
}

/// What a block is written in.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Language {
    #[default]
    Yaml,
    Toml,
}

/// What became of a line.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    More,
    /// The block ended with this line.
    Ended,
    /// The block is too long to be front matter.
    TooLong,
}

impl FrontMatter {
    /// The front matter that the first line of a file begins, if it begins one.
    pub(super) fn begun_by(line: &str) -> Option<FrontMatter> {
        let language = match line.trim_end() {
            "---" => Language::Yaml,
            "+++" => Language::Toml,
            _ => return None,
        };
        Some(FrontMatter {
            language,
            ..FrontMatter::default()
        })
    }

    /// Takes the next line after the first.
    pub(super) fn take(&mut self, line: &str) -> Taken {
        match (self.language, line.trim_end()) {
            (Language::Yaml, "---" | "...") | (Language::Toml, "+++") => return Taken::Ended,
            _ => {}
        }
        self.size += line.len() + 1;
        self.lines.push(line.to_owned());
        match self.size > LIMIT {
            true => Taken::TooLong,
            false => Taken::More,
        }
    }

    /// The lines so far, if they are text after all.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Whether there is a field, or nothing at all.
    pub(super) fn has_fields(&self) -> bool {
        let mut lines = self.lines.iter().map(|line| line.trim_end());
        lines.clone().any(|line| self.field(line).is_some()) || lines.all(str::is_empty)
    }

    /// The scalar fields of the block. The first of a name counts.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut lines = self.lines.iter().map(String::as_str).peekable();
        while let Some(line) = lines.next() {
            if self.language == Language::Toml && line.starts_with('[') {
                // A table begins, which has all that follows.
                break;
            }
            let Some((name, value)) = self.field(line) else {
                continue;
            };
            // Lines below that are indented, or items of a list, belong to the field.
            let mut below = Vec::new();
            while let Some(line) = lines.next_if(|line| belongs_above(line)) {
                below.push(line);
            }
            let spans_lines = value.starts_with("\"\"\"") || value.starts_with("'''");
            if self.language == Language::Toml && spans_lines {
                continue;
            }
            if let Some(value) = scalar(value, &below) {
                fields.entry(name).or_insert(value);
            }
        }
        fields
    }

    /// Name and rest of a line without indentation, such as `name: value` or `name = value`.
    fn field<'a>(&self, line: &'a str) -> Option<(String, &'a str)> {
        if line.starts_with([' ', '\t', '#', '-', '?', '[', '{']) {
            return None;
        }
        let parts = match self.language {
            Language::Yaml => line.split_once(": "),
            Language::Toml => line.split_once('='),
        };
        let (name, value) = match (parts, self.language) {
            (Some(parts), _) => parts,
            (None, Language::Yaml) => (line.trim_end().strip_suffix(':')?, ""),
            (None, Language::Toml) => return None,
        };
        let name = name.trim().trim_matches(['"', '\'']);
        (!name.is_empty()).then(|| (name.to_owned(), value.trim()))
    }
}

fn belongs_above(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '\t']) || line.starts_with("- ") || line == "-"
}

/// The value of a field, with the lines below it; `None` for what is no scalar.
fn scalar(value: &str, below: &[&str]) -> Option<Value> {
    match value.chars().next() {
        Some('|' | '>') => {
            let folds = value.starts_with('>');
            let lines = below.iter().map(|line| line.trim());
            let lines: Vec<&str> = lines.collect();
            let text = lines.join(if folds { " " } else { "\n" });
            Some(text.trim().into())
        }
        Some('[' | '{' | '&' | '*' | '!') => None,
        Some(quote @ ('"' | '\'')) => {
            let whole = continued(value, below);
            Some(quoted(&whole, quote)?.into())
        }
        Some(_) => Some(plain(&continued(value, below))),
        // Nothing at all, or a list or map below.
        None => None,
    }
}

/// A scalar that continues on the lines below.
fn continued(value: &str, below: &[&str]) -> String {
    let lines = below.iter().map(|line| line.trim());
    let words = std::iter::once(value).chain(lines);
    let words: Vec<&str> = words.filter(|words| !words.is_empty()).collect();
    words.join(" ")
}

/// The text between quotes; what follows is a comment.
fn quoted(text: &str, quote: char) -> Option<String> {
    let mut out = String::new();
    let mut chars = text[1..].chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\'' if quote == '\'' && chars.next_if_eq(&'\'').is_some() => out.push('\''),
            '\\' if quote == '"' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            char if char == quote => return Some(out),
            char => out.push(char),
        }
    }
    None
}

/// A scalar without quotes: a truth value, a number or text.
fn plain(text: &str) -> Value {
    let text = text.split(" #").next().unwrap_or_default().trim();
    match text {
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        "null" | "Null" | "NULL" | "~" => return Value::Null,
        _ => {}
    }
    // As JSON writes numbers, so that a date or a version stays text.
    match serde_json::from_str::<Value>(text) {
        Ok(number @ Value::Number(_)) => number,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(text: &str) -> Value {
        let mut matter = FrontMatter::default();
        for line in text.lines() {
            assert_eq!(matter.take(line), Taken::More);
        }
        Value::Object(matter.fields())
    }

    /// Blocks as people write them, and the fields that are read.
    #[test]
    fn scalars_are_fields() {
        for (text, expected) in [
            ("title: A title", json!({"title": "A title"})),
            ("title: \"A: \\\"b\\\"\" # c", json!({"title": "A: \"b\""})),
            ("title: 'it''s'", json!({"title": "it's"})),
            ("date: 2024-05-01", json!({"date": "2024-05-01"})),
            ("version: 1.2.3", json!({"version": "1.2.3"})),
            (
                "draft: true\nweight: 10\nscore: 0.5",
                json!({"draft": true, "weight": 10, "score": 0.5}),
            ),
            (
                "none: ~\nempty:\nafter: x",
                json!({"none": null, "after": "x"}),
            ),
            ("tags: [a, b]\nmap: {a: 1}\nafter: x", json!({"after": "x"})),
            (
                "tags:\n  - a\n  - b\nlist:\n- c: d\nafter: x",
                json!({"after": "x"}),
            ),
            (
                "nested:\n  title: inner\ntitle: outer",
                json!({"title": "outer"}),
            ),
            (
                "text: |\n  one\n  two\nafter: x",
                json!({"text": "one\ntwo", "after": "x"}),
            ),
            ("text: >-\n  one\n  two", json!({"text": "one two"})),
            ("text: one\n  two", json!({"text": "one two"})),
            (
                "url: https://a.b/c#d # comment",
                json!({"url": "https://a.b/c#d"}),
            ),
            ("# comment\n\"quoted name\": x", json!({"quoted name": "x"})),
            ("twice: a\ntwice: b", json!({"twice": "a"})),
            ("a: &x 1\nb: *x\nc: !!str 2", json!({})),
            ("open: \"never closed\nnot yaml\n: x\n\"", json!({})),
        ] {
            assert_eq!(fields(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_block_is_no_front_matter() {
        let mut matter = FrontMatter::default();
        let line = "x".repeat(1000);
        let taken = (0..100).map(|_| matter.take(&line));
        assert!(taken.last() == Some(Taken::TooLong));
        assert_eq!(matter.take("..."), Taken::Ended);
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read(text in "[-a-c:#'\"\\\\|>{}\\[\\]&*! \n\t]{0,80}") {
            let mut matter = FrontMatter::default();
            for line in text.lines() {
                matter.take(line);
            }
            matter.fields();
        }
    }
}
