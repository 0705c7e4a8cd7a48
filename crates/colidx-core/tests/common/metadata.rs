//! Metadata of documents, and filters over them, evaluated plainly.

use super::Random;
use colidx_core::filter::{Comparison, Field, Filter};
use colidx_core::*;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const NAMES: [&str; 6] = ["n", "s", "o", "t", "a.b", "in"];
const PATHS: [&str; 9] = ["n", "s", "o", "t", "a\\.b", "in", "o.p", "t.p", "o.p.p"];
const STRINGS: [&str; 6] = ["", "a", "ab", "b", "bab", "é"];

/// The metadata of something: empty, or of fields that are of any type.
pub fn of(number: u64) -> &'static str {
    static POOL: LazyLock<Vec<String>> = LazyLock::new(|| (0..96).map(made).collect());
    &POOL[(number % POOL.len() as u64) as usize]
}

fn made(seed: u64) -> String {
    let mut random = Random(seed);
    if seed.is_multiple_of(12) {
        return String::new();
    }
    let names = NAMES.iter().filter(|_| random.below(2) > 0);
    let names: Vec<&&str> = names.collect();
    let field = |name: &&str| (name.to_string(), value(&mut random, 3));
    Json::Object(names.into_iter().map(field).collect()).to_string()
}

fn value(random: &mut Random, deep: usize) -> Json {
    match random.below(if deep > 0 { 11 } else { 8 }) {
        0 => Json::Null,
        1 => json!(random.below(2) == 0),
        2 | 3 => json!(random.below(5) as i64 - 2),
        4 => json!(random.below(5) as f64 / 2.0),
        5 => json!([i64::MIN, i64::MAX][random.below(2)]),
        6 | 7 => json!(STRINGS[random.below(STRINGS.len())]),
        8 | 9 => (0..random.below(4))
            .map(|_| value(random, deep - 1))
            .collect(),
        _ => {
            let names = ["p", "q"].iter().take(random.below(3));
            let fields = names.map(|name| (name.to_string(), value(random, deep - 1)));
            Json::Object(fields.collect::<Map<_, _>>())
        }
    }
}

/// A filter of a few tests.
pub fn filter(random: &mut Random, deep: usize) -> Filter {
    let some = |random: &mut Random| {
        (0..1 + random.below(3))
            .map(|_| filter(random, deep - 1))
            .collect()
    };
    match random.below(if deep > 0 { 4 } else { 1 }) {
        0 => test(random),
        1 => Filter::And(some(random)),
        2 => Filter::Or(some(random)),
        _ => Filter::Not(Box::new(filter(random, deep - 1))),
    }
}

fn test(random: &mut Random) -> Filter {
    use Comparison::*;
    let field = Field::from(PATHS[random.below(PATHS.len())]);
    let number = |random: &mut Random| match random.below(3) {
        0 => Value::F64(random.below(5) as f64 / 2.0),
        _ => Value::I64(random.below(5) as i64 - 2),
    };
    let string = |random: &mut Random| Value::String(STRINGS[random.below(STRINGS.len())].into());
    let value = |random: &mut Random| match random.below(5) {
        0 => Value::Bool(random.below(2) == 0),
        1 | 2 => number(random),
        _ => string(random),
    };
    match random.below(9) {
        0..3 => {
            let comparison = [Eq, Ne, Lt, Le, Gt, Ge][random.below(6)];
            Filter::Compare(field, comparison, value(random))
        }
        3 => Filter::Between(field, number(random), number(random)),
        4 => Filter::In(field, (0..random.below(4)).map(|_| value(random)).collect()),
        5 => Filter::Like(field, ["a%", "%b", "_", "%"][random.below(4)].into()),
        6 => Filter::IsTrue(field),
        7 => Filter::IsNull(field),
        _ => Filter::Exists(field),
    }
}

/// The values of a document's fields by path. Nulls and what is empty are among them.
pub fn fields(metadata: &str) -> Vec<(String, Json)> {
    let mut found = Vec::new();
    if !metadata.is_empty()
        && let Json::Object(fields) = serde_json::from_str(metadata).unwrap()
    {
        let fields = fields.into_iter();
        fields.for_each(|(name, value)| flatten(escaped(&name), value, &mut found));
    }
    found
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('.', "\\.")
}

fn flatten(path: String, json: Json, found: &mut Vec<(String, Json)>) {
    match json {
        Json::Array(items) if !items.is_empty() => {
            let items = items.into_iter();
            items.for_each(|item| flatten(path.clone(), item, found));
        }
        Json::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                flatten(format!("{path}.{}", escaped(&name)), value, found);
            }
        }
        value => found.push((path, value)),
    }
}

/// Whether a filter holds for a document.
pub fn holds(filter: &Filter, metadata: &str) -> bool {
    let fields = fields(metadata);
    let any = |field: &Field, test: &dyn Fn(&Json) -> bool| {
        fields
            .iter()
            .any(|(path, value)| *path == field.path && test(value))
    };
    let exists = |field: &Field| has(&fields, &field.path);
    match filter {
        Filter::And(filters) => filters.iter().all(|f| holds(f, metadata)),
        Filter::Or(filters) => filters.iter().any(|f| holds(f, metadata)),
        Filter::Not(filter) => !holds(filter, metadata),
        Filter::Compare(field, comparison, value) => {
            any(field, &|v| compares(v, *comparison, value))
        }
        Filter::Between(field, from, to) => any(field, &|v| {
            compares(v, Comparison::Ge, from) && compares(v, Comparison::Le, to)
        }),
        Filter::In(field, values) => any(field, &|v| {
            values.iter().any(|x| compares(v, Comparison::Eq, x))
        }),
        Filter::Like(field, pattern) => any(field, &|v| match (v.as_str(), &pattern[..]) {
            (None, _) => false,
            (Some(s), "a%") => s.starts_with('a'),
            (Some(s), "%b") => s.ends_with('b'),
            (Some(s), "_") => s.chars().count() == 1,
            (Some(_), _) => true,
        }),
        Filter::IsTrue(field) => any(field, &|v| *v == Json::Bool(true)),
        Filter::IsNull(field) => !exists(field) || any(field, &Json::is_null),
        Filter::Exists(field) => exists(field),
        other => panic!("no filter of these tests: {other:?}"),
    }
}

