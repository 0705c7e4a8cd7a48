//! Exact messages.

use serde_json::{Value as Json, json};

use super::{Fields, Filter, FilterError, Value};

/// A text with its place between « and », and the message without the excerpt.
type Case = (&'static str, &'static str);

const SYNTAX: &[Case] = &[
    ("«»", "expected a field, NOT or `(`, got the end"),
    (
        "lang = «'»en",
        "the ' is never closed; write '' for one within it",
    ),
    (
        "«\"»lang = 1",
        "the \" is never closed; write \"\" for one within it",
    ),
    (
        "a = 'x' AND b = «'»",
        "the ' is never closed; write '' for one within it",
    ),
    ("a «&» b", "unexpected character `&`; write AND"),
    ("a «|»| b", "unexpected character `|`; write OR"),
    (
        "«!»a",
        "unexpected character `!`; write NOT, or != for not equal",
    ),
    (
        "a = «[»1]",
        "unexpected character `[`; lists stand in parentheses",
    ),
    (
        "a = «‘»x’",
        "unexpected character `‘`; strings stand in 'single quotes', names in \"double quotes\"",
    ),
    (
        "a«;» b",
        "unexpected character `;`; strings and names with such characters stand in quotes",
    ),
    (
        "a = «\0»",
        "unexpected character `\u{fffd}`; strings and names with such characters stand in quotes",
    ),
    (
        "a«-b» = 1",
        "`-b` is not a number; a name with other characters than letters, digits and _ stands in \
         double quotes",
    ),
    (
        "date > «2024-01-01T00:00»",
        "`2024-01-01T00:00` is not a number; strings, dates too, stand in single quotes",
    ),
    (
        "a = «--1»",
        "`--1` is not a number; strings, dates too, stand in single quotes",
    ),
    (
        "a = «.»",
        "`.` is not a number; a name with other characters than letters, digits and _ stands in \
         double quotes",
    ),
    (
        "a = «1e999»",
        "the number 1e999 is out of range, expected at most 1.7976931348623157e308",
    ),
    (
        "a = «-9223372036854775809»",
        "the integer -9223372036854775809 is out of range, expected -9223372036854775808 to \
         9223372036854775807; with .0 behind it, the nearest float is taken",
    ),
    ("a.«»", "expected a name after `.`, got the end"),
    ("a.«.»b", "expected a name after `.`, got `.`"),
    (
        "year «BETWEN» 1 AND 2",
        "expected a comparison, AND, OR or the end, got `BETWEN`; did you mean BETWEEN?",
    ),
    (
        "a = 1 «ADN» b",
        "expected AND, OR or the end, got `ADN`; did you mean AND?",
    ),
    ("a IS «NUL»", "expected NULL, got `NUL`; did you mean NULL?"),
    ("a IS NOT «1»", "expected NULL, got `1`"),
    (
        "a NOT «lkie» 'x'",
        "expected BETWEEN, IN, LIKE or EXISTS, got `lkie`; did you mean LIKE?",
    ),
    (
        "a NOT «=» 1",
        "expected BETWEEN, IN, LIKE or EXISTS, got `=`",
    ),
    ("a LIKE «5»", "expected a string, got the number 5"),
    (
        "a LIKE «b»",
        "expected a value, got `b`; strings stand in single quotes: 'b'",
    ),
    (
        "lang = «en»",
        "expected a value, got `en`; strings stand in single quotes: 'en'",
    ),
    (
        "lang = «\"en\"»",
        "expected a value, got `\"en\"`; strings stand in single quotes: 'en'",
    ),
    (
        "lang = «ture»",
        "expected a value, got `ture`; did you mean TRUE?",
    ),
    (
        "a = «null»",
        "expected a value, got `null`; write IS NULL or IS NOT NULL",
    ),
    ("a =«»", "expected a value, got the end"),
    ("a AND«»", "expected a field, NOT or `(`, got the end"),
    (
        "«AND» a",
        "expected a field, NOT or `(`, got `AND`; a field of this name stands in double quotes",
    ),
    ("NOT«»", "expected a field, NOT or `(`, got the end"),
    ("(a = 1«»", "expected AND, OR or `)`, got the end"),
    ("a«)»", "expected a comparison, AND, OR or the end, got `)`"),
    (
        "a «'b'»",
        "expected a comparison, AND, OR or the end, got `'b'`",
    ),
    ("a IN «1»", "expected `(` and a list of values, got `1`"),
    ("a IN (1«»", "expected `,` or `)`, got the end"),
    ("a IN (1 «2»)", "expected `,` or `)`, got `2`"),
    ("a IN (1,«)»", "expected a value, got `)`"),
    ("a BETWEEN 1«,» 2", "expected AND, got `,`"),
    ("5«»", "expected a comparison with a field, got the end"),
    (
        "5 < «6»",
        "expected a field on one side of the comparison, got `6`",
    ),
    (
        "TRUE = «TRUE»",
        "expected a field on one side of the comparison, got `TRUE`",
    ),
    (
        "1 < a «<» 2",
        "expected AND, OR or the end, got `<`; join two comparisons with AND",
    ),
    (
        "«EXISTS»(a)",
        "expected a field, NOT or `(`, got `EXISTS`; write the field before EXISTS",
    ),
    (
        "a LIKE «?» AND b IN (?, '?', ?)",
        "expected a value for each of 3 `?`, got 0",
    ),
];

