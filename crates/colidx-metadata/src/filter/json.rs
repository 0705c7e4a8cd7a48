//! Filters as JSON.

use std::fmt::Display;

use serde_json::{Map, Number, Value as Json, json};

use super::error::Fault;
use super::excerpt::shortened;
use super::near::near;
use super::{Comparison, Field, Filter, FilterError, MAX_DEPTH, Value};

/// Every op and the keys that it needs.
const OPS: &[(&str, &[&str])] = &[
    ("and", &["op", "args"]),
    ("or", &["op", "args"]),
    ("not", &["op", "arg"]),
    ("=", &["op", "field", "value"]),
    ("!=", &["op", "field", "value"]),
    ("<", &["op", "field", "value"]),
    ("<=", &["op", "field", "value"]),
    (">", &["op", "field", "value"]),
    (">=", &["op", "field", "value"]),
    ("between", &["op", "field", "low", "high"]),
    ("in", &["op", "field", "values"]),
    ("like", &["op", "field", "value"]),
    ("is_true", &["op", "field"]),
    ("is_null", &["op", "field"]),
    ("exists", &["op", "field"]),
];

impl Filter {
    /// The filter as JSON, which [`from_json`](Self::from_json) reads as the same. NaN and
    /// infinities become null, which it refuses.
    pub fn to_json(&self) -> Json {
        let all = |filters: &[Filter]| filters.iter().map(Self::to_json).collect::<Vec<_>>();
        match self {
            Self::And(filters) => json!({"op": "and", "args": all(filters)}),
            Self::Or(filters) => json!({"op": "or", "args": all(filters)}),
            Self::Not(filter) => json!({"op": "not", "arg": filter.to_json()}),
            Self::Compare(field, comparison, value) => {
                json!({"op": comparison.symbol(), "field": field.path, "value": value.to_json()})
            }
            Self::Between(field, low, high) => {
                let (low, high) = (low.to_json(), high.to_json());
                json!({"op": "between", "field": field.path, "low": low, "high": high})
            }
            Self::In(field, values) => {
                let values: Vec<Json> = values.iter().map(Value::to_json).collect();
                json!({"op": "in", "field": field.path, "values": values})
            }
            Self::Like(field, pattern) => {
                json!({"op": "like", "field": field.path, "value": pattern})
            }
            Self::IsTrue(field) => json!({"op": "is_true", "field": field.path}),
            Self::IsNull(field) => json!({"op": "is_null", "field": field.path}),
            Self::Exists(field) => json!({"op": "exists", "field": field.path}),
        }
    }

    /// Reads a filter written as JSON.
    ///
    /// ```
    /// use colidx_metadata::Filter;
    ///
    /// let json = serde_json::json!({"op": "in", "field": "tags", "values": ["a", "b"]});
    /// assert_eq!(Filter::from_json(&json)?, Filter::parse("tags IN ('a', 'b')")?);
    /// # Ok::<(), colidx_metadata::FilterError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The JSON is not a filter, or nested deeper than [`MAX_DEPTH`]. Names the path in the JSON.
    pub fn from_json(json: &Json) -> Result<Self, FilterError> {
        let mut reader = Reader::default();
        reader.filter(json)
    }
}

impl Value {
    fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => json!(value),
            Self::I64(value) => json!(value),
            Self::F64(value) => json!(value),
            Self::String(value) => json!(value),
        }
    }
}

/// Where in the JSON it is.
#[derive(Default)]
struct Reader {
    path: String,
    level: usize,
}

type Read<T> = Result<T, FilterError>;

impl Reader {
    fn filter(&mut self, json: &Json) -> Read<Filter> {
        let Json::Object(object) = json else {
            return Err(self.unexpected("an object such as {\"op\": \"=\", ...}", json));
        };
        let op = self.op(object)?;
        Ok(match op {
            "and" => Filter::And(self.list(object, "args", Self::inner)?),
            "or" => Filter::Or(self.list(object, "args", Self::inner)?),
            "not" => Filter::Not(Box::new(self.get(object, "arg", Self::inner)?)),
            op => self.test(op, object)?,
        })
    }

    fn test(&mut self, op: &str, object: &Map<String, Json>) -> Read<Filter> {
        let field = Field::from(&*self.get(object, "field", Self::string)?);
        let comparison = match op {
            "=" => Comparison::Eq,
            "!=" => Comparison::Ne,
            "<" => Comparison::Lt,
            "<=" => Comparison::Le,
            ">" => Comparison::Gt,
            ">=" => Comparison::Ge,
            "between" => {
                let low = self.get(object, "low", Self::value)?;
                return Ok(field.between(low, self.get(object, "high", Self::value)?));
            }
            "in" => return Ok(field.is_in(self.list(object, "values", Self::value)?)),
            "like" => return Ok(field.like(self.get(object, "value", Self::string)?)),
            "is_true" => return Ok(field.is_true()),
            "is_null" => return Ok(field.is_null()),
            _ => return Ok(field.exists()),
        };
        Ok(field.compare(comparison, self.get(object, "value", Self::value)?))
    }

