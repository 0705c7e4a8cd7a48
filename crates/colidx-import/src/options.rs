//! What to read where an index offers more than one thing.

use std::path::PathBuf;

/// What to read where an index offers more than one thing.
///
/// ```
/// let options = colidx_import::ImportOptions::default().key_column("doi").originals(false);
/// assert_eq!(options.text_column, "text");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Whether to prefer vectors that were kept as they were given to those decoded from the index.
    pub originals: bool,
    /// The collection that a Stanford index was built from, for the texts: lines of number,
    /// passage and perhaps title, with tabs between them.
    pub collection: Option<PathBuf>,
    /// The column of `metadata.db` that holds the keys; without it the row numbers are the keys.
    pub key_column: Option<String>,
    /// The column of `metadata.db` that holds the texts. Unless it is `text`, it must be there.
    pub text_column: String,
    /// The column of `metadata.db` that holds the titles. Unless it is `title`, it must be there.
    pub title_column: String,
}

/// Columns that are read if they are there.
const TEXT: &str = "text";
const TITLE: &str = "title";

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            originals: true,
            collection: None,
            key_column: None,
            text_column: TEXT.to_owned(),
            title_column: TITLE.to_owned(),
        }
    }
}

impl ImportOptions {
    /// Sets [`Self::originals`].
    pub fn originals(self, originals: bool) -> Self {
        Self { originals, ..self }
    }

    /// Sets [`Self::collection`].
    pub fn collection(self, path: impl Into<Option<PathBuf>>) -> Self {
        let collection = path.into();
        Self { collection, ..self }
    }

    /// Sets [`Self::key_column`].
    pub fn key_column(self, name: impl Into<String>) -> Self {
        let key_column = Some(name.into());
        Self { key_column, ..self }
    }

    /// Sets [`Self::text_column`].
    pub fn text_column(self, name: impl Into<String>) -> Self {
        let text_column = name.into();
        Self {
            text_column,
            ..self
        }
    }

    /// Sets [`Self::title_column`].
    pub fn title_column(self, name: impl Into<String>) -> Self {
        let title_column = name.into();
        Self {
            title_column,
            ..self
        }
    }

    /// The columns that must be there, each with what it holds.
    pub(crate) fn named_columns(&self) -> Vec<(&'static str, &str)> {
        let mut columns = Vec::new();
        if let Some(column) = &self.key_column {
            columns.push(("keys", column.as_str()));
        }
        if self.text_column != TEXT {
            columns.push(("texts", &self.text_column));
        }
        if self.title_column != TITLE {
            columns.push(("titles", &self.title_column));
        }
        columns
    }
}
