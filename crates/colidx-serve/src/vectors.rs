//! Token vectors in JSON: a list of lists of numbers, all of one length.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Token vectors, `[n_tokens, dim]` f32 row-major.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Vectors {
    pub values: Vec<f32>,
    pub dim: usize,
}

impl Vectors {
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }
}

/// Read straight into one buffer: lists of lists would take many times the memory of the text.
impl<'de> Deserialize<'de> for Vectors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Vectors, D::Error> {
        deserializer.deserialize_seq(Rows)
    }
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Vectors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("token vectors, a list of lists of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Vectors, A::Error> {
        let mut vectors = Vectors::default();
        while rows.next_element_seed(Row(&mut vectors))?.is_some() {}
        Ok(vectors)
    }
}

struct Row<'a>(&'a mut Vectors);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token vector, a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<(), A::Error> {
        let before = self.0.values.len();
        while let Some(value) = row.next_element::<f32>()? {
            self.0.values.push(value);
        }
        let dim = self.0.values.len() - before;
        if dim == 0 || before > 0 && dim != self.0.dim {
            let expected = match before {
                0 => "at least 1".to_owned(),
                _ => format!("{}, as in the first", self.0.dim),
            };
            let message = format!("a token vector has {dim} values, expected {expected}");
            return Err(Error::custom(message));
        }
        self.0.dim = dim;
        Ok(())
    }
}

impl Serialize for Vectors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values.chunks_exact(self.dim.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vectors, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn vectors_come_back_as_they_were() {
        let vectors = read("[[1, 0.5], [0, -2e3]]").unwrap();
        assert_eq!(vectors.values, [1.0, 0.5, 0.0, -2000.0]);
        assert_eq!((vectors.rows(), vectors.dim), (2, 2));
        let json = serde_json::to_string(&vectors).unwrap();
        assert_eq!(read(&json).unwrap(), vectors);
        assert_eq!(read("[]").unwrap().rows(), 0);
    }

    #[test]
    fn ragged_and_foreign_lists_are_refused() {
        for json in [
            "[[1], [1, 2]]",
            "[[]]",
            "[1]",
            "[[\"1\"]]",
            "{}",
            "[[null]]",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        assert!(
            read("[[1], []]")
                .unwrap_err()
                .contains("0 values, expected 1")
        );
    }
}
