//! The text that stands for a document: title and text together, and the way back from a place in
//! it.

use std::borrow::Cow;
use std::ops::Range;

use colidx_core::{NewDocument, SourceDocument};

/// What a checkpoint encodes for a document: its title, a space and its text, both trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText<'a> {
    whole: Cow<'a, str>,
    /// Bytes of the title in `whole`, and bytes of white space before it in the title as given.
    title: (usize, usize),
    /// Where the text begins in `whole`, and bytes of white space before it in the text as given.
    text: (usize, usize),
}

/// A part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The title.
    Title,
    /// The text.
    Text,
}

impl Part {
    /// `title` or `text`.
    pub fn name(self) -> &'static str {
        match self {
            Part::Title => "title",
            Part::Text => "text",
        }
    }
}

impl<'d, 'a> From<&'d NewDocument<'a>> for DocumentText<'d> {
    fn from(document: &'d NewDocument<'a>) -> DocumentText<'d> {
        DocumentText::new(document.title, document.text)
    }
}

impl<'d, 'a> From<&'d SourceDocument<'a>> for DocumentText<'d> {
    fn from(document: &'d SourceDocument<'a>) -> DocumentText<'d> {
        DocumentText::new(document.title, document.text)
    }
}

impl<'a> DocumentText<'a> {
    /// Puts title and text together. What has only one of them is not copied.
    pub fn new(title: &'a str, text: &'a str) -> DocumentText<'a> {
        let blank = |part: &str| part.len() - part.trim_start().len();
        let (title_blank, text_blank) = (blank(title), blank(text));
        let (title, text) = (title.trim(), text.trim());
        let whole = match (title, text) {
            ("", text) => Cow::Borrowed(text),
            (title, "") => Cow::Borrowed(title),
            (title, text) => Cow::Owned(format!("{title} {text}")),
        };
        let text_at = whole.len() - text.len();
        DocumentText {
            whole,
            title: (title.len(), title_blank),
            text: (text_at, text_blank),
        }
    }

    /// What to encode.
    pub fn as_str(&self) -> &str {
        &self.whole
    }

    /// Where a span of the whole lies: the part, and bytes of it as given. `None` for an empty
    /// span, which markers have.
    pub fn locate(&self, span: Range<usize>) -> Option<(Part, Range<usize>)> {
        if span.is_empty() || span.end > self.whole.len() {
            return None;
        }
        let ((title_end, title_blank), (text_at, text_blank)) = (self.title, self.text);
        if span.start < title_end {
            let end = span.end.min(title_end);
            return Some((Part::Title, span.start + title_blank..end + title_blank));
        }
        // A token may begin with the space between the two.
        let start = span.start.max(text_at);
        let given = |at: usize| at - text_at + text_blank;
        (start < span.end).then(|| (Part::Text, given(start)..given(span.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_text_are_joined_by_a_space() {
        assert_eq!(
            DocumentText::new("Title ", " some text\n").as_str(),
            "Title some text"
        );
        assert_eq!(DocumentText::new("", "text").as_str(), "text");
        assert_eq!(DocumentText::new("title", " ").as_str(), "title");
        assert_eq!(DocumentText::new("", "").as_str(), "");
    }

    #[test]
    fn spans_lead_back_to_the_parts() {
        let (title, text) = (" A title", "\n the text");
        let document = DocumentText::new(title, text);
        for (start, word) in document.as_str().split(' ').scan(0, |at, word| {
            let start = *at;
            *at += word.len() + 1;
            Some((start, word))
        }) {
            match document.locate(start..start + word.len()) {
                Some((Part::Title, span)) => assert_eq!(&title[span], word),
                Some((Part::Text, span)) => assert_eq!(&text[span], word),
                None => panic!("{word} was lost"),
            }
        }
        assert_eq!(document.locate(7..11), Some((Part::Text, 2..5)));
        assert_eq!(document.locate(0..0), None);
        assert_eq!(document.locate(0..99), None);
        assert_eq!(
            DocumentText::new("", "  ab").locate(0..2),
            Some((Part::Text, 2..4))
        );
    }
}
