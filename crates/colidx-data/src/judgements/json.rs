//! Judgements in JSON: one object of queries, as pytrec_eval takes them, or one object a line.

use serde_json::{Map, Value};

use super::header::is_iteration;
use super::{Judgements, grade};
use crate::columns::{JUDGED_DOCUMENT, JUDGED_QUERY, RELEVANCE, find, list, normal};
use crate::error::{Field, LineFault};
use crate::json::{parse_object, type_name};

/// Takes the lines of a file of JSON.
#[derive(Default)]
pub(super) struct JsonJudgements {
    /// Names of the fields of query, document and relevance, if each line is one judgement.
    fields: Option<[String; 3]>,
    /// What was read of the one object, if the file is one.
    whole: String,
}

impl JsonJudgements {
    pub(super) fn take(&mut self, line: &str, out: &mut Judgements) -> Result<(), LineFault> {
        if self.fields.is_none() && self.whole.is_empty() {
            self.fields = parse_object(line)
                .ok()
                .and_then(|object| field_names(&object));
        }
        match &self.fields {
            Some(fields) => take_object(line, fields, out),
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
        for (query, judged) in parse_object(&self.whole)? {
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

fn take_object(line: &str, fields: &[String; 3], out: &mut Judgements) -> Result<(), LineFault> {
    let object = parse_object(line)?;
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
