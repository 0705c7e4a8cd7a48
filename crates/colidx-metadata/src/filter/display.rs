//! Filters as SQL.

use std::fmt::{self, Display, Formatter};

use super::{Comparison, Field, Filter, Value};

/// How tightly an operator binds.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binds {
    Or,
    And,
    Not,
}

/// SQL that parses to the same filter, with nested `And` and `Or` flattened as the parser does.
impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, Binds::Or)
    }
}

impl Filter {
    /// Writes it as a part of what binds so tightly.
    fn write(&self, f: &mut Formatter<'_>, around: Binds) -> fmt::Result {
        match self {
            Self::And(filters) => chain(f, filters, ("TRUE", " AND "), Binds::And, around),
            Self::Or(filters) => chain(f, filters, ("FALSE", " OR "), Binds::Or, around),
            Self::Not(filter) => filter.write_negated(f),
            _ => self.write_test(f, ""),
        }
    }

    fn write_negated(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(..)
            | Self::In(..)
            | Self::Like(..)
            | Self::IsNull(_)
            | Self::Exists(_) => self.write_test(f, "NOT "),
            _ => {
                f.write_str("NOT ")?;
                self.write(f, Binds::Not)
            }
        }
    }

    /// Writes a test of one field, with `not` where it belongs.
    fn write_test(&self, f: &mut Formatter<'_>, not: &str) -> fmt::Result {
        match self {
            Self::Compare(field, comparison, value) => {
                write!(f, "{field} {} {value}", comparison.symbol())
            }
            Self::Between(field, low, high) => write!(f, "{field} {not}BETWEEN {low} AND {high}"),
            Self::In(field, values) => {
                write!(f, "{field} {not}IN (")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::Like(field, pattern) => write!(f, "{field} {not}LIKE {}", Quoted(pattern)),
            Self::IsTrue(field) => write!(f, "{field}"),
            Self::IsNull(field) => write!(f, "{field} IS {not}NULL"),
            Self::Exists(field) => write!(f, "{field} {not}EXISTS"),
            // These test no field.
            Self::And(_) | Self::Or(_) | Self::Not(_) => self.write(f, Binds::Not),
        }
    }
}

fn chain(
    f: &mut Formatter<'_>,
    filters: &[Filter],
    (none, between): (&str, &str),
    binds: Binds,
    around: Binds,
) -> fmt::Result {
    match filters {
        [] => return f.write_str(none),
        [filter] => return filter.write(f, around),
        _ => {}
    }
    let parentheses = binds < around;
    if parentheses {
        f.write_str("(")?;
    }
    for (at, filter) in filters.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        filter.write(f, binds)?;
    }
    if parentheses {
        f.write_str(")")?;
    }
    Ok(())
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// A literal of SQL. NaN and infinities have none: they are written so that no parser takes them.
impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("TRUE"),
            Self::Bool(false) => f.write_str("FALSE"),
            Self::I64(integer) => integer.fmt(f),
            // With a point or an exponent, so that it stays a float.
            Self::F64(float) => write!(f, "{float:?}"),
            Self::String(string) => Quoted(string).fmt(f),
        }
    }
}

/// A string in single quotes.
struct Quoted<'s>(&'s str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

impl Value {
    /// Its type and itself, for messages.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Bool(_) => format!("the boolean {self}"),
            Self::I64(_) | Self::F64(_) => format!("the number {self}"),
            Self::String(string) => {
                let short = super::excerpt::shortened(string);
                format!("the string {}", Quoted(&short))
            }
        }
    }
}

impl Field {
    /// As SQL writes it, cut where it is long.
    pub(super) fn described(&self) -> String {
        super::excerpt::shortened(&self.to_string()).into()
    }
}