const CHECKS: &[Case] = &[
    (
        "«yaer» > 1",
        "no document has a field yaer; did you mean year?",
    ),
    (
        "lang = 'x' AND «name» = 'x'",
        "no document has a field name; did you mean author.name?",
    ),
    (
        "NOT «zzz» IS NULL",
        "no document has a field zzz; the fields are author, author.name, draft, empty, lang, \
         mixed, year, \"v1.0\"",
    ),
    (
        "«\"author.name\"» EXISTS",
        "no document has a field \"author.name\"; did you mean author.name?",
    ),
    (
        "«v1.0» = 'x'",
        "no document has a field v1.0; did you mean \"v1.0\"?",
    ),
    (
        "«year» = '2020'",
        "field year has only numbers, got the string '2020' to compare it with",
    ),
    (
        "«year» IN (1, 'x')",
        "field year has only numbers, got the string 'x' to compare it with",
    ),
    (
        "«lang» BETWEEN 5 AND 6",
        "field lang has only strings, got the number 5 to compare it with",
    ),
    (
        "1.5 > «draft»",
        "field draft has only booleans, got the number 1.5 to compare it with",
    ),
    (
        "«mixed» = TRUE",
        "field mixed has only numbers and strings, got the boolean TRUE to compare it with",
    ),
    (
        "«year» LIKE '20%'",
        "LIKE expects a field with strings, year has only numbers",
    ),
    (
        "«lang» AND draft",
        "a field alone is a filter if it has booleans, lang has only strings; compare it with a \
         value",
    ),
    (
        "«mixed» BETWEEN 1 AND 'x'",
        "BETWEEN expects two values of one type for field mixed, got the number 1 and the string \
         'x'",
    ),
];

