//! JSON objects in which no field stands twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::error::LineFault;

/// Parses one JSON object.
pub(crate) fn parse_object(text: &str) -> Result<Map<String, Value>, LineFault> {
    object(parse(text)?)
}

/// An object, and no other value.
pub(crate) fn object(value: Value) -> Result<Map<String, Value>, LineFault> {
    match value {
        Value::Object(object) => Ok(object),
        value => Err(LineFault::NotAnObject {
            got: type_name(&value),
        }),
    }
}

/// Parses one JSON value.
pub(crate) fn parse(text: &str) -> Result<Value, LineFault> {
    let parsed = serde_json::from_str(text);
    let value = parsed.map_err(|error: serde_json::Error| match error.classify() {
        Category::Data => LineFault::RepeatedField {
            reason: reason(&error),
        },
        Category::Eof if text.trim_start().starts_with('[') => LineFault::NotJson {
            column: error.column(),
            reason: "an array that goes on in the next line; `jq -c '.[]'` writes each of its \
                     objects in a line"
                .to_owned(),
        },
        _ => LineFault::NotJson {
            column: error.column(),
            reason: reason(&error),
        },
    });
    value.map(|Distinct(value)| value)
}

/// A JSON value in which no object has a field twice: the only fault that it can have besides its
/// syntax.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Distinct, D::Error> {
        deserializer.deserialize_any(DistinctVisitor).map(Distinct)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                let name: String = name.chars().take(40).collect();
                return Err(A::Error::custom(format_args!(
                    "the field {name:?} appears twice"
                )));
            }
            let Distinct(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction or out of range",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

// serde_json ends its messages with "at line 1 column n"; the line is ours and the column is named
// apart.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message,
    }
}
