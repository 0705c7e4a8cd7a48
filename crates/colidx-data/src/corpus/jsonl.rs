//! JSON Lines: one object a line.

use serde_json::{Map, Value};

use super::CorpusOptions;
use super::format::FormatInfo;
use super::records::{FieldNames, Record, RecordParser, RecordReader};
use crate::columns::{KEY, find, list, normal};
use crate::error::{Field, LineFault};
use crate::json::{parse_object, type_name};

pub(super) static FORMAT: FormatInfo = FormatInfo {
    name: "jsonl",
    title: "JSON Lines",
    endings: &["jsonl", "ndjson"],
    shared_endings: &["json"],
    names: &[],
    help: "one JSON object a line, as in {\"_id\": \"1\", \"title\": \"...\", \"text\": \"...\"}",
    open: |file, options| RecordReader::boxed(file, parser(&options.field_names())),
    parser: Some(parser),
};

fn parser(fields: &FieldNames) -> Box<dyn RecordParser> {
    Box::new(JsonParser {
        fields: fields.clone(),
        named: false,
    })
}

struct JsonParser {
    fields: FieldNames,
    /// Whether a record has told what the fields of this file are called.
    named: bool,
}

impl RecordParser for JsonParser {
    fn parse(&mut self, line: &str) -> Result<Option<Record>, LineFault> {
        if line.trim().is_empty() {
            return Ok(None);
        }
        let object = parse_object(line)?;
        if self.named {
            return record(object, &self.fields).map(Some);
        }
        // The first record decides for the whole file. If each did for itself, one without a key
        // would take another of its fields for one.
        let fields = usual_names(&object, &self.fields);
        let record = record(object, &fields)?;
        (self.fields, self.named) = (fields, true);
        Ok(Some(record))
    }
}

/// The names of key and text in files like this record: as given where it has such fields, else
/// the first of the names of the field's collections that it has. A name that the caller chose
/// stays.
fn usual_names(object: &Map<String, Value>, fields: &FieldNames) -> FieldNames {
    let (names, normal_names): (Vec<&String>, Vec<String>) =
        object.keys().map(|name| (name, normal(name))).unzip();
    let usual = |field: &String, default: &str, usual: &[&str]| match find(&normal_names, usual) {
        Some(at) if field == default && !object.contains_key(field) => names[at].clone(),
        _ => field.clone(),
    };
    FieldNames {
        id: usual(&fields.id, CorpusOptions::ID_FIELD, KEY),
        text: usual(&fields.text, CorpusOptions::TEXT_FIELD, fields.text_names()),
        ..fields.clone()
    }
}

/// Makes a record of a JSON object.
fn record(mut object: Map<String, Value>, fields: &FieldNames) -> Result<Record, LineFault> {
    if let Some(field) = &fields.left_out {
        object.remove(field);
    }
    for (field, role, optional) in [
        (&fields.id, Field::Id, false),
        (&fields.text, Field::Text, fields.text_is_optional),
    ] {
        if !optional && !object.contains_key(field) {
            return Err(LineFault::MissingField {
                field: field.clone(),
                role,
                found: list(object.keys().map(String::as_str)),
            });
        }
    }
    let key = match object.remove(&fields.id) {
        Some(Value::String(key)) => key,
        Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
        other => return Err(wrong_type(&fields.id, "a string or an integer", other)),
    };
    if key.trim().is_empty() {
        return Err(LineFault::EmptyKey {
            field: format!("field \"{}\"", fields.id),
        });
    }
    let text = match object.remove(&fields.text) {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) if fields.text_is_optional => String::new(),
        other => return Err(wrong_type(&fields.text, "a string", other)),
    };
    let title = match &fields.title {
        None => String::new(),
        Some(field) => match object.remove(field) {
            Some(Value::String(title)) => title,
            None | Some(Value::Null) => String::new(),
            other => return Err(wrong_type(field, "a string", other)),
        },
    };
    Ok(Record {
        key,
        title,
        text,
        metadata: object,
    })
}

