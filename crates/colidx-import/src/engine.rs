//! Which engine wrote an index, and with which model.

use std::fmt;

/// Which engine wrote an index, as far as its files tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// Which of its versions, in words.
    pub version: Option<&'static str>,
    /// The library around the engine that named the documents: its name and, in words, version.
    pub within: Option<(&'static str, &'static str)>,
}

impl Engine {
    pub(crate) fn new(name: &'static str, version: Option<&'static str>) -> Engine {
        Engine {
            name,
            version,
            within: None,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(version) = self.version {
            write!(f, " {version}")?;
        }
        match self.within {
            Some((name, version)) => write!(f, ", in {name} {version}"),
            None => Ok(()),
        }
    }
}

/// The model that made the vectors, as its engine wrote it down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignModel {
    /// The checkpoint: an id on the model hub, or a path that may be gone or on another machine.
    pub checkpoint: String,
    /// Longest document in tokens.
    pub document_length: Option<u64>,
    /// Length of a query in tokens.
    pub query_length: Option<u64>,
    /// Token put before every document, as the vocabulary has it.
    pub document_marker: Option<String>,
    /// Token put before every query, as the vocabulary has it.
    pub query_marker: Option<String>,
    /// Whether vectors of punctuation are left out.
    pub mask_punctuation: Option<bool>,
    /// Whether the padding of queries is attended to.
    pub attend_to_mask_tokens: Option<bool>,
    /// `cosine` or `l2`.
    pub similarity: Option<String>,
}
