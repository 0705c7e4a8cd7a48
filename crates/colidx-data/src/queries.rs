//! A file of queries.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

use serde_json::{Map, Value};

use crate::corpus::{CorpusOptions, FieldNames, Format};
use crate::error::{InputError, LineFault};
use crate::files::{LineFile, STANDARD_INPUT};

/// One query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Query {
    /// The key, unique in its file.
    pub key: String,
    /// The text.
    pub text: String,
    /// Further fields of a JSON object and further columns of a table.
    pub metadata: Map<String, Value>,
}

/// The queries of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queries(Vec<Query>);

impl Queries {
    /// The names of the fields and columns other than key and text, sorted. A search makes no use
    /// of them: tell the user, who may have meant one of them.
    pub fn further_fields(&self) -> BTreeSet<&str> {
        let names = self.0.iter().flat_map(|query| query.metadata.keys());
        names.map(String::as_str).collect()
    }
}

impl Deref for Queries {
    type Target = [Query];

    fn deref(&self) -> &[Query] {
        &self.0
    }
}

impl IntoIterator for Queries {
    type Item = Query;
    type IntoIter = std::vec::IntoIter<Query>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// How a file of queries is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueryOptions {
    format: Option<Format>,
    id_field: String,
    text_field: String,
    allow_empty: bool,
}

impl Default for QueryOptions {
    /// The format by the file's ending, BEIR's field names, and no empty queries.
    fn default() -> Self {
        QueryOptions {
            format: None,
            id_field: CorpusOptions::ID_FIELD.to_owned(),
            text_field: CorpusOptions::TEXT_FIELD.to_owned(),
            allow_empty: false,
        }
    }
}

impl QueryOptions {
    /// The default options.
    pub fn new() -> QueryOptions {
        QueryOptions::default()
    }

    /// The format, JSON Lines, TSV or CSV. Without it the file's ending decides, and standard input
    /// is JSON Lines.
    pub fn format(mut self, format: impl Into<Option<Format>>) -> Self {
        self.format = format.into();
        self
    }

    /// The JSON field or TSV column that holds the key: text or a whole number.
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.id_field = name.into();
        self
    }

    /// The JSON field or TSV column that holds the text.
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.text_field = name.into();
        self
    }

    /// Whether the text may be empty or only white space: for a caller that searches for no such
    /// query and says so, or whose vectors come from elsewhere.
    pub fn allow_empty(mut self, allow: bool) -> Self {
        self.allow_empty = allow;
        self
    }
}

/// Reads a file of queries, or standard input for `-`: JSON Lines (`_id`, `text`), TSV or CSV
/// (columns named by a header, or id and text), plain, gzip or zstd. The queries are held whole.
///
/// # Errors
/// The file cannot be read, its format is unknown or has no records, a line is bad, a query is
/// empty, a key appears twice, or there are no queries.
pub fn read_queries(path: &Path, options: &QueryOptions) -> Result<Queries, InputError> {
    let lines = LineFile::open(path)?;
    let by_name = || match Format::of_path(path) {
        // The names of standard input and pipes say nothing about the format.
        None if lines.file() == STANDARD_INPUT || !path.is_file() => Some(Format::JSONL),
        format => format,
    };
    let format = options
        .format
        .or_else(by_name)
        .ok_or_else(|| InputError::UnknownFormat {
            file: lines.file().to_owned(),
            formats: Format::list(),
        })?;
    read(lines, format, options)
}

/// As [`read_queries`], from any reader; `file` names it in messages.
///
/// # Errors
/// As [`read_queries`].
pub fn read_queries_from(
    reader: impl Read + Send + 'static,
    file: &str,
    format: Format,
    options: &QueryOptions,
) -> Result<Queries, InputError> {
    read(LineFile::new(reader, file)?, format, options)
}

