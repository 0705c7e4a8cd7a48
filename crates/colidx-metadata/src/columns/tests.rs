//! Columns against the JSON that they were made of.

mod damage;
mod oracle;

use self::oracle::holds;
use super::*;
use crate::filter::{Comparison, Field, Filter, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The bytes of a section, at an address that is a multiple of 8.
#[derive(Debug, Clone, Default, PartialEq)]
struct Section {
    words: Vec<u64>,
    length: usize,
}

impl Section {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        let length = bytes.len();
        Self { words, length }
    }
}

impl std::ops::Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

#[derive(Debug, Default)]
struct Written(Vec<([u8; 4], Vec<u8>)>);

impl Sections for Written {
    type Error = MetadataError;

    fn begin(&mut self, tag: [u8; 4]) -> Result<(), MetadataError> {
        self.0.push((tag, Vec::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        self.0.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }
}

/// Temporary files in memory.
#[derive(Debug)]
struct InMemory;

impl Scratch for InMemory {
    type Error = MetadataError;
    type File = Vec<u8>;

    fn create(&mut self) -> Result<Vec<u8>, MetadataError> {
        Ok(Vec::new())
    }
}

impl ScratchFile for Vec<u8> {
    type Error = MetadataError;

    fn append(&mut self, bytes: &[u8]) -> Result<(), MetadataError> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), MetadataError> {
        bytes.copy_from_slice(&self[offset as usize..][..bytes.len()]);
        Ok(())
    }
}

type Bytes = BTreeMap<[u8; 4], Section>;

fn write(documents: &[String]) -> Bytes {
    write_in_runs(documents, |_| false)
}

/// Where a run ends after every document that `ends_run` names.
fn write_in_runs(documents: &[String], ends_run: impl Fn(usize) -> bool) -> Bytes {
    let mut writer = ColumnsWriter::new(usize::MAX, InMemory);
    for (at, metadata) in documents.iter().enumerate() {
        check(metadata).unwrap();
        writer.push(metadata).unwrap();
        if ends_run(at) {
            writer.spill().unwrap();
        }
    }
    let mut written = Written::default();
    writer.finish(&mut written).unwrap();
    assert!(written.0.iter().map(|(tag, _)| *tag).eq(TAGS));
    let sections = written.0.into_iter();
    sections.map(|(tag, b)| (tag, Section::new(&b))).collect()
}

fn open(documents: u32, bytes: &Bytes) -> Result<Columns<Section>, ColumnsError> {
    Columns::open(documents, |tag| Ok(bytes[&tag].clone()))
}

fn columns(documents: &[String]) -> Columns<Section> {
    let columns = open(documents.len() as u32, &write(documents)).unwrap();
    columns.verify().unwrap();
    columns
}

fn of_json(documents: &[Json]) -> Columns<Section> {
    columns(&documents.iter().map(Json::to_string).collect::<Vec<_>>())
}

/// Numbers near each other, of both types and at their ends.
fn numbers() -> impl Strategy<Value = Json> {
    let big = 1i64 << 53;
    prop_oneof![
        (-3i64..3).prop_map(|n| json!(n)),
        (big - 2..big + 3).prop_map(|n| json!(n)),
        (big - 2..big + 3).prop_map(|n| json!(n as f64)),
        (-6i64..6).prop_map(|n| json!(n as f64 / 2.0)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        Just(json!(-0.0)),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!(f64::MAX)),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["a", "b", "a.b", "", "é/", "c\\", "\\.", "\"\n"])
}

fn values() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        numbers(),
        "[ab%_é]{0,3}".prop_map(Json::String),
        ".{0,4}".prop_map(Json::String),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::btree_map(name(), inner, 0..4).prop_map(object),
        ]
    })
}

fn object(fields: BTreeMap<&'static str, Json>) -> Json {
    fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn documents() -> impl Strategy<Value = Vec<Json>> {
    let fields = proptest::collection::btree_map(name(), values(), 0..5).prop_map(object);
    proptest::collection::vec(fields, 0..70)
}

fn field() -> impl Strategy<Value = Field> {
    let names = proptest::collection::vec(name(), 1..3);
    let path = names.prop_map(|names| field_path(&names));
    prop_oneof![9 => path, 1 => Just("a\\".to_owned())].prop_map(|path| Field::from(&path[..]))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        numbers().prop_map(|n| match n.as_i64() {
            Some(n) => Value::I64(n),
            None => Value::F64(n.as_f64().unwrap()),
        }),
        "[ab%_é]{0,3}".prop_map(Value::String),
    ]
}