fn has(fields: &[(String, Json)], path: &str) -> bool {
    let below = format!("{path}.");
    fields
        .iter()
        .any(|(p, _)| p == path || p.starts_with(&below))
}

fn compares(json: &Json, comparison: Comparison, value: &Value) -> bool {
    let order = match (json, value) {
        (Json::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Json::String(a), Value::String(b)) => Some(a.cmp(b)),
        // The floats here are exact, and so is what they are compared with.
        (Json::Number(a), Value::I64(b)) => a.as_f64().unwrap().partial_cmp(&(*b as f64)),
        (Json::Number(a), Value::F64(b)) => a.as_f64().unwrap().partial_cmp(b),
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

/// Whether the documents have every field of a filter, with values of the types it asks for; then
/// it is no error.
fn answers(filter: &Filter, documents: &[(&str, &str)]) -> bool {
    let typed = |field: &Field, of_type: &dyn Fn(&Json) -> bool| {
        let all = documents.iter().flat_map(|(_, metadata)| fields(metadata));
        let mut of_field = all.filter(|(path, _)| *path == field.path);
        of_field.any(|(_, value)| of_type(&value))
    };
    let like = |field: &Field, value: &Value| match value {
        Value::Bool(_) => typed(field, &Json::is_boolean),
        Value::String(_) => typed(field, &Json::is_string),
        _ => typed(field, &Json::is_number),
    };
    let known = |field: &Field| documents.iter().any(|(_, m)| has(&fields(m), &field.path));
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().all(|f| answers(f, documents)),
        Filter::Not(filter) => answers(filter, documents),
        Filter::Compare(field, _, value) => like(field, value),
        Filter::Between(field, from, to) => like(field, from) && like(field, to),
        Filter::In(field, values) => known(field) && values.iter().all(|v| like(field, v)),
        Filter::Like(field, _) => typed(field, &Json::is_string),
        Filter::IsTrue(field) => typed(field, &Json::is_boolean),
        Filter::IsNull(field) | Filter::Exists(field) => known(field),
        _ => false,
    }
}

/// The documents that a filter finds are those for which it holds, of all, which are given with
/// their metadata by key. Returns the keys; `None` where the filter is refused, as it may be that
/// asks for what no document has.
pub fn check_filter<'d>(
    index: &Index,
    filter: &Filter,
    documents: &[(&'d str, &str)],
) -> Option<BTreeSet<&'d str>> {
    let found = match index.matching(filter) {
        Ok(found) => found,
        Err(Error::Filter(error)) => {
            assert!(!answers(filter, documents), "{filter}: {error}");
            return None;
        }
        Err(other) => panic!("{filter}: {other}"),
    };
    let mut keys: Vec<&str> = found.iter().map(|doc| index.key(doc).unwrap()).collect();
    keys.sort_unstable();
    let holds = documents
        .iter()
        .filter(|(_, metadata)| holds(filter, metadata));
    let expected: BTreeSet<&str> = holds.map(|(key, _)| *key).collect();
    assert!(
        keys.iter().eq(expected.iter()),
        "{filter}: {keys:?}, expected {expected:?}"
    );
    Some(expected)
}

/// Fields and values are those of the documents. Those of deleted documents count among all, but
/// not out of a set of documents.
pub fn check_fields(index: &Index, documents: &[(&str, &str)]) {
    let mut expected: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (_, metadata) in documents {
        let fields: BTreeSet<(String, String)> = fields(metadata)
            .into_iter()
            .map(|(path, value)| (path, shown(&value)))
            .collect();
        for (path, value) in fields {
            *expected.entry(path).or_default().entry(value).or_default() += 1;
        }
    }
    let all = index.document_set(index.doc_ids()).unwrap();
    let found = index.fields().unwrap();
    let nothing_deleted = index.info().unwrap().deleted_documents == 0;
    if nothing_deleted {
        assert!(found.iter().map(|field| &field.path).eq(expected.keys()));
    }
    for (path, mut values) in expected {
        values.retain(|value, _| !matches!(&value[..], "null" | "[]" | "{}"));
        let mut sets = vec![Some(&all)];
        if nothing_deleted {
            let field = found.iter().find(|field| field.path == path).unwrap();
            assert_eq!(field.distinct, values.len() as u64, "{path}");
            let having = documents
                .iter()
                .filter(|(_, m)| fields(m).iter().any(|f| f.0 == path));
            assert_eq!(field.documents, having.count() as u64, "{path}");
            sets.push(None);
        }
        for among in sets {
            let facets = index.facets(&path, among, usize::MAX).unwrap();
            assert!(facets.is_sorted_by(|a, b| a.1 >= b.1), "{path}: {facets:?}");
            let facets: BTreeMap<String, u64> = facets
                .into_iter()
                .map(|(value, count)| match value {
                    Value::Bool(b) => (shown(&json!(b)), count),
                    Value::I64(n) => (shown(&json!(n)), count),
                    Value::F64(x) => (shown(&json!(x)), count),
                    Value::String(s) => (shown(&json!(s)), count),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(facets, values, "{path}");
        }
    }
}

fn shown(value: &Json) -> String {
    value.to_string()
}
