//! Keys in TREC runs, whose columns are separated by white space.

use std::borrow::Cow;

use colidx_data::{RunError, RunWriter};

use crate::output::harmless::is_hostile;
use crate::output::note;

/// A key as it stands in a run: white space, control and direction characters and `%` are
/// percent-encoded, so that every URL decoder gives the key back.
pub fn escape(key: &str) -> Cow<'_, str> {
    let escaped = |c: char| c == '%' || c.is_whitespace() || is_hostile(c);
    if !key.contains(escaped) {
        return Cow::Borrowed(key);
    }
    let mut out = String::with_capacity(key.len() + 16);
    for c in key.chars() {
        if escaped(c) {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).bytes();
            out.extend(bytes.map(|byte| format!("%{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The key that [`escape`] made this of; what it cannot have made stays as it is.
pub fn unescape(key: &str) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) if text != key => Cow::Owned(text),
        _ => Cow::Borrowed(key),
    }
}

/// Writes runs with escaped keys, and says once that there are some.
#[derive(Default)]
pub struct RunKeys {
    example: Option<String>,
}

impl RunKeys {
    /// Writes the hits of a query.
    ///
    /// # Errors
    /// As [`RunWriter::write`].
    pub fn write<W: std::io::Write>(
        &mut self,
        run: &mut RunWriter<W>,
        query: &str,
        hits: &[colidx::Hit],
    ) -> Result<(), RunError> {
        let query = self.escape(query);
        let keys: Vec<_> = hits.iter().map(|hit| self.escape(&hit.key)).collect();
        let hits = keys.iter().zip(hits);
        run.write(&query, hits.map(|(key, hit)| (key.as_ref(), hit.score)))
    }

    /// Says that keys were escaped, if so.
    pub fn tell(&self) {
        if let Some(key) = &self.example {
            note(&format!(
                "keys with white space, control characters or `%` are percent-encoded in the run, \
                 such as `{key}` as {}",
                escape(key)
            ));
        }
    }

    fn escape<'k>(&mut self, key: &'k str) -> Cow<'k, str> {
        let escaped = escape(key);
        if let Cow::Owned(_) = escaped
            && self.example.is_none()
        {
            self.example = Some(key.to_owned());
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_keys_are_one_column_and_decode_to_the_key() {
        for (key, expected) in [
            ("my note.md#1", "my%20note.md#1"),
            ("100%", "100%25"),
            ("a%20b", "a%2520b"),
            ("tab\there", "tab%09here"),
            ("wide\u{3000}space", "wide%E3%80%80space"),
            ("over\u{202e}ride", "over%E2%80%AEride"),
            ("naïve/日本", "naïve/日本"),
        ] {
            assert_eq!(escape(key), expected);
            assert_eq!(unescape(&escape(key)), key);
        }
    }
}
