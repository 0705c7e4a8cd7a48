//! Filters as people write them, and as properties.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use serde_json::{Value as Json, json};

use super::{Comparison, Fault, Field, Filter, FilterError, MAX_DEPTH, Schema, Types, Value};

mod errors;

fn field(path: &str) -> Field {
    Filter::field(path)
}

#[test]
fn good_filters_mean_what_they_say() {
    let year = || field("year");
    let (a, b, c) = (
        || field("a").is_true(),
        || field("b").is_true(),
        || field("c").is_true(),
    );
    let cases = [
        ("lang = 'en'", field("lang").eq("en")),
        ("lang == 'en'", field("lang").eq("en")),
        ("lang != 'en'", field("lang").ne("en")),
        ("lang<>'en'", field("lang").ne("en")),
        ("year<2019", year().lt(2019)),
        ("year<=2019", year().le(2019)),
        ("year>-2019", year().gt(-2019)),
        ("year >= +2019", year().ge(2019)),
        ("5 < year", year().gt(5)),
        ("5 <= year", year().ge(5)),
        ("5 > year", year().lt(5)),
        ("5 >= year", year().le(5)),
        ("'en' = lang", field("lang").eq("en")),
        ("TRUE != draft", field("draft").ne(true)),
        ("year between 2019 AND 2024", year().between(2019, 2024)),
        ("year NOT BETWEEN 1 AND 2", year().between(1, 2).not()),
        ("year BETWEEN 1 AND 2 AND a", year().between(1, 2).and(a())),
        ("tags IN ('a','b')", field("tags").is_in(["a", "b"])),
        ("tags Not In ('a')", field("tags").is_in(["a"]).not()),
        ("tags IN ()", field("tags").is_in::<Value>([])),
        ("author.name LIKE 'Kn%'", field("author.name").like("Kn%")),
        ("name NOT LIKE '_'", field("name").like("_").not()),
        ("year IS NULL", year().is_null()),
        ("year IS NOT NULL", year().is_null().not()),
        ("year EXISTS", year().exists()),
        ("year NOT EXISTS", year().exists().not()),
        ("draft", field("draft").is_true()),
        ("NOT draft", field("draft").is_true().not()),
        ("NOT NOT a", a().not().not()),
        ("draft = true", field("draft").eq(true)),
        ("TRUE", Filter::And(vec![])),
        ("(FALSE)", Filter::Or(vec![])),
        ("TRUE AND a", a()),
        ("FALSE OR a", a()),
        ("TRUE OR a", Filter::Or(vec![Filter::And(vec![]), a()])),
        ("a OR b AND c", a().or(b().and(c()))),
        ("(a OR b) AND c", a().or(b()).and(c())),
        ("NOT a AND b", a().not().and(b())),
        ("NOT (a AND b)", a().and(b()).not()),
        ("NOT a = 1", field("a").eq(1).not()),
        ("a AND (b AND c)", Filter::And(vec![a(), b(), c()])),
        ("(a OR b) OR c", Filter::Or(vec![a(), b(), c()])),
        ("((a))", a()),
        ("x = 'it''s'", field("x").eq("it's")),
        ("x = ''", field("x").eq("")),
        ("x = ''''", field("x").eq("'")),
        (r"x = 'a\n'", field("x").eq(r"a\n")),
        ("x = '日本\n'", field("x").eq("日本\n")),
        ("größe > 1", field("größe").gt(1)),
        ("_a1.2b = 1", field("_a1.2b").eq(1)),
        ("\"and\" = 1", field("and").eq(1)),
        ("in.or = 1", field("in.or").eq(1)),
        ("\"a b\".c = 1", field("a b.c").eq(1)),
        ("\"a.b\".\"c\\\" = 1", field(r"a\.b.c\\").eq(1)),
        ("\"say \"\"a\"\"\" = 1", field("say \"a\"").eq(1)),
        ("\"\" = 1", field("").eq(1)),
        ("x = 1.5", field("x").eq(1.5)),
        ("x = .5", field("x").eq(0.5)),
        ("x = 5.", field("x").eq(5.0)),
        ("x = -1.5e-3", field("x").eq(-0.0015)),
        ("x = 2E+3", field("x").eq(2000.0)),
        ("x = -9223372036854775808", field("x").eq(i64::MIN)),
        (
            "x = 9223372036854775808",
            field("x").eq(9223372036854775808.0),
        ),
        (
            "x = 0018446744073709551616",
            field("x").eq(18446744073709551616.0),
        ),
        (
            "x = 18446744073709551615.0",
            field("x").eq(18446744073709551616.0),
        ),
        ("\u{a0}a\r\n\tAND b ", a().and(b())),
    ];
    for (text, expected) in cases {
        assert_eq!(Filter::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn parameters_take_the_places_in_their_order() {
    let values = [
        Value::from("en"),
        2019.into(),
        1.5.into(),
        true.into(),
        "a%".into(),
        7.into(),
    ];
    let text = "lang = ? AND year BETWEEN ? AND ? AND x IN (?, 'b') AND n LIKE ? AND ? < y";
    let expected = Filter::all([
        field("lang").eq("en"),
        field("year").between(2019, 1.5),
        field("x").is_in([Value::from(true), "b".into()]),
        field("n").like("a%"),
        field("y").gt(7),
    ]);
    assert_eq!(Filter::parse_with(text, &values), Ok(expected));
    let hostile = [Value::from("' OR TRUE --")];
    let filter = Filter::parse_with("a = ?", &hostile);
    assert_eq!(filter, Ok(field("a").eq("' OR TRUE --")));
}

#[test]
fn fields_know_where_they_stand() {
    let filter = Filter::parse("a AND 5 < \"b c\".d").unwrap();
    let Filter::And(parts) = filter else {
        panic!("{filter:?}")
    };
    let spans: Vec<_> = parts
        .iter()
        .map(|part| match part {
            Filter::IsTrue(field) | Filter::Compare(field, ..) => field.span.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(spans, [Some(0..1), Some(10..17)]);
}

#[test]
fn what_is_shown_is_easy_to_read() {
    let cases = [
        "lang = 'en' AND NOT (year < 2019 OR draft)",
        "a IS NOT NULL OR b NOT IN ('x', 1) OR c NOT BETWEEN 1.0 AND 1e300",
        "NOT a = 1 AND b NOT LIKE 'it''s' AND c NOT EXISTS AND NOT NOT d",
        "not.a = TRUE OR \"Null\" AND \"a b\".c EXISTS OR \"v1.0\" IN ()",
        "FALSE",
    ];
    for text in cases {
        assert_eq!(Filter::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(field("x").eq(f64::NAN).to_string(), "x = NaN");
    assert!(Filter::parse("x = NaN").is_err() && Filter::parse("x = -inf").is_err());
}

#[test]
fn long_filters_are_read_quickly() {
    let start = Instant::now();
    let n = 100_000;
    let list: Vec<String> = (0..n).map(|i| format!("'key {i}'")).collect();
    let filter = Filter::parse(&format!("key IN ({})", list.join(", "))).unwrap();
    assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));

    for operator in [" AND ", " OR "] {
        let text = vec!["a = 1"; n].join(operator);
        let filter = Filter::parse(&text).unwrap();
        let (Filter::And(parts) | Filter::Or(parts)) = &filter else {
            panic!()
        };
        assert_eq!(parts.len(), n);
        assert_eq!(filter.to_string(), text);
        assert_eq!(Filter::from_json(&filter.to_json()), Ok(filter));
    }
    let built = (0..n).fold(Filter::all([]), |all, i| all.and(field("a").eq(i as i64)));
    assert!(matches!(built, Filter::And(parts) if parts.len() == n));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn nesting_ends_at_a_limit() {
    let deep = |n: usize, open: &str, close: &str| {
        Filter::parse(&format!("{}a{}", open.repeat(n), close.repeat(n)))
    };
    for (open, close) in [("(", ")"), ("NOT ", ""), ("NOT (", ")"), ("b AND (", ")")] {
        let levels = open.matches(['(', 'N']).count() - usize::from(open.starts_with('b'));
        assert!(deep(MAX_DEPTH / levels, open, close).is_ok());
        for n in [MAX_DEPTH / levels + 1, 100_000] {
            let error = deep(n, open, close).unwrap_err();
            assert_eq!(error.fault(), &Fault::TooDeep { limit: MAX_DEPTH });
        }
    }
    assert!(deep(100_000, "(", "").is_err());
    // Each parenthesis holds two levels here.
    let both = |n: usize| deep(n, "b OR c AND (", ")");
    assert!(both(MAX_DEPTH / 2).is_ok());
    assert_eq!(
        both(31).unwrap_err().fault(),
        &Fault::TooDeep { limit: MAX_DEPTH }
    );

    let deep = |n: usize| (0..n).fold(field("a").is_true(), |filter, _| filter.not());
    let deepest = deep(MAX_DEPTH).and(field("b").is_in([1]));
    let json = deep(MAX_DEPTH).to_json();
    assert_eq!(Filter::from_json(&json), Ok(deep(MAX_DEPTH)));
    let too_deep = deep(MAX_DEPTH + 1);
    for error in [
        Filter::from_json(&too_deep.to_json()).unwrap_err(),
        Filter::from_json(&deepest.to_json()).unwrap_err(),
        too_deep.check(&Fields).unwrap_err(),
    ] {
        assert_eq!(error.fault(), &Fault::TooDeep { limit: MAX_DEPTH });
    }
}

#[test]
fn the_deepest_filter_is_read_from_json_text() {
    let inner = field("a").is_in([1]);
    let deepest = (0..MAX_DEPTH).fold(inner, |filter, _| Filter::And(vec![filter]));
    let text = deepest.to_json().to_string();
    assert_eq!(
        Filter::from_json(&serde_json::from_str(&text).unwrap()),
        Ok(deepest)
    );
}

/// Fields of some documents.
struct Fields;

impl Schema for Fields {
    fn types(&self, path: &str) -> Option<Types> {
        let none = Types::default();
        Some(match path {
            "year" => Types {
                number: true,
                ..none
            },
            "draft" => Types { bool: true, ..none },
            "lang" | "author.name" | r"v1\.0" | "a" => Types {
                string: true,
                ..none
            },
            "mixed" => Types {
                number: true,
                string: true,
                ..none
            },
            "empty" | "author" => none,
            _ => return None,
        })
    }

    fn paths(&self) -> Vec<&str> {
        vec![
            "author",
            "author.name",
            "draft",
            "empty",
            "lang",
            "mixed",
            "year",
            r"v1\.0",
        ]
    }
}

#[test]
fn what_fits_the_fields_passes() {
    let cases = [
        "year = 2019 AND year BETWEEN 1 AND 2.5 AND year IN (1, 2.0) AND year IS NULL",
        "draft AND draft = FALSE AND NOT draft",
        "lang LIKE 'e%' AND lang > 'a' AND author.name = 'x' AND \"v1.0\" = 'x'",
        "mixed = 1 OR mixed = 'x' OR mixed IN (1, 'x') OR mixed LIKE 'x'",
        "empty = 1 OR empty = 'x' OR empty OR empty LIKE 'x' OR author EXISTS",
    ];
    for text in cases {
        assert_eq!(
            Filter::parse(text).unwrap().check(&Fields),
            Ok(()),
            "{text}"
        );
    }
}

fn arb_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        (-1000i64..1000).prop_map(|i| Value::from(i as f64)),
        prop_oneof![".{0,8}", "[a'\"\\\\?%\n]{0,8}"].prop_map(Value::from),
    ]
}

fn arb_field() -> impl Strategy<Value = Field> {
    let name = prop_oneof![
        "[a-z_][a-z0-9_]{0,5}",
        ".{0,6}",
        "[aA.\"\\\\ '1]{0,5}",
        "and|In|TRUE|is"
    ];
    prop::collection::vec(name, 1..4).prop_map(|names| {
        let mut path = String::new();
        for (at, name) in names.iter().enumerate() {
            path.push_str(if at > 0 { "." } else { "" });
            super::path::push_name(&mut path, name);
        }
        Filter::field(path)
    })
}

fn arb_comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

fn arb_filter() -> impl Strategy<Value = Filter> {
    let test = prop_oneof![
        (arb_field(), arb_comparison(), arb_value()).prop_map(|(f, c, v)| f.compare(c, v)),
        (arb_field(), arb_value(), arb_value()).prop_map(|(f, low, high)| f.between(low, high)),
        (arb_field(), prop::collection::vec(arb_value(), 0..4)).prop_map(|(f, v)| f.is_in(v)),
        (arb_field(), ".{0,8}").prop_map(|(f, pattern)| f.like(pattern)),
        arb_field().prop_map(Field::is_true),
        arb_field().prop_map(Field::is_null),
        arb_field().prop_map(Field::exists),
    ];
    test.prop_recursive(5, 40, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            some.clone().prop_map(Filter::And),
            some.prop_map(Filter::Or),
            inner.prop_map(Filter::not),
        ]
    })
}

/// The same with no `And` right in an `And`, no `Or` in an `Or`, and none of one filter.
fn flattened(filter: Filter) -> Filter {
    match filter {
        Filter::And(filters) => Filter::all(filters.into_iter().map(flattened)),
        Filter::Or(filters) => Filter::any(filters.into_iter().map(flattened)),
        Filter::Not(filter) => flattened(*filter).not(),
        test => test,
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "b.c", "'x'", "\"y z\"", "1", "-2.5e3", "TRUE", "AND", "OR", "NOT", "BETWEEN", "IN",
        "LIKE", "IS", "NULL", "EXISTS", "=", "<", "(", ")", ",", "?", "'", "\"", ".", "é", "\t",
    ]);
    prop::collection::vec(word, 0..20).prop_map(|words| words.join(" "))
}

fn arb_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        prop::sample::select(vec!["and", "not", "=", "in", "like", "exists", "x"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let keys = vec!["op", "field", "value", "args", "arg", "values"];
        let keys = prop::sample::subsequence(keys, 1..4);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            inner
                .clone()
                .prop_map(|arg| json!({"op": "not", "arg": arg})),
            inner
                .clone()
                .prop_map(|arg| json!({"op": "or", "args": [arg]})),
            inner
                .clone()
                .prop_map(|value| json!({"op": "=", "field": "a", "value": value})),
            (keys, inner).prop_map(|(keys, value)| {
                keys.iter()
                    .map(|key| (key.to_string(), value.clone()))
                    .collect()
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_shown_parses_to_the_same(filter in arb_filter()) {
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(flattened(filter)), "{}", text);
    }

    #[test]
    fn json_gives_the_same_back(filter in arb_filter()) {
        let json = filter.to_json();
        let read: Json = serde_json::from_str(&json.to_string()).unwrap();
        prop_assert_eq!(&read, &json);
        prop_assert_eq!(Filter::from_json(&read), Ok(filter));
    }

    #[test]
    fn any_json_gives_a_filter_or_a_message(json in arb_json()) {
        match Filter::from_json(&json) {
            Ok(filter) => prop_assert_eq!(filter.to_json(), json),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_gives_a_filter_or_a_message(text in prop_oneof![".{0,60}", words()]) {
        match Filter::parse_with(&text, &[Value::from(1)]).or_else(|_| Filter::parse(&text)) {
            Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
            Err(error) => {
                let span = error.span().unwrap();
                prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
                prop_assert_eq!(error.to_string().lines().count(), 3);
            }
        }
    }

    #[test]
    fn any_error_of_a_check_can_be_shown(text in words(), other in ".{0,10}") {
        if let Err(error) = Filter::parse(&text).and_then(|filter| filter.check(&Fields)) {
            prop_assert!(!error.with_text(&other).to_string().is_empty());
        }
    }
}
