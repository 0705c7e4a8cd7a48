use proptest::prelude::*;

use super::*;

fn open_text(text: &[u8], named: bool) -> Result<JsonFile, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    std::fs::write(&path, text).unwrap();
    JsonFile::open(&path, named)
}

fn elements(text: &str) -> Vec<Value> {
    let mut file = open_text(text.as_bytes(), false).unwrap();
    (0..file.len())
        .map(|number| file.read(number).unwrap().unwrap())
        .collect()
}

#[test]
fn elements_are_found_and_read_one_by_one() {
    assert_eq!(elements("[]").len(), 0);
    assert_eq!(elements(" [ \n ] ").len(), 0);
    assert_eq!(
        elements(r#"["a", "],\"\\", [1, [2, "]"]], {"a": "}"} ]"#).len(),
        4
    );
    let mut object = open_text(br#"{"a\u00e4": {"x": 1}, "b":2 , "c" : null}"#, true).unwrap();
    assert_eq!(object.names, ["aä".into(), "b".into(), "c".into()]);
    assert_eq!(object.metadata(0).unwrap()["x"], 1);
    assert_eq!(object.metadata(1).unwrap()["metadata"], 2);
    assert_eq!(object.metadata(2).unwrap().len(), 0);
    assert_eq!(object.read::<Value>(3).unwrap(), None);
}

#[test]
fn what_is_no_list_is_refused() {
    for text in ["", "{}", "[", "[1", "[1,", "[\"a", "[\"a\\", "1", "[1}"] {
        assert!(open_text(text.as_bytes(), false).is_err(), "{text}");
    }
    for text in [
        "{",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{1:2}",
        "{\"a\" 1}",
        "[]",
    ] {
        assert!(open_text(text.as_bytes(), true).is_err(), "{text}");
    }
    let mut file = open_text(b"[1, }x{, \"\xff\"]", false);
    if let Ok(file) = &mut file {
        assert!(file.read::<Value>(1).is_err());
    }
}

proptest! {
    #[test]
    fn every_list_gives_its_elements(texts in prop::collection::vec(".*", 0..20), pretty: bool) {
        let list = Value::from(texts.clone());
        let text = if pretty { format!("{list:#}") } else { list.to_string() };
        prop_assert_eq!(elements(&text), texts);
    }

    #[test]
    fn no_bytes_make_it_panic(choices in prop::collection::vec(any::<prop::sample::Index>(), 0..40), named: bool) {
        let text: Vec<u8> = choices.iter().map(|index| *index.get(&b"[]{}\",:\\ 1a\xff"[..])).collect();
        if let Ok(mut file) = open_text(&text, named) {
            for number in 0..file.len() {
                let _ = file.read::<Value>(number);
            }
        }
    }
}
