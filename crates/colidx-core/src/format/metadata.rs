//! Metadata of documents: a JSON object, or nothing.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// Refuses text that is neither empty nor a JSON object, and says why. The object is parsed but not
/// kept.
pub(crate) fn check(metadata: &str) -> Result<(), serde_json::Error> {
    if metadata.is_empty() {
        return Ok(());
    }
    serde_json::from_str::<Object>(metadata).map(|Object| ())
}

struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Object, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_nothing_are_metadata_and_all_else_is_not() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let deep = format!("{{\"a\":{deep}}}");
        for good in ["", "{}", " {\"a\": 1e999, \"a\": [{}]}\n", &deep] {
            check(good).unwrap();
        }
        for bad in [
            " ",
            "[]",
            "1",
            "null",
            "\"a\"",
            "{",
            "{}{}",
            "{} x",
            "{a:1}",
            "{\"a\"}",
            "\u{feff}{}",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
