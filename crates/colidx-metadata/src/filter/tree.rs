//! The syntax tree of filters.

use std::ops::Range;

/// Which documents are wanted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// All of these hold; true where there are none.
    And(Vec<Filter>),
    /// Any of these holds; false where there are none.
    Or(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A value of the field compares so with this one.
    Compare(Field, Comparison, Value),
    /// A value of the field lies between these, ends included.
    Between(Field, Value, Value),
    /// A value of the field is one of these.
    In(Field, Vec<Value>),
    /// A string of the field matches this pattern: `%` stands for any characters, `_` for one, and
    /// `\` before one of these three for itself.
    Like(Field, String),
    /// The field is there and true.
    IsTrue(Field),
    /// The field is missing or null; an empty array is neither.
    IsNull(Field),
    /// The field is there, if only as null or as an empty array.
    Exists(Field),
}

impl Filter {
    /// That a value of the field at `path` is `value`.
    pub fn equals(path: &str, value: Value) -> Filter {
        Filter::Compare(path.into(), Comparison::Eq, value)
    }
}

/// How a field's value compares with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// A value that a field is compared with.
///
/// Integers and floats compare with each other as the numbers that they are, and strings by their
/// bytes, so that dates of ISO 8601 compare as dates do. Other types do not compare.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer.
    I64(i64),
    /// A number that is not NaN.
    F64(f64),
    /// A string.
    String(String),
}

/// A field by its path: the name of a field of the metadata, or of a nested object's field behind
/// the object's name and a dot.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Field {
    /// The path.
    pub path: String,
    /// The bytes of the filter's text where it stands, for messages; `None` where there is no text.
    pub span: Option<Range<usize>>,
}

/// Where a field was written is not a part of what it means.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl From<&str> for Field {
    fn from(path: &str) -> Self {
        Self {
            path: path.into(),
            span: None,
        }
    }
}
