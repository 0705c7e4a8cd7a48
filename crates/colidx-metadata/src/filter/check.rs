//! Whether a filter fits the metadata that it is meant for.

use std::fmt;

use super::error::Fault;
use super::near::near;
use super::{Field, Filter, FilterError, MAX_DEPTH, Value};

/// Most fields that a message lists.
const LISTED: usize = 10;

/// The fields that documents have.
pub trait Schema {
    /// The types of a field; `None` if no document has it. An object that has fields is one itself.
    fn types(&self, path: &str) -> Option<Types>;

    /// All paths that [`types`](Self::types) knows.
    fn paths(&self) -> Vec<&str>;
}

/// Which types of values a field has in any document. It has none where it is only ever null, an
/// empty array or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Types {
    /// Booleans.
    pub bool: bool,
    /// Integers or floats.
    pub number: bool,
    /// Strings.
    pub string: bool,
}

impl Types {
    /// No value, so that nothing can be compared with the wrong type.
    fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn have(self, value: &Value) -> bool {
        match value {
            Value::Bool(_) => self.bool,
            Value::I64(_) | Value::F64(_) => self.number,
            Value::String(_) => self.string,
        }
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.bool, "booleans"),
            (self.number, "numbers"),
            (self.string, "strings"),
        ];
        let names: Vec<&str> = names
            .iter()
            .filter(|(has, _)| *has)
            .map(|(_, name)| *name)
            .collect();
        match names.split_last() {
            None => f.write_str("null"),
            Some((last, [])) => f.write_str(last),
            Some((last, first)) => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}

impl Filter {
    /// Refuses what could only be a slip: a field that no document has, or a value of a type that
    /// its field never has. A filter that passes may still match nothing.
    ///
    /// Where the filter was parsed from a text, [`FilterError::with_text`] lets the message show
    /// the place.
    ///
    /// # Errors
    ///
    /// As said; also NaN, infinities, a range between two types, and a depth over [`MAX_DEPTH`].
    pub fn check(&self, schema: &dyn Schema) -> Result<(), FilterError> {
        self.visit(0, &mut |filter, field| check_test(filter, field, schema))
    }

    pub(super) fn check_depth(&self) -> Result<(), FilterError> {
        self.visit(0, &mut |_, _| Ok(()))
    }

    /// Calls `test` for each test of a field, in their order.
    fn visit(
        &self,
        level: usize,
        test: &mut dyn FnMut(&Filter, &Field) -> Result<(), FilterError>,
    ) -> Result<(), FilterError> {
        let inner = match self {
            Self::And(filters) | Self::Or(filters) => filters.as_slice(),
            Self::Not(filter) => std::slice::from_ref(&**filter),
            Self::Compare(field, ..)
            | Self::Between(field, ..)
            | Self::In(field, _)
            | Self::Like(field, _)
            | Self::IsTrue(field)
            | Self::IsNull(field)
            | Self::Exists(field) => return test(self, field),
        };
        if level == MAX_DEPTH {
            return Err(FilterError::nowhere(Fault::TooDeep { limit: MAX_DEPTH }));
        }
        inner
            .iter()
            .try_for_each(|filter| filter.visit(level + 1, test))
    }
}

fn check_test(filter: &Filter, field: &Field, schema: &dyn Schema) -> Result<(), FilterError> {
    let types = schema.types(&field.path);
    let types = types.ok_or_else(|| unknown(field, schema))?;
    check_types(filter, field, types).map_err(|fault| FilterError::at_field(fault, field))
}

fn check_types(filter: &Filter, field: &Field, types: Types) -> Result<(), Fault> {
    let name = || field.described();
    match filter {
        Filter::Compare(_, _, value) => check_value(value, field, types),
        Filter::In(_, values) => {
            let mut values = values.iter();
            values.try_for_each(|value| check_value(value, field, types))
        }
        Filter::Between(_, low, high) => {
            check_value(low, field, types)?;
            check_value(high, field, types)?;
            match one_type(low, high) {
                true => Ok(()),
                false => Err(Fault::MixedRange {
                    field: name(),
                    low: low.described(),
                    high: high.described(),
                }),
            }
        }
        Filter::Like(..) if !types.string && !types.is_empty() => Err(Fault::LikeType {
            field: name(),
            types,
        }),
        Filter::IsTrue(_) if !types.bool && !types.is_empty() => Err(Fault::BareType {
            field: name(),
            types,
        }),
        _ => Ok(()),
    }
}

fn check_value(value: &Value, field: &Field, types: Types) -> Result<(), Fault> {
    match value {
        Value::F64(got) if !got.is_finite() => Err(Fault::NotFinite { got: *got }),
        value if types.is_empty() || types.have(value) => Ok(()),
        value => Err(Fault::ValueType {
            field: field.described(),
            types,
            got: value.described(),
        }),
    }
}

fn one_type(a: &Value, b: &Value) -> bool {
    let types = |value: &Value| match value {
        Value::Bool(_) => 0,
        Value::I64(_) | Value::F64(_) => 1,
        Value::String(_) => 2,
    };
    types(a) == types(b)
}

fn unknown(field: &Field, schema: &dyn Schema) -> FilterError {
    let paths = schema.paths();
    let written = |path: &&str| Field::from(*path).described();
    let near: Vec<String> = near(&field.path, paths.iter().copied())
        .iter()
        .map(written)
        .collect();
    let all = match paths.len() {
        0..=LISTED => paths.iter().map(written).collect(),
        _ => Vec::new(),
    };
    let fault = Fault::UnknownField {
        field: field.described(),
        near,
        all,
    };
    FilterError::at_field(fault, field)
}
