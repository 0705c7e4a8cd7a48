//! Ids of documents, as keys.

use std::collections::HashMap;

use crate::error::ImportError;

/// Most bytes of a key in an index of ours.
const MAX_KEY: usize = 4096;

/// An id as its user gave it: a text, or a number or truth value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    Text(Box<str>),
    Other(Box<str>),
}

impl Id {
    pub(crate) fn text(&self) -> &str {
        match self {
            Id::Text(text) | Id::Other(text) => text,
        }
    }
}

/// What keeps an id from being a key, in words.
pub(crate) fn fault(id: &str) -> Option<String> {
    match id.len() {
        0 => Some("an empty text".to_owned()),
        length if length > MAX_KEY => Some(format!("a text of {length} bytes")),
        _ => None,
    }
}

/// An error about the id of a document.
pub(crate) fn unfit(file: &str, document: u64, got: impl Into<String>) -> ImportError {
    ImportError::Id {
        file: file.to_owned(),
        document,
        got: got.into(),
    }
}

/// Checks that every id can be a key, and that no two that differ are the same as text.
pub(crate) fn check<'a>(
    file: &str,
    ids: impl Iterator<Item = (u64, &'a Id)> + Clone,
) -> Result<(), ImportError> {
    for (document, id) in ids.clone() {
        if let Some(got) = fault(id.text()) {
            return Err(unfit(file, document, got));
        }
    }
    let others = ids.clone().filter_map(|(document, id)| match id {
        Id::Other(text) => Some((&**text, document)),
        Id::Text(_) => None,
    });
    let others: HashMap<&str, u64> = others.collect();
    for (document, id) in ids {
        if let Id::Text(text) = id
            && let Some(other) = others.get(&**text)
        {
            let got = format!("the text `{text}`, which is the number of document {other} as text");
            return Err(unfit(file, document, got));
        }
    }
    Ok(())
}
