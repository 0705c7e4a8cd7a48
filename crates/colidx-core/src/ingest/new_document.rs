//! A document as a caller gives it.

/// A document as a caller gives it.
///
/// ```
/// use colidx_core::NewDocument;
/// let document = NewDocument::new("doc-1").title("Foxes").text("A quick brown fox.");
/// assert_eq!(document.key, "doc-1");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewDocument<'a> {
    /// The caller's name for the document: unique, 1 to 4,096 bytes.
    pub key: &'a str,
    /// Title, or empty.
    pub title: &'a str,
    /// Text; may be empty.
    pub text: &'a str,
    /// Further fields as a JSON object, or empty.
    pub metadata: &'a str,
}

impl<'a> NewDocument<'a> {
    /// A document with a key and nothing else.
    pub const fn new(key: &'a str) -> Self {
        Self {
            key,
            title: "",
            text: "",
            metadata: "",
        }
    }

    /// With a title.
    pub const fn title(self, title: &'a str) -> Self {
        Self { title, ..self }
    }

    /// With text.
    pub const fn text(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// With further fields, a JSON object such as `{"year": 1999}`.
    pub const fn metadata(self, metadata: &'a str) -> Self {
        Self { metadata, ..self }
    }
}

/// A document with a key and nothing else.
impl<'a> From<&'a str> for NewDocument<'a> {
    fn from(key: &'a str) -> Self {
        Self::new(key)
    }
}

impl<'a> From<&'a String> for NewDocument<'a> {
    fn from(key: &'a String) -> Self {
        Self::new(key)
    }
}

impl<'a> From<&NewDocument<'a>> for NewDocument<'a> {
    fn from(document: &NewDocument<'a>) -> Self {
        *document
    }
}
