//! Errors of parsing SQL: what may stand where something else does.

use std::ops::Range;

use super::{Parser, TESTS};
use crate::filter::FilterError;
use crate::filter::error::Fault;
use crate::filter::excerpt::shortened;
use crate::filter::lexer::{Keyword, Token};
use crate::filter::near::{DidYouMean, near};

/// Errors at the next token.
impl Parser<'_> {
    pub(super) fn unexpected(&self, expected: &str, hint: String) -> FilterError {
        let got = match &self.text[self.span.clone()] {
            "" => "the end".into(),
            source => format!("`{}`", shortened(source)),
        };
        unexpected(expected, got, hint, self.span.clone())
    }

    pub(super) fn keyword_expected(&self, keywords: &[Keyword]) -> FilterError {
        let names: Vec<&str> = keywords.iter().map(|keyword| keyword.text()).collect();
        let expected = match names.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            _ => names.concat(),
        };
        self.unexpected(&expected, self.misspelt(keywords))
    }

    /// A filter is complete, but something else than AND and OR follows.
    pub(super) fn not_continued(&self, end: &str) -> FilterError {
        let mut keywords = vec![Keyword::And, Keyword::Or];
        let mut expected = format!("AND, OR or {end}");
        if self.after_field {
            keywords.extend([Keyword::Is, Keyword::Not]);
            keywords.extend(TESTS);
            expected = format!("a comparison, AND, OR or {end}");
        }
        let hint = match self.token {
            Token::Comparison(_) => "; join two comparisons with AND".into(),
            _ => self.misspelt(&keywords),
        };
        self.unexpected(&expected, hint)
    }

    pub(super) fn no_value(&self) -> FilterError {
        let source = shortened(&self.text[self.span.clone()]);
        let hint = match &self.token {
            Token::Keyword(Keyword::Null) => "; write IS NULL or IS NOT NULL".into(),
            Token::Name { bare: true, path } => {
                match self.misspelt(&[Keyword::True, Keyword::False]) {
                    hint if hint.is_empty() => {
                        format!("; strings stand in single quotes: '{}'", shortened(path))
                    }
                    hint => hint,
                }
            }
            Token::Name { .. } => {
                let inner = source.trim_matches('"');
                format!("; strings stand in single quotes: '{inner}'")
            }
            _ => String::new(),
        };
        self.unexpected("a value", hint)
    }

    /// Which of the keywords was meant, if the token is nearly one.
    fn misspelt(&self, keywords: &[Keyword]) -> String {
        let Token::Name { path, bare: true } = &self.token else {
            return String::new();
        };
        let found = near(path, keywords.iter().map(|keyword| keyword.text()));
        let found: Vec<String> = found.into_iter().take(1).map(String::from).collect();
        DidYouMean(&found).to_string()
    }

    pub(super) fn parameters_differ(&self, expected: usize) -> FilterError {
        let got = self.parameters.len();
        FilterError::at(Fault::Parameters { expected, got }, self.span.clone())
    }
}

pub(super) fn unexpected(
    expected: &str,
    got: String,
    hint: String,
    span: Range<usize>,
) -> FilterError {
    let expected = expected.into();
    FilterError::at(
        Fault::Unexpected {
            expected,
            got,
            hint,
        },
        span,
    )
}
