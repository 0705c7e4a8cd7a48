//! What can be wrong with a filter, and where.

use std::fmt;
use std::ops::Range;

use super::Types;
use super::excerpt::{excerpt, one_line};
use super::near::DidYouMean;

/// A filter that cannot be read, or that does not fit the metadata it is meant for.
///
/// Its message shows the place: the line of the text with carets under it, or the path in the JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterError {
    fault: Box<Fault>,
    place: Place,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// None that is known.
    Nowhere,
    /// Bytes of a text that is not at hand.
    Span(Range<usize>),
    /// Bytes of a text, and the part of it to show.
    Shown(Range<usize>, String),
    /// A path in JSON, such as `args[1].value`.
    Json(String),
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A string or a name that does not end.
    #[error("the {quote} is never closed; write {quote}{quote} for one within it")]
    UnclosedQuote {
        /// The quote that opens it.
        quote: char,
    },
    /// A character that begins nothing.
    #[error("unexpected character `{got}`{hint}")]
    UnexpectedCharacter {
        /// The character.
        got: char,
        /// What to do, if there is more to say.
        hint: String,
    },
    /// Begins like a number and is none.
    #[error("`{got}` is not a number; {}", instead_of_number(.got))]
    NotANumber {
        /// What stands there.
        got: String,
    },
    /// An integer that is neither an `i64` nor exactly an `f64`.
    #[error(
        "the integer {got} is out of range, expected -9223372036854775808 to 9223372036854775807; \
         with .0 behind it, the nearest float is taken"
    )]
    IntegerOutOfRange {
        /// The digits.
        got: String,
    },
    /// A number beyond `f64`.
    #[error("the number {got} is out of range, expected at most 1.7976931348623157e308")]
    NumberOutOfRange {
        /// The number as it is written.
        got: String,
    },
    /// A NaN or an infinity.
    #[error("{got} is no value to compare with, expected a finite number")]
    NotFinite {
        /// The number.
        got: f64,
    },
    /// Something else belongs here.
    #[error("expected {expected}, got {got}{hint}")]
    Unexpected {
        /// What may stand here.
        expected: String,
        /// What does.
        got: String,
        /// What to do, if there is more to say.
        hint: String,
    },
    /// As many values are needed as there are `?`.
    #[error("expected a value for each of {expected} `?`, got {got}")]
    Parameters {
        /// How many `?` the text has.
        expected: usize,
        /// How many values there are.
        got: usize,
    },
    /// Filters within filters, without end.
    #[error("nested too deep, expected at most {limit} levels of AND, OR, NOT and parentheses")]
    TooDeep {
        /// Most levels allowed.
        limit: usize,
    },
    /// A text that is too long.
    #[error("the filter has {got} bytes, expected at most {limit}")]
    TooLong {
        /// Bytes of the text.
        got: usize,
        /// Most bytes allowed.
        limit: usize,
    },
    /// An `op` that there is not.
    #[error("unknown op `{got}`, expected {expected}{}", DidYouMean(.near))]
    UnknownOp {
        /// The op.
        got: String,
        /// Those that there are.
        expected: String,
        /// The likeliest of them.
        near: Vec<String>,
    },
    /// A key that an op does not have.
    #[error("unknown key, expected {expected}{}", DidYouMean(.near))]
    UnknownKey {
        /// The keys that it has.
        expected: String,
        /// The likeliest of them.
        near: Vec<String>,
    },
    /// A key that an op needs.
    #[error("missing key `{key}`, expected {expected}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// All keys that the op needs.
        expected: String,
    },
    /// A field that no document has.
    #[error("no document has a field {field}{}", others(.near, .all))]
    UnknownField {
        /// The field as SQL writes it.
        field: String,
        /// Fields with nearly this name, likeliest first.
        near: Vec<String>,
        /// All fields, if they are few.
        all: Vec<String>,
    },
    /// A value of a type that the field never has.
    #[error("field {field} has only {types}, got {got} to compare it with")]
    ValueType {
        /// The field as SQL writes it.
        field: String,
        /// The types that it has.
        types: Types,
        /// The value, behind its type.
        got: String,
    },
    /// `LIKE` on a field without strings.
    #[error("LIKE expects a field with strings, {field} has only {types}")]
    LikeType {
        /// The field as SQL writes it.
        field: String,
        /// The types that it has.
        types: Types,
    },
    /// A field without booleans that stands alone.
    #[error(
        "a field alone is a filter if it has booleans, {field} has only {types}; \
         compare it with a value"
    )]
    BareType {
        /// The field as SQL writes it.
        field: String,
        /// The types that it has.
        types: Types,
    },
    /// A range from a value of one type to one of another.
    #[error("BETWEEN expects two values of one type for field {field}, got {low} and {high}")]
    MixedRange {
        /// The field as SQL writes it.
        field: String,
        /// The lower end.
        low: String,
        /// The upper end.
        high: String,
    },
}

impl FilterError {
    pub(super) fn at(fault: Fault, span: Range<usize>) -> Self {
        Self::placed(fault, Place::Span(span))
    }

    pub(super) fn at_json(fault: Fault, path: &str) -> Self {
        Self::placed(fault, Place::Json(path.into()))
    }

    pub(super) fn at_field(fault: Fault, field: &super::Field) -> Self {
        let place = field.span.clone().map_or(Place::Nowhere, Place::Span);
        Self::placed(fault, place)
    }

    pub(super) fn nowhere(fault: Fault) -> Self {
        Self::placed(fault, Place::Nowhere)
    }

    fn placed(fault: Fault, place: Place) -> Self {
        let fault = Box::new(fault);
        Self { fault, place }
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The bytes of the filter's text where it is wrong, if it was written as text.
    pub fn span(&self) -> Option<Range<usize>> {
        match &self.place {
            Place::Span(span) | Place::Shown(span, _) => Some(span.clone()),
            Place::Nowhere | Place::Json(_) => None,
        }
    }

    /// The path in the JSON where it is wrong, such as `args[1].value`, if it was written as JSON;
    /// empty for the whole.
    pub fn json_path(&self) -> Option<&str> {
        match &self.place {
            Place::Json(path) => Some(path),
            _ => None,
        }
    }

    /// The same error with the text that the filter was parsed from, so that the message shows the
    /// place. Errors of parsing have it already; those of [`check`](super::Filter::check) do not.
    #[must_use]
    pub fn with_text(self, text: &str) -> Self {
        match self.span() {
            Some(span) => {
                let shown = excerpt(text, &span);
                Self::placed(*self.fault, Place::Shown(span, shown))
            }
            None => self,
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault.to_string();
        let fault = &one_line(&fault);
        match &self.place {
            Place::Json(path) if !path.is_empty() => {
                write!(f, "{}: {fault}", one_line(path))
            }
            Place::Shown(_, shown) => write!(f, "{fault}\n{shown}"),
            _ => f.write_str(fault),
        }
    }
}

impl std::error::Error for FilterError {}

fn others(near: &[String], all: &[String]) -> String {
    match (near, all) {
        ([], []) => String::new(),
        ([], all) => format!("; the fields are {}", all.join(", ")),
        (near, _) => DidYouMean(near).to_string(),
    }
}

fn instead_of_number(got: &str) -> &'static str {
    match got.contains(|c: char| c.is_ascii_digit()) {
        true => "strings, dates too, stand in single quotes",
        false => "a name with other characters than letters, digits and _ stands in double quotes",
    }
}