    /// A filter within another.
    fn inner(&mut self, json: &Json) -> Read<Filter> {
        self.level += 1;
        let filter = self.filter(json)?;
        self.level -= 1;
        Ok(filter)
    }

    /// The op of an object that has exactly the keys of it.
    fn op(&mut self, object: &Map<String, Json>) -> Read<&'static str> {
        let Some(op) = object.get("op") else {
            let expected = "an object such as {\"op\": \"=\", ...}".into();
            return Err(self.error(Fault::MissingKey {
                key: "op",
                expected,
            }));
        };
        let (op, keys) = self.at("op", |reader| {
            let got = reader.string(op)?;
            let known = OPS.iter().find(|(op, _)| *op == got);
            known.ok_or_else(|| reader.unknown_op(&got))
        })?;
        if let Some(key) = object.keys().find(|key| !keys.contains(&key.as_str())) {
            let near = near(key, keys.iter().copied());
            let fault = Fault::UnknownKey {
                expected: keys.join(", "),
                near: near.into_iter().map(String::from).collect(),
            };
            return self.at(shortened(key), |reader| Err(reader.error(fault)));
        }
        if let Some(key) = keys.iter().find(|key| !object.contains_key(**key)) {
            let expected = keys.join(", ");
            return Err(self.error(Fault::MissingKey { key, expected }));
        }
        if self.level >= MAX_DEPTH && matches!(*op, "and" | "or" | "not") {
            return Err(self.error(Fault::TooDeep { limit: MAX_DEPTH }));
        }
        Ok(op)
    }

    fn list<T>(
        &mut self,
        object: &Map<String, Json>,
        key: &str,
        read: impl Fn(&mut Self, &Json) -> Read<T>,
    ) -> Read<Vec<T>> {
        self.get(object, key, |reader, json| {
            let Json::Array(array) = json else {
                return Err(reader.unexpected("an array", json));
            };
            let each = array.iter().enumerate();
            each.map(|(at, json)| reader.at(format_args!("[{at}]"), |reader| read(reader, json)))
                .collect()
        })
    }

    /// Reads what a key holds that [`op`](Self::op) has found to be there.
    fn get<T>(
        &mut self,
        object: &Map<String, Json>,
        key: &str,
        read: impl FnOnce(&mut Self, &Json) -> Read<T>,
    ) -> Read<T> {
        self.at(key, |reader| {
            read(reader, object.get(key).unwrap_or(&Json::Null))
        })
    }

    fn string(&mut self, json: &Json) -> Read<String> {
        match json {
            Json::String(string) => Ok(string.clone()),
            _ => Err(self.unexpected("a string", json)),
        }
    }

    fn value(&mut self, json: &Json) -> Read<Value> {
        match json {
            Json::Bool(value) => Ok(Value::Bool(*value)),
            Json::String(value) => Ok(Value::String(value.clone())),
            Json::Number(got) => number(got).map_err(|fault| self.error(fault)),
            _ => {
                let hint = match json {
                    Json::Null => "; the op is_null finds null",
                    Json::Array(_) => "; the op in takes several values",
                    _ => "",
                };
                Err(self.unexpected_hinted("a string, a number or a boolean", json, hint))
            }
        }
    }

    /// Goes one step down for what `read` does.
    fn at<T>(&mut self, step: impl Display, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let length = self.path.len();
        let step = step.to_string();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(&step);
        let read = read(self);
        self.path.truncate(length);
        read
    }

    fn error(&self, fault: Fault) -> FilterError {
        FilterError::at_json(fault, &self.path)
    }

    fn unexpected(&self, expected: &str, got: &Json) -> FilterError {
        self.unexpected_hinted(expected, got, "")
    }

    fn unexpected_hinted(&self, expected: &str, got: &Json, hint: &str) -> FilterError {
        let got = match got {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        };
        self.error(Fault::Unexpected {
            expected: expected.into(),
            got: got.into(),
            hint: hint.into(),
        })
    }

    fn unknown_op(&self, got: &str) -> FilterError {
        let ops = OPS.iter().map(|(op, _)| *op);
        let expected = ops.clone().collect::<Vec<_>>().join(", ");
        let near = near(got, ops).into_iter().map(String::from).collect();
        let got = shortened(got).into();
        self.error(Fault::UnknownOp {
            got,
            expected,
            near,
        })
    }
}

/// An integer beyond `i64` is an `f64` if it is exactly one.
fn number(number: &Number) -> Result<Value, Fault> {
    if let Some(integer) = number.as_i64() {
        return Ok(Value::I64(integer));
    }
    let got = || number.to_string();
    let float = number.as_f64().filter(|float| float.is_finite());
    let float = float.ok_or_else(|| Fault::NumberOutOfRange { got: got() })?;
    match number.as_u64() {
        // As u128, since the largest u64 becomes 2^64, which is none.
        Some(integer) if float as u128 != u128::from(integer) => {
            Err(Fault::IntegerOutOfRange { got: got() })
        }
        _ => Ok(Value::F64(float)),
    }
}
