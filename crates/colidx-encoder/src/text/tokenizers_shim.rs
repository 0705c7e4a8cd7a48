//! Safe calls of the tokenizers library, which panics on much that a hostile or damaged
//! tokenizer.json may hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

/// The parts of a tokenizer.json to check before the library sees them.
#[derive(Deserialize)]
struct Parts {
    normalizer: Option<Value>,
    /// The library panics on malformed JSON in this field, so it is parsed here first.
    #[serde(rename = "decoder")]
    _decoder: Option<Value>,
}

/// Reads a tokenizer.json. Errors are messages.
pub(super) fn from_json(bytes: &[u8]) -> Result<Tokenizer, String> {
    let parts: Parts = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if parts
        .normalizer
        .is_some_and(|normalizer| claims_too_much(&normalizer))
    {
        return Err("its precompiled_charsmap is shorter than it says".to_owned());
    }
    call(|| Tokenizer::from_bytes(bytes))
}

/// Whether SentencePiece's character table is shorter than its length prefix: the library allocates
/// whatever that says.
fn claims_too_much(normalizer: &Value) -> bool {
    const MAP: &str = "precompiled_charsmap";
    match normalizer {
        Value::Array(items) => items.iter().any(claims_too_much),
        Value::Object(fields) => match fields.get(MAP) {
            Some(Value::String(base64)) => first_number(base64) > base64.len() as u64,
            _ => fields.values().any(claims_too_much),
        },
        _ => false,
    }
}

/// The little-endian number in the first four bytes of Base64 data. Missing or invalid digits count
/// as zero.
fn first_number(base64: &str) -> u64 {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = base64.bytes().chain([b'A'; 6]).take(6);
    let bits = digits.fold(0u64, |bits, digit| {
        let value = DIGITS.iter().position(|&known| known == digit);
        bits << 6 | value.unwrap_or(0) as u64
    });
    u64::from(((bits >> 4) as u32).swap_bytes())
}

/// Calls the library and turns a panic into an error: a damaged checkpoint must not end the
/// process.
pub(super) fn call<T>(call: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    // The library's locks protect only caches, which it bypasses once poisoned.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let message = panic.downcast::<String>().map_or_else(
                |other| other.downcast::<&str>().map_or("", |text| *text).to_owned(),
                |text| *text,
            );
            Err(format!(
                "it makes no sense to the tokenizers library: {message}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_tables_with_a_wrong_length_are_detected() {
        assert_eq!(first_number("BAAAAP///38="), 4);
        assert_eq!(first_number("eFY0Eg=="), 0x1234_5678);
        assert_eq!(first_number(""), 0);
        let with = |base64| {
            let map = serde_json::json!({"type": "Precompiled", "precompiled_charsmap": base64});
            serde_json::json!({"type": "Sequence", "normalizers": [map]})
        };
        assert!(claims_too_much(&with("/////w==")));
        assert!(!claims_too_much(&with("BAAAAP///38=")));
    }
}
