//! SQL text to tokens.

use std::ops::Range;

use super::error::Fault;
use super::excerpt::shortened;
use super::path::{is_name_part, is_name_start, push_name};
use super::{Comparison, FilterError, Value};

/// What a text is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// The path of a field; `bare` if it is one name without quotes, which a slip can make of a
    /// keyword.
    Name {
        path: String,
        bare: bool,
    },
    Keyword(Keyword),
    /// A string or a number.
    Value(Value),
    Comparison(Comparison),
    Open,
    Close,
    Comma,
    Parameter,
    End,
}

macro_rules! keywords {
    ($($keyword:ident $text:literal)*) => {
        /// A word with a meaning of its own, in any case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Keyword { $($keyword),* }

        impl Keyword {
            const ALL: &[Self] = &[$(Self::$keyword),*];

            pub(super) fn text(self) -> &'static str {
                match self { $(Self::$keyword => $text),* }
            }
        }
    };
}

keywords! {
    And "AND" Or "OR" Not "NOT" Between "BETWEEN" In "IN" Like "LIKE" Is "IS" Null "NULL"
    Exists "EXISTS" True "TRUE" False "FALSE"
}

impl Keyword {
    pub(super) fn of(word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|keyword| keyword.text().eq_ignore_ascii_case(word))
            .copied()
    }
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and its bytes; at the end, `End` each time.
    pub(super) fn next(&mut self) -> Result<(Token, Range<usize>), FilterError> {
        self.skip(char::is_whitespace);
        let start = self.at;
        let token = self.token()?;
        Ok((token, start..self.at))
    }

    fn token(&mut self) -> Result<Token, FilterError> {
        let Some(c) = self.peek() else {
            return Ok(Token::End);
        };
        let symbol = match c {
            '\'' => return Ok(Token::Value(Value::String(self.quoted(c)?))),
            '0'..='9' | '.' | '+' | '-' => return self.number(),
            c if c == '"' || is_name_start(c) => return self.name(),
            _ => SYMBOLS
                .iter()
                .find(|(text, _)| self.rest().starts_with(text)),
        };
        let Some((text, token)) = symbol else {
            return Err(self.unexpected(c));
        };
        self.at += text.len();
        Ok(token.clone())
    }

    /// A path of names, each in quotes or not.
    fn name(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let (mut path, mut bare) = (String::new(), true);
        loop {
            match self.peek() {
                Some('"') => {
                    push_name(&mut path, &self.quoted('"')?);
                    bare = false;
                }
                Some(c) if is_name_part(c) => path.push_str(self.skip(is_name_part)),
                got => return Err(self.no_name(got)),
            }
            if self.peek() != Some('.') {
                break;
            }
            self.at += 1;
            path.push('.');
            bare = false;
        }
        let keyword = bare.then(|| Keyword::of(&self.text[start..self.at]));
        Ok(match keyword.flatten() {
            Some(keyword) => Token::Keyword(keyword),
            None => Token::Name { path, bare },
        })
    }

    /// What stands between quotes; two of them are one.
    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let open = self.at;
        let mut content = String::new();
        self.at += 1;
        loop {
            let Some(end) = self.rest().find(quote) else {
                return Err(FilterError::at(
                    Fault::UnclosedQuote { quote },
                    open..open + 1,
                ));
            };
            content.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if self.peek() != Some(quote) {
                return Ok(content);
            }
            content.push(quote);
            self.at += 1;
        }
    }

    /// Takes all that could be meant as one word, a date too, so that the message can name it.
    fn number(&mut self) -> Result<Token, FilterError> {
        let start = self.at;
        let text = self.skip(|c| is_name_part(c) || matches!(c, '.' | '+' | '-' | ':'));
        match number(text) {
            Ok(value) => Ok(Token::Value(value)),
            Err(fault) => Err(FilterError::at(fault, start..self.at)),
        }
    }

    fn unexpected(&self, got: char) -> FilterError {
        let hint = match got {
            '&' => "; write AND",
            '|' => "; write OR",
            '!' => "; write NOT, or != for not equal",
            '‘' | '’' | '“' | '”' | '„' | '`' => {
                "; strings stand in 'single quotes', names in \"double quotes\""
            }
            '[' | '{' => "; lists stand in parentheses",
            _ => "; strings and names with such characters stand in quotes",
        };
        let hint = hint.into();
        let fault = Fault::UnexpectedCharacter { got, hint };
        FilterError::at(fault, self.at..self.at + got.len_utf8())
    }

    fn no_name(&self, got: Option<char>) -> FilterError {
        let fault = Fault::Unexpected {
            expected: "a name after `.`".into(),
            got: got.map_or("the end".into(), |c| format!("`{c}`")),
            hint: String::new(),
        };
        FilterError::at(fault, self.at..self.at + got.map_or(0, char::len_utf8))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }
}

/// Longer ones before those that they begin with.
const SYMBOLS: &[(&str, Token)] = &[
    ("==", Token::Comparison(Comparison::Eq)),
    ("=", Token::Comparison(Comparison::Eq)),
    ("!=", Token::Comparison(Comparison::Ne)),
    ("<>", Token::Comparison(Comparison::Ne)),
    ("<=", Token::Comparison(Comparison::Le)),
    ("<", Token::Comparison(Comparison::Lt)),
    (">=", Token::Comparison(Comparison::Ge)),
    (">", Token::Comparison(Comparison::Gt)),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
    ("?", Token::Parameter),
];

/// An integer beyond `i64` is an `f64` if it is exactly one. Rounded, it would equal others.
fn number(text: &str) -> Result<Value, Fault> {
    let got = || shortened(text).into();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_digit = |c: char| c.is_ascii_digit();
    if !unsigned.starts_with(|c| is_digit(c) || c == '.') {
        return Err(Fault::NotANumber { got: got() });
    }
    if let Ok(integer) = text.parse() {
        return Ok(Value::I64(integer));
    }
    let float: f64 = text.parse().map_err(|_| Fault::NotANumber { got: got() })?;
    if !float.is_finite() {
        return Err(Fault::NumberOutOfRange { got: got() });
    }
    let is_integer = unsigned.chars().all(is_digit);
    if is_integer && format!("{:.0}", float.abs()) != unsigned.trim_start_matches('0') {
        return Err(Fault::IntegerOutOfRange { got: got() });
    }
    Ok(Value::F64(float))
}
