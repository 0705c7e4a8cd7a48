//! Filters, and the values of metadata that they compare with.

use colidx::{Filter, FilterError, Value};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::error::exception;

/// A value of metadata as Python has it.
#[derive(FromPyObject, IntoPyObject)]
pub enum Fact {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl From<Value> for Fact {
    fn from(value: Value) -> Fact {
        match value {
            Value::Bool(value) => Fact::Bool(value),
            Value::I64(value) => Fact::Integer(value),
            Value::F64(value) => Fact::Float(value),
            Value::String(value) => Fact::Text(value),
            other => Fact::Text(other.to_string()),
        }
    }
}

impl From<Fact> for Value {
    fn from(fact: Fact) -> Value {
        match fact {
            Fact::Bool(value) => Value::Bool(value),
            Fact::Integer(value) => Value::I64(value),
            Fact::Float(value) => Value::F64(value),
            Fact::Text(value) => Value::String(value),
        }
    }
}

/// What [`filter`] expects.
pub const EXPECTED: &str = "a text as behind SQL's WHERE, a pair of such a text and the values of \
                            its ?, or a dict";

/// A filter as text, as text with the values of its `?`, or as what JSON holds; `None` for
/// anything else.
pub fn filter(given: &Bound<'_, PyAny>) -> PyResult<Option<Filter>> {
    let parsed = if let Ok(text) = given.extract::<String>() {
        Filter::parse(&text)
    } else if let Ok((text, values)) = given.extract::<(String, Vec<Fact>)>() {
        let values: Vec<Value> = values.into_iter().map(Value::from).collect();
        Filter::parse_with(&text, &values)
    } else if given.cast::<PyMapping>().is_ok() {
        let json = given.py().import("json")?.call_method1("dumps", (given,))?;
        let json: String = json.extract()?;
        // Python writes NaN and infinities, which JSON does not have.
        match serde_json::from_str(&json) {
            Ok(json) => Filter::from_json(&json),
            Err(error) => return Err(wrong(&error)),
        }
    } else {
        return Ok(None);
    };
    let parsed = parsed.map_err(|error: FilterError| wrong(&error));
    parsed.map(Some)
}

fn wrong(error: &dyn std::fmt::Display) -> PyErr {
    exception("OptionError", format!("filter: {error}"))
}
