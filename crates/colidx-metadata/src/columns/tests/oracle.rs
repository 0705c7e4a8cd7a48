//! A naive evaluator of filters over JSON.

use super::super::{ValueRef, field_path};
use crate::filter::{Comparison, Filter, Value};
use serde_json::Value as Json;
use std::cmp::Ordering;

pub(super) fn holds(filter: &Filter, document: &Json) -> bool {
    let any = |path: &str, holds: &dyn Fn(&Json) -> bool| {
        elements_at(document, path).into_iter().any(holds)
    };
    match filter {
        Filter::And(filters) => filters.iter().all(|f| holds(f, document)),
        Filter::Or(filters) => filters.iter().any(|f| holds(f, document)),
        Filter::Not(filter) => !holds(filter, document),
        Filter::Compare(field, comparison, value) => {
            any(&field.path, &|v| compares(v, *comparison, value))
        }
        Filter::Between(field, from, to) => any(&field.path, &|v| {
            compares(v, Comparison::Ge, from) && compares(v, Comparison::Le, to)
        }),
        Filter::In(field, values) => any(&field.path, &|v| {
            values
                .iter()
                .any(|value| compares(v, Comparison::Eq, value))
        }),
        Filter::Like(field, pattern) => any(&field.path, &|v| {
            let pattern: Vec<char> = pattern.chars().collect();
            v.as_str()
                .is_some_and(|s| like(&pattern, &s.chars().collect::<Vec<_>>()))
        }),
        Filter::IsTrue(field) => any(&field.path, &|v| *v == Json::Bool(true)),
        Filter::IsNull(field) => {
            reached(document, &field.path).is_empty() || any(&field.path, &Json::is_null)
        }
        Filter::Exists(field) => !reached(document, &field.path).is_empty(),
    }
}

/// The documents that have exactly this value in a field.
pub(super) fn having(documents: &[Json], path: &str, value: ValueRef<'_>) -> Vec<u32> {
    let same = |json: &Json| match (json, value) {
        (Json::Bool(a), ValueRef::Bool(b)) => *a == b,
        (Json::Number(a), ValueRef::I64(b)) => a.as_i64() == Some(b),
        (Json::Number(a), ValueRef::F64(b)) => !a.is_i64() && a.as_f64() == Some(b),
        (Json::String(a), ValueRef::String(b)) => a == b,
        _ => false,
    };
    let has = |document: &Json| elements_at(document, path).into_iter().any(same);
    let documents = (0..).zip(documents).filter(|(_, document)| has(document));
    documents.map(|(at, _)| at).collect()
}

/// The values that a path leads to, through arrays. A path is tried against every way through the
/// document, so that nothing here takes it apart.
fn reached<'j>(document: &'j Json, path: &str) -> Vec<&'j Json> {
    let mut all = Vec::new();
    walk(document, &mut Vec::new(), &mut all);
    let at_path = all.into_iter().filter(|(names, _)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        !names.is_empty() && field_path(&names) == path
    });
    at_path.map(|(_, value)| value).collect()
}

fn walk<'j>(json: &'j Json, names: &mut Vec<String>, all: &mut Vec<(Vec<String>, &'j Json)>) {
    all.push((names.clone(), json));
    for element in elements(json) {
        for (name, value) in element.as_object().into_iter().flatten() {
            names.push(name.clone());
            walk(value, names, all);
            names.pop();
        }
    }
}

fn elements(json: &Json) -> Vec<&Json> {
    match json {
        Json::Array(items) => items.iter().flat_map(elements).collect(),
        _ => vec![json],
    }
}

fn elements_at<'j>(document: &'j Json, path: &str) -> Vec<&'j Json> {
    reached(document, path)
        .into_iter()
        .flat_map(elements)
        .collect()
}

fn compares(json: &Json, comparison: Comparison, value: &Value) -> bool {
    let order = match (json, value) {
        (Json::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Json::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Json::Number(a), Value::I64(b)) => match a.as_i64() {
            Some(a) => Some(a.cmp(b)),
            None => Some(with_float(*b, a.as_f64().unwrap()).reverse()),
        },
        (Json::Number(a), Value::F64(b)) => match a.as_i64() {
            Some(a) => Some(with_float(a, *b)),
            None => a.as_f64().unwrap().partial_cmp(b),
        },
        _ => None,
    };
    order.is_some_and(|order| match comparison {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
    })
}

fn with_float(integer: i64, float: f64) -> Ordering {
    match i128::from(integer).cmp(&(float.floor() as i128)) {
        Ordering::Equal if float > float.floor() => Ordering::Less,
        order => order,
    }
}

fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|n| like(rest, &text[n..])),
        ['_', rest @ ..] => !text.is_empty() && like(rest, &text[1..]),
        ['\\', c @ ('%' | '_' | '\\'), rest @ ..] | [c, rest @ ..] => {
            text.first() == Some(c) && like(rest, &text[1..])
        }
    }
}