fn wrong_type(field: &str, expected: &'static str, got: Option<Value>) -> LineFault {
    let got = got.as_ref().map_or("nothing", type_name);
    LineFault::WrongType {
        field: field.to_owned(),
        expected,
        got,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> FieldNames {
        FieldNames {
            id: "_id".into(),
            title: Some("title".into()),
            text: "text".into(),
            text_is_optional: false,
            left_out: None,
        }
    }

    fn parse_json(line: &str, fields: &FieldNames) -> Result<Record, LineFault> {
        let record = parser(fields).parse(line)?;
        Ok(record.expect("every line holds a record"))
    }

    fn json(line: &str) -> Result<Record, LineFault> {
        parse_json(line, &fields())
    }

    #[test]
    fn the_first_record_tells_the_names_of_a_file() {
        let mut parser = parser(&fields());
        let mut parse = |line: &str| parser.parse(line);
        // A record that cannot be read decides nothing.
        assert!(parse(r#"{"uid": "0"}"#).is_err());
        for (line, key) in [
            (r#"{"id": 1, "contents": "x", "Doc-ID": "a"}"#, "1"),
            (r#"{"id": "2", "contents": "x", "_id": "b"}"#, "2"),
        ] {
            let record = parse(line).unwrap().unwrap();
            assert_eq!((&*record.key, &*record.text), (key, "x"));
            assert_eq!(record.metadata.len(), 1, "{line}");
        }
        for line in [
            r#"{"Doc-ID": "3", "contents": "x"}"#,
            r#"{"id": "3", "text": "x"}"#,
        ] {
            let fault = parse(line).unwrap_err();
            assert!(matches!(fault, LineFault::MissingField { .. }), "{line}");
        }
    }

    #[test]
    fn a_name_that_was_chosen_is_not_replaced() {
        let fields = FieldNames {
            id: "docno".into(),
            ..fields()
        };
        let line = r#"{"id": "1", "text": "x"}"#;
        assert!(matches!(
            parse_json(line, &fields),
            Err(LineFault::MissingField { .. })
        ));
    }

    #[test]
    fn beir_lines() {
        let record =
            json(r#"{"_id": "a 1", "title": "T", "text": "x\ny", "metadata": {}, "year": 1999}"#)
                .unwrap();
        assert_eq!(
            (
                record.key.as_str(),
                record.title.as_str(),
                record.text.as_str()
            ),
            ("a 1", "T", "x\ny")
        );
        assert_eq!(
            Value::Object(record.metadata),
            serde_json::json!({"metadata": {}, "year": 1999})
        );
        let record = json(r#"{"_id": 18446744073709551615, "title": null, "text": ""}"#).unwrap();
        assert_eq!(
            (record.key.as_str(), record.title.as_str()),
            ("18446744073709551615", "")
        );
        assert_eq!(json(r#"{"_id": -7, "text": ""}"#).unwrap().key, "-7");
    }

    #[test]
    fn other_field_names() {
        let fields = FieldNames {
            id: "docid".into(),
            title: Some("name".into()),
            text: "contents".into(),
            ..fields()
        };
        let record = parse_json(
            r#"{"docid": "1", "name": "n", "contents": "c", "text": 5}"#,
            &fields,
        )
        .unwrap();
        assert_eq!((record.title.as_str(), record.text.as_str()), ("n", "c"));
        assert_eq!(record.metadata["text"], 5);
    }

    #[test]
    fn text_beside_vectors_may_be_missing_and_vectors_are_no_metadata() {
        let fields = FieldNames {
            text_is_optional: true,
            left_out: Some("vectors".into()),
            ..fields()
        };
        for line in [
            r#"{"_id": "1", "vectors": [[1, 2]], "page": 3}"#,
            r#"{"_id": "1", "text": null, "page": 3}"#,
        ] {
            let record = parse_json(line, &fields).unwrap();
            assert_eq!((&*record.key, &*record.text), ("1", ""));
            assert_eq!(
                Value::Object(record.metadata),
                serde_json::json!({"page": 3})
            );
        }
        assert!(parse_json(r#"{"_id": "1", "text": 5}"#, &fields).is_err());
        assert!(parse_json(r#"{"text": "5"}"#, &fields).is_err());
    }

    #[test]
    fn bad_json_is_told_apart() {
        assert!(matches!(
            json("{\"_id\": 1"),
            Err(LineFault::NotJson { column: 9, .. })
        ));
        assert!(matches!(json("nonsense"), Err(LineFault::NotJson { .. })));
        assert!(matches!(
            json(r#"{"_id": "1", "text": ""} x"#),
            Err(LineFault::NotJson { .. })
        ));
        assert_eq!(json("[1]"), Err(LineFault::NotAnObject { got: "an array" }));
        assert_eq!(json("null"), Err(LineFault::NotAnObject { got: "null" }));
        let deep = "[".repeat(100_000);
        assert!(matches!(json(&deep), Err(LineFault::NotJson { .. })));
    }

    #[test]
    fn a_field_that_appears_twice_is_refused_at_any_depth() {
        for line in [
            r#"{"_id": "1", "text": "a", "text": "b"}"#,
            r#"{"_id": "1", "text": "a", "\u0074ext": "a"}"#,
            r#"{"_id": "1", "text": "a", "m": [{"x": 1, "text": {}, "text": 2}]}"#,
        ] {
            let error = json(line).unwrap_err();
            assert!(
                matches!(error, LineFault::RepeatedField { .. }),
                "{error:?}"
            );
            assert!(
                error
                    .to_string()
                    .starts_with("the field \"text\" appears twice;"),
                "{error}"
            );
        }
        let apart = r#"{"_id": "1", "text": "a", "m": {"text": [1, 2.5, null, true, "x"]}}"#;
        assert_eq!(
            Value::Object(json(apart).unwrap().metadata),
            serde_json::json!({"m": {"text": [1, 2.5, null, true, "x"]}})
        );
    }

    #[test]
    fn missing_and_wrong_fields_name_themselves() {
        let error = json(r#"{"nr": "1", "contents": "x"}"#)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"_id\"") && error.contains("\"contents\""),
            "{error}"
        );
        let error = json(r#"{"_id": "1", "words": "x"}"#)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"text\"") && error.contains("holds the text"),
            "{error}"
        );
        assert!(json("{}").unwrap_err().to_string().contains("no fields"));
        for (line, field) in [
            (r#"{"_id": 1.5, "text": ""}"#, "_id"),
            (r#"{"_id": null, "text": ""}"#, "_id"),
            (r#"{"_id": 1e30, "text": ""}"#, "_id"),
            (r#"{"_id": "1", "text": null}"#, "text"),
            (r#"{"_id": "1", "text": ["a"]}"#, "text"),
            (r#"{"_id": "1", "text": "", "title": 3}"#, "title"),
        ] {
            match json(line) {
                Err(LineFault::WrongType { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(matches!(
            json(r#"{"_id": " ", "text": ""}"#),
            Err(LineFault::EmptyKey { .. })
        ));
    }

    #[test]
    fn one_name_for_two_fields_is_an_error_not_a_panic() {
        let fields = FieldNames {
            id: "x".into(),
            title: Some("x".into()),
            text: "x".into(),
            ..fields()
        };
        assert!(matches!(
            parse_json(r#"{"x": "1"}"#, &fields),
            Err(LineFault::WrongType { .. })
        ));
    }
}