fn filters() -> impl Strategy<Value = Filter> {
    use Comparison::*;
    let comparison = proptest::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge]);
    let leaf = prop_oneof![
        4 => (field(), comparison, value()).prop_map(|(f, c, v)| Filter::Compare(f, c, v)),
        2 => (field(), value(), value()).prop_map(|(f, a, b)| Filter::Between(f, a, b)),
        1 => (field(), proptest::collection::vec(value(), 0..5)).prop_map(|(f, v)| Filter::In(f, v)),
        2 => (field(), r"[ab%_\\é]{0,4}").prop_map(|(f, p)| Filter::Like(f, p)),
        1 => field().prop_map(Filter::IsTrue),
        1 => field().prop_map(Filter::IsNull),
        1 => field().prop_map(Filter::Exists),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let some = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            some.clone().prop_map(Filter::And),
            some.prop_map(Filter::Or),
            inner.prop_map(|f| Filter::Not(Box::new(f))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn filters_hold_where_they_hold_for_the_json(
        documents in documents(),
        filters in proptest::collection::vec(filters(), 1..20),
    ) {
        let columns = of_json(&documents);
        for filter in filters {
            let got = columns.evaluate(&filter).unwrap();
            for (at, document) in documents.iter().enumerate() {
                let expected = holds(&filter, document);
                prop_assert_eq!(got.contains(at as u32), expected, "{:?} {}", filter, document);
            }
        }
    }

    #[test]
    fn bytes_do_not_depend_on_where_runs_end(documents in documents(), ends: u64) {
        let documents: Vec<String> = documents.iter().map(Json::to_string).collect();
        let ends_run = |at| ends >> (at % 64) & 1 == 1;
        prop_assert_eq!(write_in_runs(&documents, ends_run), write(&documents));
    }

    #[test]
    fn summaries_and_counts_are_those_of_the_json(documents in documents(), few: u64) {
        let columns = of_json(&documents);
        let mut among = Bits::none(documents.len() as u32);
        (0..documents.len() as u32).filter(|d| few >> (d % 64) & 1 == 1).for_each(|d| {
            among.insert(d);
        });
        let fields = columns.fields().unwrap();
        prop_assert!(fields.iter().map(|f| f.path).eq(columns.paths()));
        prop_assert!(fields.is_sorted_by(|a, b| a.path < b.path));
        for field in &fields {
            let there = Filter::Exists(field.path.into());
            let leaf = |d: &&Json| holds(&there, d);
            prop_assert!(documents.iter().filter(leaf).count() >= field.documents as usize);
            let all: Vec<_> = columns.counts(field.path, None).map(Result::unwrap).collect();
            prop_assert!(all.is_sorted_by(|a, b| a.0 < b.0));
            let some: Vec<_> = columns.counts(field.path, Some(&among)).map(Result::unwrap).collect();
            let mut in_some = 0;
            for (value, count) in &all {
                let having = oracle::having(&documents, field.path, *value);
                prop_assert_eq!(having.len(), *count as usize);
                let expected = having.iter().filter(|&&d| among.contains(d)).count();
                let found = some.iter().find(|(v, _)| v == value);
                prop_assert_eq!(found.map_or(0, |f| f.1) as usize, expected);
                in_some += usize::from(expected > 0);
            }
            prop_assert_eq!(some.len(), in_some);
            let valued = field.columns.iter().filter_map(|c| Some((c.range?, c.distinct)));
            prop_assert_eq!(valued.clone().map(|v| v.1).sum::<u64>(), all.len() as u64);
            for ((smallest, largest), _) in valued {
                let at = all.iter().position(|v| v.0 == smallest);
                prop_assert!(at.is_some() && all.iter().any(|v| v.0 == largest));
            }
        }
    }

    #[test]
    fn text_is_read_as_the_parser_reads_it(
        document in documents().prop_map(|mut documents| documents.pop().unwrap_or(json!({}))),
        at: prop::sample::Index,
        removed in 0usize..3,
        added in r#"[\[\]{}:,"\\0.eE+\-tnu d8]{0,2}"#,
    ) {
        let compact = document.to_string();
        let pretty = serde_json::to_string_pretty(&document).unwrap();
        prop_assert_eq!(write(std::slice::from_ref(&compact)), write(&[pretty]));
        // The parser refuses the same numbers and strings as columns do.
        let mut text: Vec<char> = compact.chars().collect();
        let at = at.index(text.len());
        text.splice(at..text.len().min(at + removed), added.chars());
        let text: String = text.into_iter().collect();
        let parsed = serde_json::from_str::<serde_json::Map<String, Json>>(&text);
        prop_assert_eq!(check(&text).is_ok(), parsed.is_ok() || text.is_empty(), "{}", text);
    }

    #[test]
    fn a_comparison_finds_what_one_document_has_more_or_less(
        documents in documents(), at: prop::sample::Index, other in values(), fields: bool,
    ) {
        prop_assume!(!documents.is_empty());
        let mut texts: Vec<String> = documents.iter().map(Json::to_string).collect();
        let good = write(&texts);
        let columns = columns(&texts);
        let compare = |texts: &[String]| {
            let mut comparison = columns.compare();
            texts.iter().try_for_each(|text| comparison.push(text))?;
            comparison.finish()
        };
        let none = columns.paths().is_empty();
        prop_assert_eq!(compare(&texts).is_ok(), !none);
        let at = at.index(texts.len());
        texts[at] = match fields {
            true => json!({"a": other}).to_string(),
            false => String::new(),
        };
        prop_assert_eq!(compare(&texts).is_ok(), !none && write(&texts) == good);
    }

    #[test]
    fn the_same_documents_give_the_same_bytes(documents in documents()) {
        let documents: Vec<String> = documents.iter().map(Json::to_string).collect();
        prop_assert_eq!(write(&documents), write(&documents));
    }
}

fn found(columns: &Columns<Section>, filter: Filter) -> Vec<u32> {
    columns.evaluate(&filter).unwrap().iter().collect()
}

#[test]
fn numbers_compare_exactly() {
    let texts = [
        "9007199254740993",
        "9007199254740992.0",
        "0.1234567890123456789",
        "1e0",
        "1",
    ];
    let documents = texts.map(|n| format!("{{\"n\":{n}}}"));
    let columns = columns(&documents);
    let eq = |value| found(&columns, Filter::Compare("n".into(), Comparison::Eq, value));
    assert_eq!(eq(Value::I64(9_007_199_254_740_993)), [0]);
    assert_eq!(eq(Value::F64(9_007_199_254_740_992.0)), [1]);
    assert_eq!(eq(Value::I64(9_007_199_254_740_992)), [1]);
    assert_eq!(eq(Value::F64(0.123_456_789_012_345_68)), [2]);
    assert_eq!(eq(Value::I64(1)), [3, 4]);
    assert_eq!(eq(Value::F64(f64::NAN)), [] as [u32; 0]);
}

#[test]
fn escapes_are_read() {
    let text = r#"{"\u0061\/" : "\ud83d\ude00\\\"é", "b":"\\"}"#;
    let columns = columns(&[text.into()]);
    assert_eq!(columns.paths(), ["a/", "b"]);
    let value = |path| columns.counts(path, None).next().unwrap().unwrap().0;
    assert_eq!(value("a/"), ValueRef::String("😀\\\"é"));
    assert_eq!(value("b"), ValueRef::String("\\"));
}

#[test]
fn what_a_field_is_decides_what_it_compares_with() {
    let columns = of_json(&[
        json!({"a": {"b": 1, "c": [{"d": "x"}, {"d": true}]}, "e": []}),
        json!({"a": null}),
        json!({"a.b": 2.5, "a": {"b": "1"}}),
    ]);
    let types = |path| columns.types(path).map(|t| (t.bool, t.number, t.string));
    assert_eq!(types("a"), Some((false, false, false)));
    assert_eq!(types("a.b"), Some((false, true, true)));
    assert_eq!(types("a.c"), Some((false, false, false)));
    assert_eq!(types("a.c.d"), Some((true, false, true)));
    assert_eq!(types(r"a\.b"), Some((false, true, false)));
    assert_eq!(types("e"), Some((false, false, false)));
    for missing in ["", "b", "a.", "a.c.", ".a", "a\\", "e.x"] {
        assert_eq!(types(missing), None, "{missing}");
    }
    assert_eq!(columns.paths(), ["a", "a.b", "a.c.d", r"a\.b", "e"]);
}

#[test]
fn without_fields_there_is_nothing_to_write() {
    let mut writer = ColumnsWriter::new(0, InMemory);
    ["", "{}", ""].iter().for_each(|m| writer.push(m).unwrap());
    assert!(writer.is_empty() && writer.documents() == 3);
    let columns = columns(&["".into(), "{}".into()]);
    assert_eq!(found(&columns, Filter::IsNull("a".into())), [0, 1]);
    assert!(columns.paths().is_empty());
    writer.push("{\"a\":null}").unwrap();
    assert!(!writer.is_empty());
}

#[test]
fn ten_thousand_fields_and_a_long_string_are_kept() {
    let many: Json = (0..10_000)
        .map(|n| (format!("field {n}"), json!(n)))
        .collect();
    let long = "x".repeat(10 << 20);
    let columns = of_json(&[many, json!({"long": long}), json!({"long": "y"})]);
    assert_eq!(columns.fields().unwrap().len(), 10_001);
    let field = Field::from("field 7777");
    assert_eq!(
        found(
            &columns,
            Filter::Compare(field, Comparison::Gt, Value::I64(1))
        ),
        [0]
    );
    assert_eq!(
        found(
            &columns,
            Filter::In("long".into(), vec![Value::String(long)])
        ),
        [1]
    );
    assert_eq!(
        found(&columns, Filter::Like("long".into(), "%x_".into())),
        [1]
    );
}

#[test]
fn long_strings_of_several_runs_are_in_order() {
    let long = "x".repeat(20_000);
    let strings = ["", &long[..255], &long[..256], &long[..257], &long, "y"];
    let mut strings: Vec<String> = strings.map(String::from).into();
    // They differ from each other far behind, and in one place only.
    strings.extend(["a", "z"].map(|end| format!("{long}{end}")));
    strings.extend([9_000, 300].map(|at| format!("{}w{}", &long[..at], &long[at..])));
    let documents: Vec<String> = strings
        .iter()
        .chain(strings.iter().rev())
        .map(|string| json!({ "s": string }).to_string())
        .collect();
    assert_eq!(write_in_runs(&documents, |_| true), write(&documents));
    let columns = columns(&documents);
    strings.sort();
    let counts = columns.counts("s", None).map(Result::unwrap);
    let expected = strings.iter().map(|string| (ValueRef::String(string), 2));
    assert!(counts.eq(expected));
}

#[test]
fn the_bytes_are_those_of_index_format_md() {
    let documents = [
        r#"{"a":[2,-1,2],"b":{"c":"yz"}}"#,
        r#"{"a":2,"b":{"c":["x",null]}}"#,
    ];
    let bytes = write(&documents.map(String::from));
    let section = |tag: &[u8; 4]| &*bytes[tag];
    let words = |tag| bytemuck::cast_slice::<u8, u32>(section(tag));
    assert_eq!(section(b"PATH"), b"ab.c");
    assert_eq!(words(b"FLDS"), [[0, 0, 0, 0], [1, 0, 1, 0]].concat());
    let columns = [
        [4, 2, 0, 0, 0, 0, 0, 0],
        [0, 1, 2, 0, 0, 0, 3, 0],
        [6, 2, 3, 0, 0, 0, 4, 0],
    ];
    assert_eq!(words(b"COLS"), columns.concat());
    assert_eq!(words(b"INTS"), [u32::MAX, u32::MAX, 2, 0]);
    assert_eq!(section(b"FLTS"), b"");
    assert_eq!(words(b"STRS"), [0, 0, 1, 0, 3, 0]);
    assert_eq!(section(b"STRB"), b"xyz");
    assert_eq!(words(b"STRT"), [0, 1, 0, 0, 1]);
    assert_eq!(words(b"DOCS"), [0, 0, 1, 1, 1, 0]);
}

#[test]
fn a_name_given_twice_has_both_values() {
    let columns = columns(&[r#"{"a":1,"a":2,"a":1}"#.into()]);
    let counts: Vec<_> = columns.counts("a", None).map(Result::unwrap).collect();
    assert_eq!(counts, [(ValueRef::I64(1), 1), (ValueRef::I64(2), 1)]);
}

#[test]
fn metadata_that_columns_cannot_hold_is_refused_with_the_field() {
    let nested = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
    let arrays = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let fields = |n: usize| {
        let fields: Json = (0..n).map(|n| (format!("{n:05}"), Json::Null)).collect();
        fields.to_string()
    };
    let named = |n: usize| json!({ "n".repeat(n): 1 }).to_string();
    let good = [
        nested(MAX_DEPTH),
        arrays(MAX_DEPTH - 1),
        fields(MAX_FIELDS),
        named(MAX_PATH_BYTES),
        json!({"a": vec![1; MAX_FIELDS + 1]}).to_string(),
        " {\"a\" : [ 1 , -2.5E-3 ,\t{ } ] }\n".into(),
    ];
    good.iter().for_each(|metadata| check(metadata).unwrap());
    let bad = [
        (nested(MAX_DEPTH + 1), "deeper than 32"),
        (arrays(100_000), "field 'a' is nested deeper than 32"),
        (fields(MAX_FIELDS + 1), "'16384' is one too many"),
        (named(MAX_PATH_BYTES + 1), "more than 1024 bytes"),
        (
            r#"{"a":{"b":[1e999]}}"#.into(),
            "'a.b' has a number that is too large: 1e999",
        ),
        (r#"{"a":"\ud800"}"#.into(), "a string at 'a'"),
        ("[1]".into(), "not a JSON object"),
        ("1".into(), "not a JSON object"),
        ("{".into(), "not JSON"),
        ("{\"a\":01}".into(), "not JSON"),
        (" ".into(), "not JSON"),
    ];
    for (metadata, expected) in bad {
        let error = check(&metadata).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