/// The message, or nothing for a good filter.
fn message(result: Result<Filter, FilterError>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

fn checked(text: &str) -> Result<Filter, FilterError> {
    let filter = Filter::parse(text)?;
    let check = filter.check(&Fields).map(|()| filter);
    check.map_err(|error| error.with_text(text))
}

#[test]
fn messages_say_what_is_wrong_and_where() {
    let syntax = SYNTAX
        .iter()
        .map(|case| (case, Filter::parse as fn(&str) -> _));
    let checks = CHECKS.iter().map(|case| (case, checked as fn(&str) -> _));
    for ((marked, expected), read) in syntax.chain(checks) {
        let [before, place, after] = marked.split(['«', '»']).collect::<Vec<_>>()[..] else {
            panic!("{marked}")
        };
        let indent = " ".repeat(before.chars().count());
        let carets = "^".repeat(place.chars().count().max(1));
        let text = format!("{before}{place}{after}");
        let shown = text.replace('\0', "\u{fffd}");
        let expected = format!("{expected}\n  | {shown}\n  | {indent}{carets}");
        assert_eq!(message(read(&text)), expected);
    }
}

#[test]
fn the_place_is_shown_among_lines_and_in_long_ones() {
    assert_eq!(
        message(Filter::parse("a = 1\n\tAND b =\t= 2\nOR c")),
        "expected a value, got `=`\n2 |  AND b = = 2\n  |          ^"
    );
    assert_eq!(
        message(Filter::parse("言語 = '日本\u{1b}[31m' b")),
        "expected AND, OR or the end, got `b`\n  \
         | 言語 = '日本\u{fffd}[31m' b\n  |                    ^"
    );
    let deep = message(Filter::parse(&"(".repeat(100_000)));
    let expected = format!(
        "nested too deep, expected at most 60 levels of AND, OR, NOT and parentheses\n  \
         | …{}…\n  | {}^",
        "(".repeat(75),
        " ".repeat(41)
    );
    assert_eq!(deep, expected);
    assert_eq!(
        message(Filter::parse(&" ".repeat(17 << 20))),
        "the filter has 17825792 bytes, expected at most 16777216"
    );
    let long = message(Filter::parse(&format!("a = 1 {}", "b".repeat(1_000_000))));
    assert!(long.starts_with(&format!(
        "expected AND, OR or the end, got `{}…`\n",
        "b".repeat(40)
    )));
    assert!(long.len() < 400);
    for text in [
        "9".repeat(1_000_000),
        format!("{}e", "1".repeat(1_000_000)),
        "a.".repeat(1_000_000),
    ] {
        assert!(message(Filter::parse(&format!("a = {text}"))).len() < 400);
    }
}

#[test]
fn values_of_parameters_are_checked() {
    let cases: [(&str, &[Value], &str); 4] = [
        (
            "a = ?",
            &[1.into(), 2.into()],
            "expected a value for each of 1 `?`, got 2",
        ),
        (
            "a",
            &[1.into()],
            "expected a value for each of 0 `?`, got 1",
        ),
        (
            "a = ?",
            &[f64::NAN.into()],
            "NaN is no value to compare with, expected a finite number",
        ),
        (
            "a LIKE ?",
            &[1.into()],
            "expected a string, got the number 1",
        ),
    ];
    for (text, values, expected) in cases {
        let message = message(Filter::parse_with(text, values));
        assert_eq!(message.lines().next(), Some(expected), "{text}");
    }
}

#[test]
fn built_filters_have_no_place() {
    let check = |filter: Filter| filter.check(&Fields).unwrap_err().to_string();
    assert_eq!(
        check(Filter::field("yaer").eq(1)),
        "no document has a field yaer; did you mean year?"
    );
    assert_eq!(
        check(Filter::field("year").is_in([f64::INFINITY])),
        "inf is no value to compare with, expected a finite number"
    );
}

#[test]
fn messages_name_the_path_in_json() {
    let ops =
        "expected and, or, not, =, !=, <, <=, >, >=, between, in, like, is_true, is_null, exists";
    let value = "expected a string, a number or a boolean";
    let object = "expected an object such as {\"op\": \"=\", ...}";
    let exists = json!({"op": "exists", "field": "a"});
    let test = |value: Json| json!({"op": "=", "field": "a", "value": value});
    let cases = [
        (json!(1), format!("{object}, got a number")),
        (json!({}), format!("missing key `op`, {object}")),
        (
            json!({"op": 1}),
            "op: expected a string, got a number".into(),
        ),
        (json!({"op": "eq"}), format!("op: unknown op `eq`, {ops}")),
        (
            json!({"op": "adn"}),
            format!("op: unknown op `adn`, {ops}; did you mean and?"),
        ),
        (
            json!({"op": "and"}),
            "missing key `args`, expected op, args".into(),
        ),
        (
            json!({"op": "or", "args": {}}),
            "args: expected an array, got an object".into(),
        ),
        (
            json!({"op": "and", "args": [exists, {"op": "=", "field": "a", "valeu": 1}]}),
            "args[1].valeu: unknown key, expected op, field, value; did you mean value?".into(),
        ),
        (
            json!({"op": "and", "args": [exists, test(Json::Null)]}),
            format!("args[1].value: {value}, got null; the op is_null finds null"),
        ),
        (
            json!({"op": "not", "arg": {"op": "in", "field": "a", "values": [1, [2]]}}),
            format!("arg.values[1]: {value}, got an array; the op in takes several values"),
        ),
        (
            json!({"op": "not", "arg": []}),
            format!("arg: {object}, got an array"),
        ),
        (test(json!({})), format!("value: {value}, got an object")),
        (
            test(json!(u64::MAX)),
            "value: the integer 18446744073709551615 is out of range, expected \
             -9223372036854775808 to 9223372036854775807; with .0 behind it, the nearest float is \
             taken"
                .into(),
        ),
        (
            json!({"op": "is_null", "field": 3}),
            "field: expected a string, got a number".into(),
        ),
        (
            json!({"op": "between", "field": "a", "low": 3}),
            "missing key `high`, expected op, field, low, high".into(),
        ),
    ];
    for (json, expected) in cases {
        let error = Filter::from_json(&json).unwrap_err();
        assert_eq!(error.to_string(), expected, "{json}");
        assert!(
            error
                .json_path()
                .is_some_and(|path| expected.starts_with(path))
        );
    }
    assert_eq!(
        Filter::from_json(&test(json!(1u64 << 63))),
        Ok(Filter::field("a").eq(2f64.powi(63)))
    );
}