fn read(lines: LineFile, format: Format, options: &QueryOptions) -> Result<Queries, InputError> {
    let file = lines.file().to_owned();
    let fields = FieldNames {
        id: options.id_field.clone(),
        title: None,
        text: options.text_field.clone(),
        text_is_optional: false,
        left_out: None,
    };
    let Some(mut parser) = format.parser(&fields) else {
        return Err(InputError::WrongFormat {
            file,
            what: "queries",
            format: format.to_string(),
        });
    };
    let mut queries = Vec::new();
    let mut seen = HashSet::new();
    lines.each_until_end(|_, line| {
        let Some(line) = line else {
            return parser.end();
        };
        let Some(record) = parser.parse(line)? else {
            return Ok(());
        };
        if !seen.insert(record.key.clone()) {
            return Err(LineFault::Repeated {
                what: "query",
                key: record.key,
            });
        }
        if record.text.trim().is_empty() && !options.allow_empty {
            return Err(LineFault::EmptyQuery { key: record.key });
        }
        queries.push(Query {
            key: record.key,
            text: record.text,
            metadata: record.metadata,
        });
        Ok(())
    })?;
    if queries.is_empty() {
        return Err(InputError::NoQueries { file });
    }
    Ok(Queries(queries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &'static str, format: Format) -> Result<Vec<(String, String)>, String> {
        let options = QueryOptions::new().allow_empty(true);
        read_queries_from(Cursor::new(text), "queries", format, &options)
            .map(|queries| {
                queries
                    .into_iter()
                    .map(|query| (query.key, query.text))
                    .collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn both_formats() {
        let expected = Ok(vec![
            ("1".to_owned(), "first query".to_owned()),
            ("b".to_owned(), String::new()),
        ]);
        let json = "{\"_id\":1,\"text\":\"first query\",\"metadata\":{}}\n\n{\"_id\":\"b\",\"text\":\"\"}\n";
        assert_eq!(read(json, Format::JSONL), expected);
        assert_eq!(read("1\tfirst query\r\nb\t\n", Format::TSV), expected);
        assert_eq!(
            read("qid\tquery\n1\tfirst query\nb\t\n", Format::TSV),
            expected
        );
    }

    #[test]
    fn nothing_to_search_for_is_an_error() {
        let read = |text: &'static str, format| {
            let options = QueryOptions::new();
            let queries = read_queries_from(Cursor::new(text), "queries", format, &options);
            queries.unwrap_err().to_string()
        };
        for (text, format) in [
            ("1\ta\nb\t\n", Format::TSV),
            ("1\ta\nb\t \u{a0}\u{3000}\n", Format::TSV),
            ("qid\tquery\nb\t", Format::TSV),
            ("{\"_id\": \"b\", \"text\": \"\"}", Format::JSONL),
            ("{\"_id\": \"b\", \"text\": \" \\n\\t\"}", Format::JSONL),
        ] {
            let error = read(text, format);
            assert!(
                error.contains("the query \"b\" is empty"),
                "{text:?}: {error}"
            );
        }
        for (text, format) in [
            ("", Format::TSV),
            ("\n \n", Format::TSV),
            ("qid\tquery\n", Format::TSV),
            ("\u{feff}", Format::JSONL),
        ] {
            let error = read(text, format);
            assert!(
                error.contains("queries has no queries"),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn further_columns_and_fields_are_told() {
        let further = |text: &'static str, format| {
            let options = QueryOptions::new();
            let queries = read_queries_from(Cursor::new(text), "q", format, &options).unwrap();
            assert_eq!(
                (queries[0].key.as_str(), queries[0].text.as_str()),
                ("1", "a b")
            );
            queries
                .further_fields()
                .into_iter()
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(further("1\ta b\n", Format::TSV), "");
        assert_eq!(further("1\ta b\tthe title", Format::TSV), "column 3");
        let topics = "qid\ttitle\tdescription\tnarrative\n1\ta b\td\tn\n2\tc\t\t\n";
        assert_eq!(further(topics, Format::TSV), "description, narrative");
        let json = "{\"_id\": 1, \"text\": \"a b\", \"title\": 5, \"metadata\": {}}";
        assert_eq!(further(json, Format::JSONL), "metadata, title");
    }

    #[test]
    fn judgements_are_no_queries() {
        let text = "query-id\tcorpus-id\tscore\nq\td\t1\n";
        let error = read(text, Format::TSV).unwrap_err();
        assert!(error.contains("got relevance judgements"), "{error}");
    }

    #[test]
    fn bad_lines_name_their_place() {
        let error = read("1\ta\n\n1\tb", Format::TSV).unwrap_err();
        assert!(
            error.starts_with("queries:3: query \"1\" appeared already"),
            "{error}"
        );
        let error = read("1\ta\nb", Format::TSV).unwrap_err();
        assert!(
            error.starts_with("queries:2: expected 2 or 3 columns"),
            "{error}"
        );
        let error = read("{\"nr\":1,\"text\":\"\"}", Format::JSONL).unwrap_err();
        assert!(
            error.contains("missing field \"_id\"") && !error.contains("--skip-bad-lines"),
            "{error}"
        );
        assert!(
            read("x", Format::TEXT)
                .unwrap_err()
                .contains("queries cannot be read from text")
        );
    }

    #[test]
    fn the_name_tells_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q.tsv");
        std::fs::write(&path, "1\ta").unwrap();
        assert_eq!(
            read_queries(&path, &QueryOptions::default()).unwrap()[0].text,
            "a"
        );
        let other = folder.path().join("queries");
        std::fs::copy(&path, &other).unwrap();
        assert!(matches!(
            read_queries(&other, &QueryOptions::default()),
            Err(InputError::UnknownFormat { .. })
        ));
        let options = QueryOptions::new().format(Format::TSV);
        assert_eq!(read_queries(&other, &options).unwrap().len(), 1);
    }
}
