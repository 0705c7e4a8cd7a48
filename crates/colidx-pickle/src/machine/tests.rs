use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn read(pickle: &[u8]) -> Result<Contents, PickleError> {
    run(Cursor::new(pickle), 1000)
}

/// A value in words.
fn show(contents: &Contents, id: Id) -> String {
    let all = |ids: &[Id]| ids.iter().map(|&id| show(contents, id)).collect::<Vec<_>>();
    match contents.get(id) {
        Value::Int(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bytes(range) => format!("bytes {range:?}"),
        Value::Global(module, name) => format!("{module}.{name}"),
        Value::Tuple(items) => format!("({})", all(items).join(" ")),
        Value::List(items) => format!("[{}]", all(items).join(" ")),
        Value::Dict(items) => {
            let item = |&(key, value)| format!("{}:{}", show(contents, key), show(contents, value));
            format!(
                "{{{}}}",
                items.iter().map(item).collect::<Vec<_>>().join(" ")
            )
        }
        &Value::Call {
            callable,
            arguments,
            state,
        } => {
            let state = state.map_or(String::new(), |state| format!("!{}", show(contents, state)));
            format!(
                "{}{}{state}",
                show(contents, callable),
                show(contents, arguments)
            )
        }
        &Value::PersistentId(id) => format!("@{}", show(contents, id)),
        Value::BigInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::False => "False".to_owned(),
        Value::True => "True".to_owned(),
        Value::None => "-".to_owned(),
    }
}

#[test]
fn values_of_every_kind() {
    for (pickle, expected) in [
        (&b"\x80\x02N."[..], "-"),
        (b"\x88.", "True"),
        (b"\x89.", "False"),
        (b"K\xff.", "255"),
        (b"M\x01\x02.", "513"),
        (b"J\xff\xff\xff\xff.", "-1"),
        (b"\x8a\x00.", "0"),
        (b"\x8a\x05\0\0\0\0\x01.", "4294967296"),
        (b"\x8a\x01\xff.", "-1"),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\x01.", "18446744073709551616"),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\xff.", "-18446744073709551616"),
        (
            b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.",
            "18446744073709551615",
        ),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\0.", "0"),
        (b"G\0\0\0\0\0\0\0\0.", "0.0"),
        (b"G\xbf\xf8\0\0\0\0\0\0.", "-1.5"),
        (b"X\x02\0\0\0ab.", "\"ab\""),
        (b"\x8c\x02ab.", "\"ab\""),
        (b"\x8d\x02\0\0\0\0\0\0\0ab.", "\"ab\""),
        (b"C\x02ab.", "bytes 2..4"),
        (b"B\x02\0\0\0ab.", "bytes 5..7"),
        (b"\x8e\x02\0\0\0\0\0\0\0ab.", "bytes 9..11"),
        (b"(K\x01K\x02t.", "(1 2)"),
        (b"K\x01K\x02\x86.", "(1 2)"),
        (b"](K\x01K\x02e.", "[1 2]"),
        (b"]K\x01a.", "[1]"),
        (b"}K\x01K\x02s.", "{1:2}"),
        (b"}(K\x01K\x02K\x03K\x04u.", "{1:2 3:4}"),
        (b"cm\nf\nK\x01\x85R.", "m.f(1)"),
        (b"\x8c\x01m\x8c\x01f\x93)R.", "m.f()"),
        (b"cm\nf\n)RK\x07b.", "m.f()!7"),
        (b"ccollections\nOrderedDict\n)RK\x07b.", "{}"),
        (b"K\x01Q.", "@1"),
        (b"K\x01q\x00h\x00\x86.", "(1 1)"),
        (b"K\x01q\x09K\x02h\x09\x86.", "(2 1)"),
        (b"K\x05\x94K\x06\x94h\x00\x87.", "(5 6 5)"),
        (b"K\x05\x94K\x06\x94h\x01\x86.", "(6 6)"),
    ] {
        let contents = read(pickle).unwrap();
        assert_eq!(show(&contents, contents.root_id()), expected, "{pickle:?}");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    for pickle in [
        &b""[..],
        b".",
        b"K",
        b"t.",
        b"K\x01\x86.",
        b"s.",
        b"K\x01K\x02s.",
        b"(K\x01u.",
        b"R.",
        b"b.",
        b"Q.",
        b"q\x00.",
        b"h\x00.",
        b"a.",
        b"e.",
        b"(K\x01((tttt.",
        b"X\xff\xff\xff\xffab.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab.",
        b"X\x01\0\0\0\xff.",
        b"cm",
        b"K\x01K\x02\x93.",
    ] {
        assert!(read(pickle).is_err(), "{pickle:?}");
    }
    // Instructions that import by another name, make objects of classes, or copy.
    for code in [b'i', b'o', 0x92, 0x82, b'2', b'I', b'S'] {
        let error = read(&[b'N', code, b'.']).unwrap_err();
        assert!(
            matches!(error, PickleError::Unknown { at: 1, .. }),
            "{code}"
        );
    }
}

#[test]
fn length_is_limited() {
    let long = [&b")".repeat(2000)[..], b"."].concat();
    assert!(matches!(read(&long), Err(PickleError::Long(1000))));
}

#[test]
fn nesting_and_repetition_cost_no_more_than_the_file() {
    // Each tuple holds the one before it twice: 2^300 items if copied.
    let mut pickle = b"K\x01".to_vec();
    pickle.extend(b"q\x00h\x00\x86".repeat(300));
    pickle.push(b'.');
    assert_eq!(run(Cursor::new(pickle), 1000).unwrap().values.len(), 301);
}

proptest! {
    #[test]
    fn no_pickle_makes_it_panic(
        codes in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = read(&bytes);
        let known = b"\x80\x95N\x88\x89GKMJ\x8aX\x8c\x8dBC\x8e\x96c\x93()]}t\x85\x86\x87suaeR\x81bQqr\x94hj.\x00\x01\x02\n";
        let pickle: Vec<u8> = codes.iter().map(|index| *index.get(&known[..])).collect();
        let _ = read(&pickle);
    }
}
