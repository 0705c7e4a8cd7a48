//! Judgements in JSON: one object of queries, as pytrec_eval takes them, or objects of one
//! judgement each, one a line or in an array.

use serde_json::{Map, Value};

use super::header::is_iteration;
use super::{Judgements, grade};
use crate::columns::{JUDGED_DOCUMENT, JUDGED_QUERY, RELEVANCE, find, list, normal};
use crate::error::{Field, LineFault};
use crate::json::{object, parse, parse_object, type_name};

/// Takes the lines of a file of JSON.
#[derive(Default)]
pub(super) struct JsonJudgements {
    /// Names of the fields of query, document and relevance, if each line is one judgement.
    fields: Option<[String; 3]>,
    /// What was read of the one object or array, if the file is one.
    whole: String,
}

impl JsonJudgements {
    pub(super) fn take(&mut self, line: &str, out: &mut Judgements) -> Result<(), LineFault> {
        if self.fields.is_none()
            && self.whole.is_empty()
            && let Ok(object) = parse_object(line)
        {
            self.fields = field_names(&object);
            let is_whole = object.is_empty() || object.values().any(Value::is_object);
            if self.fields.is_none() && !is_whole {
                return Err(not_judgements(&object));
            }
        }
        match &self.fields {
            Some(fields) => take_object(&parse_object(line)?, fields, out),
            None => {
                self.whole.push_str(line);
                self.whole.push('\n');
                Ok(())
            }
        }
    }

    /// Ends the file.
    pub(super) fn end(self, out: &mut Judgements) -> Result<(), LineFault> {
        if self.fields.is_some() {
            return Ok(());
        }
        let queries = match parse(&self.whole)? {
            Value::Array(judgements) => return take_array(judgements, out),
            value => object(value)?,
        };
        for (query, judged) in queries {
            let Value::Object(judged) = judged else {
                return Err(LineFault::WrongType {
                    field: query,
                    expected: "an object of documents and their relevance",
                    got: type_name(&judged),
                });
            };
            for (document, relevance) in judged {
                out.judge(&query, &document, number(&relevance)?)?;
            }
        }
        Ok(())
    }
}

/// The names of query, document and relevance, if the object is one judgement.
fn field_names(object: &Map<String, Value>) -> Option<[String; 3]> {
    let names: Vec<String> = object.keys().map(|name| normal(name)).collect();
    let name = |usual| {
        let at = find(&names, usual)?;
        object.keys().nth(at).cloned()
    };
    Some([
        name(JUDGED_QUERY)?,
        name(JUDGED_DOCUMENT)?,
        name(RELEVANCE)?,
    ])
}

fn not_judgements(object: &Map<String, Value>) -> LineFault {
    LineFault::NotJudgements {
        found: list(object.keys().map(String::as_str)),
    }
}

fn take_array(judgements: Vec<Value>, out: &mut Judgements) -> Result<(), LineFault> {
    let mut fields = None;
    for judgement in judgements {
        let judgement = object(judgement)?;
        let fields = match &mut fields {
            Some(fields) => fields,
            none => {
                let names = field_names(&judgement).ok_or_else(|| not_judgements(&judgement))?;
                none.insert(names)
            }
        };
        take_object(&judgement, fields, out)?;
    }
    Ok(())
}

fn take_object(
    object: &Map<String, Value>,
    fields: &[String; 3],
    out: &mut Judgements,
) -> Result<(), LineFault> {
    let field = |name: &String| {
        object.get(name).ok_or_else(|| LineFault::MissingField {
            field: name.clone(),
            role: Field::Judgement,
            found: list(object.keys().map(String::as_str)),
        })
    };
    let [query, document, relevance] = fields;
    let keys = [key(query, field(query)?)?, key(document, field(document)?)?];
    out.judge(&keys[0], &keys[1], number(field(relevance)?)?)?;
    let unused = object
        .keys()
        .filter(|name| !fields.contains(name) && !is_iteration(&normal(name)));
    for name in unused {
        if !out.unused.contains(name) {
            out.unused.insert(name.clone());
        }
    }
    Ok(())
}

fn key(field: &str, value: &Value) -> Result<String, LineFault> {
    match value {
        Value::String(key) => Ok(key.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(LineFault::WrongType {
            field: field.to_owned(),
            expected: "a string or an integer",
            got: type_name(other),
        }),
    }
}

fn number(value: &Value) -> Result<f64, LineFault> {
    match value {
        Value::String(text) => grade(text),
        other => grade(&other.to_string()),
    }
}
