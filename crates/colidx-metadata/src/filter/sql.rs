//! Filters in the language of SQL's `WHERE`.
//!
//! ```text
//! or      = and {OR and}
//! and     = not {AND not}
//! not     = NOT not | "(" or ")" | test
//! test    = field compare value | value compare field
//!         | field [NOT] BETWEEN value AND value
//!         | field [NOT] IN "(" [value {"," value}] ")"
//!         | field [NOT] LIKE string
//!         | field [NOT] EXISTS
//!         | field IS [NOT] NULL
//!         | field | TRUE | FALSE
//! compare = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! value   = number | string | TRUE | FALSE | "?"
//! field   = name {"." name}
//! ```

mod errors;

use std::mem;
use std::ops::Range;
use std::str::FromStr;

use super::error::Fault;
use super::lexer::{Keyword, Lexer, Token};
use super::{Comparison, Field, Filter, FilterError, MAX_DEPTH, MAX_TEXT_BYTES, Value};

impl Filter {
    /// Reads a filter written as SQL's `WHERE`.
    ///
    /// ```
    /// use colidx_metadata::Filter;
    ///
    /// let filter = Filter::parse("year >= 2019 AND author.name LIKE 'Kn%'")?;
    /// let year = Filter::field("year").ge(2019);
    /// assert_eq!(filter, year.and(Filter::field("author.name").like("Kn%")));
    /// # Ok::<(), colidx_metadata::FilterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text is not a filter, longer than [`MAX_TEXT_BYTES`] or nested deeper than
    /// [`MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_with(text, &[])
    }

    /// Reads a filter with a `?` in place of each of some values, in their order. Nothing in a
    /// value is read as SQL.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and if there are not as many values as `?`.
    pub fn parse_with(text: &str, parameters: &[Value]) -> Result<Self, FilterError> {
        if text.len() > MAX_TEXT_BYTES {
            let (got, limit) = (text.len(), MAX_TEXT_BYTES);
            return Err(FilterError::nowhere(Fault::TooLong { got, limit }));
        }
        let parsed = Parser::new(text, parameters).and_then(Parser::whole);
        parsed.map_err(|error| error.with_text(text))
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

/// Keywords that may follow a field, with NOT before them.
const TESTS: &[Keyword] = &[
    Keyword::Between,
    Keyword::In,
    Keyword::Like,
    Keyword::Exists,
];

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The next token.
    token: Token,
    span: Range<usize>,
    parameters: &'t [Value],
    /// How many of them are taken.
    taken: usize,
    /// Parentheses and NOTs around the next token.
    level: usize,
    /// The token before is a field that stands alone, unless a comparison follows.
    after_field: bool,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, parameters: &'t [Value]) -> Result<Self, FilterError> {
        let mut lexer = Lexer::new(text);
        let (token, span) = lexer.next()?;
        Ok(Self {
            text,
            lexer,
            token,
            span,
            parameters,
            taken: 0,
            level: 0,
            after_field: false,
        })
    }

    fn whole(mut self) -> Result<Filter, FilterError> {
        let filter = self.or()?;
        if self.token != Token::End {
            return Err(self.not_continued("the end"));
        }
        if self.taken < self.parameters.len() {
            return Err(self.parameters_differ(self.taken));
        }
        filter.check_depth()?;
        Ok(filter)
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        let mut filters = vec![self.and()?];
        while self.take(Keyword::Or)? {
            filters.push(self.and()?);
        }
        Ok(Filter::any(filters))
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut filters = vec![self.not()?];
        while self.take(Keyword::And)? {
            filters.push(self.not()?);
        }
        Ok(Filter::all(filters))
    }

    fn not(&mut self) -> Result<Filter, FilterError> {
        match self.token {
            Token::Keyword(Keyword::Not) => self.nested(|parser| Ok(parser.not()?.not())),
            Token::Open => self.nested(|parser| {
                let filter = parser.or()?;
                match parser.token {
                    Token::Close => parser.advance()?,
                    _ => return Err(parser.not_continued("`)`")),
                };
                Ok(filter)
            }),
            _ => self.test(),
        }
    }

    /// What stands behind the next token, one level deeper.
    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Filter, FilterError>,
    ) -> Result<Filter, FilterError> {
        if self.level == MAX_DEPTH {
            let fault = Fault::TooDeep { limit: MAX_DEPTH };
            return Err(FilterError::at(fault, self.span.clone()));
        }
        self.level += 1;
        self.advance()?;
        let filter = read(self)?;
        self.level -= 1;
        Ok(filter)
    }

    fn test(&mut self) -> Result<Filter, FilterError> {
        if matches!(self.token, Token::Name { .. }) {
            let field = self.field()?;
            return self.test_of(field);
        }
        if !self.at_value() {
            let hint = match self.token {
                Token::Keyword(Keyword::Exists) => "; write the field before EXISTS",
                Token::Keyword(_) => "; a field of this name stands in double quotes",
                _ => "",
            };
            return Err(self.unexpected("a field, NOT or `(`", hint.into()));
        }
        let is_literal = matches!(self.token, Token::Keyword(_));
        match (self.value()?, &self.token) {
            (value, Token::Comparison(comparison)) => {
                let comparison = turned(*comparison);
                self.advance()?;
                Ok(self.field()?.compare(comparison, value))
            }
            (Value::Bool(true), _) if is_literal => Ok(Filter::And(Vec::new())),
            (Value::Bool(false), _) if is_literal => Ok(Filter::Or(Vec::new())),
            _ => Err(self.unexpected("a comparison with a field", String::new())),
        }
    }

    /// A test of a field that has been read.
    fn test_of(&mut self, field: Field) -> Result<Filter, FilterError> {
        if let Token::Comparison(comparison) = self.token {
            self.advance()?;
            return Ok(field.compare(comparison, self.value()?));
        }
        if self.take(Keyword::Is)? {
            let negated = self.take(Keyword::Not)?;
            self.expect(Keyword::Null)?;
            return Ok(negated_if(negated, field.is_null()));
        }
        let negated = self.take(Keyword::Not)?;
        let filter = if self.take(Keyword::Between)? {
            let low = self.value()?;
            self.expect(Keyword::And)?;
            field.between(low, self.value()?)
        } else if self.take(Keyword::In)? {
            field.is_in(self.list()?)
        } else if self.take(Keyword::Like)? {
            field.like(self.pattern()?)
        } else if self.take(Keyword::Exists)? {
            field.exists()
        } else if negated {
            return Err(self.keyword_expected(TESTS));
        } else {
            self.after_field = true;
            field.is_true()
        };
        Ok(negated_if(negated, filter))
    }

    fn field(&mut self) -> Result<Field, FilterError> {
        if !matches!(self.token, Token::Name { .. }) {
            let hint = String::new();
            return Err(self.unexpected("a field on one side of the comparison", hint));
        }
        let span = Some(self.span.clone());
        match self.advance()? {
            Token::Name { path, .. } => Ok(Field { path, span }),
            _ => Err(self.unexpected("a field", String::new())),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, FilterError> {
        if self.token != Token::Open {
            return Err(self.unexpected("`(` and a list of values", String::new()));
        }
        self.advance()?;
        let mut values = Vec::new();
        while self.token != Token::Close {
            values.push(self.value()?);
            match self.token {
                Token::Close => break,
                Token::Comma => self.advance()?,
                _ => return Err(self.unexpected("`,` or `)`", String::new())),
            };
            if self.token == Token::Close {
                return Err(self.no_value());
            }
        }
        self.advance()?;
        Ok(values)
    }

    fn pattern(&mut self) -> Result<String, FilterError> {
        let span = self.span.clone();
        match self.value()? {
            Value::String(pattern) => Ok(pattern),
            value => {
                let got = value.described();
                Err(errors::unexpected("a string", got, String::new(), span))
            }
        }
    }

    fn at_value(&self) -> bool {
        matches!(
            self.token,
            Token::Value(_)
                | Token::Parameter
                | Token::Keyword(Keyword::True)
                | Token::Keyword(Keyword::False)
        )
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        if !self.at_value() {
            return Err(self.no_value());
        }
        if self.token == Token::Parameter {
            let value = self.parameter()?;
            self.advance()?;
            return Ok(value);
        }
        Ok(match self.advance()? {
            Token::Value(value) => value,
            token => Value::Bool(token == Token::Keyword(Keyword::True)),
        })
    }

    fn parameter(&mut self) -> Result<Value, FilterError> {
        match self.parameters.get(self.taken) {
            None => {
                let rest = std::iter::from_fn(|| match self.lexer.next() {
                    Ok((Token::End, _)) | Err(_) => None,
                    Ok((token, _)) => Some(token),
                });
                let more = rest.filter(|token| *token == Token::Parameter).count();
                Err(self.parameters_differ(self.taken + 1 + more))
            }
            Some(&Value::F64(got)) if !got.is_finite() => {
                Err(FilterError::at(Fault::NotFinite { got }, self.span.clone()))
            }
            Some(value) => {
                self.taken += 1;
                Ok(value.clone())
            }
        }
    }

    /// Gives the token, and reads the one behind it.
    fn advance(&mut self) -> Result<Token, FilterError> {
        let (token, span) = self.lexer.next()?;
        self.span = span;
        self.after_field = false;
        Ok(mem::replace(&mut self.token, token))
    }

    fn take(&mut self, keyword: Keyword) -> Result<bool, FilterError> {
        let is_there = self.token == Token::Keyword(keyword);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn expect(&mut self, keyword: Keyword) -> Result<(), FilterError> {
        match self.take(keyword)? {
            true => Ok(()),
            false => Err(self.keyword_expected(&[keyword])),
        }
    }
}

fn negated_if(negated: bool, filter: Filter) -> Filter {
    if negated { filter.not() } else { filter }
}

/// The comparison that holds with both sides exchanged.
fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Lt => Comparison::Gt,
        Comparison::Le => Comparison::Ge,
        Comparison::Gt => Comparison::Lt,
        Comparison::Ge => Comparison::Le,
        same => same,
    }
}
