//! Metadata at the limits of what is stored, and beyond: nothing is lost, and what is refused is
//! named.

mod common;

use colidx_core::*;
use common::live::{self, Words};

/// Commits documents of this metadata, by key. Those of `refused` are offered too.
fn index(good: &[(&str, &str)], refused: &[(&str, &str, &[&str])]) -> Index {
    let directory = Directory::memory();
    let mut writer =
        IndexWriter::create_in(&directory, BuildOptions::default().dim(live::DIM)).unwrap();
    let document = |key, metadata| NewDocument::new(key).text("word").metadata(metadata);
    for (at, &(key, metadata)) in good.iter().enumerate() {
        // Some are refused between, and after the first commit too.
        for &(key, metadata, says) in refused {
            let error = writer.add(document(key, metadata)).unwrap_err();
            assert!(matches!(&error, Error::Metadata { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(&format!("document `{key}`")), "{error}");
            assert!(says.iter().all(|part| error.contains(part)), "{error}");
            assert!(error.len() < 2000, "{} bytes of message", error.len());
        }
        writer.add(document(key, metadata)).unwrap();
        if at == 0 {
            writer.commit(&mut Words, &NoProgress).unwrap();
        }
    }
    writer.commit(&mut Words, &NoProgress).unwrap();
    let index = Index::open_in(&directory).unwrap();
    index.verify().unwrap();
    assert_eq!(index.num_documents(), good.len() as u64);
    for (key, metadata) in good {
        let doc = index.find(key).unwrap().unwrap();
        assert!(index.document(doc).unwrap().metadata == *metadata, "{key}");
    }
    // And in one segment of them all.
    writer.compact(&NoProgress).unwrap();
    let compacted = Index::open_in(&directory).unwrap();
    compacted.verify().unwrap();
    compacted
}

fn matching(index: &Index, filter: &str) -> Vec<String> {
    let found = index.matching(&Filter::parse(filter).unwrap()).unwrap();
    let mut keys: Vec<String> = found
        .iter()
        .map(|doc| index.key(doc).unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}

#[test]
fn a_value_of_ten_megabytes_is_whole() {
    let long = "x".repeat(10 << 20);
    let (one, other) = (
        format!(r#"{{"s":"{long}a"}}"#),
        format!(r#"{{"s":"{long}b"}}"#),
    );
    let index = index(
        &[("one", &one), ("other", &other), ("short", r#"{"s":"x"}"#)],
        &[],
    );
    let of = |end: &str| Filter::field("s").eq(format!("{long}{end}"));
    for (filter, count) in [(of("a"), 1), (of("b"), 1), (of(""), 0), (of("c"), 0)] {
        assert_eq!(index.matching(&filter).unwrap().len(), count);
    }
    assert_eq!(matching(&index, "s LIKE '%a'"), ["one"]);
    assert_eq!(matching(&index, "s LIKE '%xb'"), ["other"]);
    assert_eq!(matching(&index, "s LIKE 'x%'"), ["one", "other", "short"]);
    assert_eq!(matching(&index, "s = 'x'"), ["short"]);
    let facets = index.facets("s", None, 10).unwrap();
    assert!(facets.iter().all(|(_, count)| *count == 1) && facets.len() == 3);
}

#[test]
fn as_many_fields_as_there_may_be_are_kept_and_more_refused() {
    let fields = |count: usize, value: &str| {
        let fields: Vec<String> = (0..count).map(|n| format!("\"f{n}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    };
    let (ten_thousand, most) = (fields(10_000, "1"), fields(16_384, "2"));
    // Many values of few fields are no more fields.
    let many = format!(r#"{{"f0":[{}3]}}"#, "3,".repeat(20_000));
    let more = fields(16_385, "1");
    let nested = format!(r#"{{"o":{}}}"#, fields(16_385, "1"));
    let index = index(
        &[
            ("ten thousand", &ten_thousand),
            ("most", &most),
            ("many", &many),
        ],
        &[
            ("more", &more, &["more than 16384 fields", "'f16384'"]),
            ("nested", &nested, &["more than 16384 fields", "'o.f16384'"]),
        ],
    );
    assert_eq!(matching(&index, "f9999 = 1"), ["ten thousand"]);
    assert_eq!(matching(&index, "f9999 >= 1"), ["most", "ten thousand"]);
    assert_eq!(matching(&index, "f16383 = 2"), ["most"]);
    assert_eq!(matching(&index, "f0 = 3"), ["many"]);
    assert_eq!(index.fields().unwrap().len(), 16_384);
}

#[test]
fn depth_has_a_limit() {
    let nested = |deep: usize| {
        let (open, close) = (r#"{"a":"#.repeat(deep), "}".repeat(deep));
        format!("{open}1{close}")
    };
    let arrays = |deep: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(deep), "]".repeat(deep));
    let (objects, listed) = (nested(32), arrays(31));
    let (too_deep, too_listed, far) = (nested(33), arrays(32), arrays(100_000));
    let index = index(
        &[("objects", &objects), ("arrays", &listed)],
        &[
            ("o", &too_deep, &["nested deeper than 32", "'a.a"]),
            ("l", &too_listed, &["nested deeper than 32", "'a'"]),
            ("f", &far, &["nested deeper than 32", "'a'"]),
        ],
    );
    let path = vec!["a"; 32].join(".");
    assert_eq!(matching(&index, &format!("{path} = 1")), ["objects"]);
    assert_eq!(matching(&index, "a = 1"), ["arrays"]);
}

#[test]
fn names_may_be_keywords_and_anything_else_up_to_a_length() {
    let keywords = r#"{"and":1,"OR":2,"in":[3],"null":null,"exists":{"not":4},"TRUE":false}"#;
    let odd = r#"{"":1,"a b":2,"\"":3,"é\u0000\n":4,"a.b":{"c\\d":5},"'":6}"#;
    // A dot takes two bytes of a path.
    let (longest, dots) = ("n".repeat(1024), ".".repeat(512));
    let long = format!(r#"{{"{longest}":7,"{dots}":8}}"#);
    let longer = format!(r#"{{"{longest}n":7}}"#);
    let dotted = format!(r#"{{"{dots}n":8}}"#);
    let below = format!(r#"{{"{longest}":{{"":8}}}}"#);
    let index = index(
        &[("keywords", keywords), ("odd", odd), ("long", &long)],
        &[
            ("longer", &longer, &["more than 1024 bytes", "'nnnn"]),
            ("dotted", &dotted, &["more than 1024 bytes"]),
            ("below", &below, &["more than 1024 bytes"]),
            ("twins", r#"{"\ud800":1}"#, &["not JSON"]),
            ("twin", r#"{"a":"\udc00"}"#, &["not JSON", "'a'"]),
        ],
    );
    for filter in [
        r#""and" = 1"#,
        r#""OR" = 2 AND "in" = 3"#,
        r#""null" IS NULL AND "null" EXISTS"#,
        r#""exists"."not" = 4"#,
        r#"NOT "TRUE" AND "TRUE" EXISTS"#,
    ] {
        assert_eq!(matching(&index, filter), ["keywords"], "{filter}");
    }
    for filter in [
        r#""" = 1"#,
        r#""a b" = 2"#,
        r#""""" = 3"#,
        "\"é\0\n\" = 4",
        r#""a.b"."c\d" = 5"#,
        r#""'" = 6"#,
    ] {
        assert_eq!(matching(&index, filter), ["odd"], "{filter}");
    }
    assert_eq!(matching(&index, &format!("{longest} = 7")), ["long"]);
    assert_eq!(matching(&index, &format!("\"{dots}\" = 8")), ["long"]);
}

#[test]
fn numbers_are_what_was_written_or_the_nearest() {
    let digits = format!("0.{}1", "0".repeat(5000));
    let good = [
        ("max", r#"{"n":9223372036854775807}"#),
        ("above", r#"{"n":9223372036854775808}"#),
        ("min", r#"{"n":-9223372036854775808}"#),
        ("below", r#"{"n":-9223372036854775809}"#),
        ("huge", r#"{"n":123456789012345678901234567890}"#),
        ("greatest", r#"{"n":1.7976931348623157e308}"#),
        ("tiny", r#"{"n":5e-324}"#),
        ("zero", r#"{"n":-0.0}"#),
        ("odd", r#"{"n":9007199254740993}"#),
    ];
    let tiniest = format!(r#"{{"n":{digits}}}"#);
    let mut all = good.to_vec();
    all.push(("digits", &tiniest));
    let far = format!(r#"{{"n":1{}}}"#, "0".repeat(400));
    let index = index(
        &all,
        &[
            ("infinite", r#"{"n":1e999}"#, &["'n'", "too large", "1e999"]),
            ("minus", r#"{"a":[{"n":-1e309}]}"#, &["'a.n'", "too large"]),
            ("far", &far, &["'n'", "too large", "1000"]),
            ("word", r#"{"n":NaN}"#, &["not JSON"]),
            ("plus", r#"{"n":+1}"#, &["not JSON"]),
        ],
    );
    for (filter, keys) in [
        ("n = 9223372036854775807", &["max"][..]),
        ("n = 9223372036854775808", &["above"]),
        ("n > 9223372036854775807", &["above", "greatest", "huge"]),
        ("n < 0", &["below", "min"]),
        // The nearest f64 to it is the smallest integer.
        ("n = -9223372036854775808", &["below", "min"]),
        ("n = 0", &["digits", "zero"]),
        ("n > 0 AND n < 1", &["tiny"]),
        ("n = 9007199254740993", &["odd"]),
        ("n = 9007199254740992", &[]),
        ("n BETWEEN 1e29 AND 1e30", &["huge"]),
        ("n = 1.7976931348623157e308", &["greatest"]),
    ] {
        assert_eq!(matching(&index, filter), keys, "{filter}");
    }
}
