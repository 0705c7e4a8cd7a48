//! A file of queries.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use crate::corpus::records::{Fields, is_tsv_header, parse_json, parse_tsv};
use crate::error::{InputError, LineFault};
use crate::files::LineFile;
use crate::files::{Format, STANDARD_INPUT};

/// One query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The key, unique in its file.
    pub key: String,
    /// The text; may be empty.
    pub text: String,
}

/// How a file of queries is read.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// The format, JSON Lines or TSV; without it the extension tells, and standard input is JSON Lines.
    pub format: Option<Format>,
    /// The JSON field that holds the key, a string or an integer.
    pub id_field: String,
    /// The JSON field that holds the text.
    pub text_field: String,
}

impl Default for QueryOptions {
    fn default() -> Self {
        QueryOptions {
            format: None,
            id_field: "_id".to_owned(),
            text_field: "text".to_owned(),
        }
    }
}

/// Reads a file of queries, or standard input for `-`: JSON Lines (`_id`, `text`) or TSV (id, text), plain, gzip or
/// zstd. The queries are held whole, in the order of the file.
///
/// # Errors
/// The file cannot be read, its format cannot be told or is plain text, a line is bad, or a key appears twice.
pub fn read_queries(path: &Path, options: &QueryOptions) -> Result<Vec<Query>, InputError> {
    let table = LineFile::open(path)?;
    let by_name = || match Format::of_path(path) {
        // Standard input and pipes have no name that tells anything.
        None if table.file() == STANDARD_INPUT || !path.is_file() => Some(Format::Jsonl),
        format => format,
    };
    let format = options
        .format
        .or_else(by_name)
        .ok_or_else(|| InputError::UnknownFormat {
            file: table.file().to_owned(),
        })?;
    read(table, format, options)
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
) -> Result<Vec<Query>, InputError> {
    read(LineFile::new(reader, file)?, format, options)
}

fn read(table: LineFile, format: Format, options: &QueryOptions) -> Result<Vec<Query>, InputError> {
    if matches!(format, Format::Text | Format::Markdown) {
        return Err(InputError::WrongFormat {
            file: table.file().to_owned(),
            what: "queries",
            format,
        });
    }
    let fields = Fields {
        id: options.id_field.clone(),
        title: "title".to_owned(),
        text: options.text_field.clone(),
    };
    let mut queries = Vec::new();
    let mut seen = HashSet::new();
    table.each(|number, line| {
        if format == Format::Tsv && number == 1 && is_tsv_header(line) {
            return Ok(());
        }
        let record = if format == Format::Tsv {
            parse_tsv(line)?
        } else {
            parse_json(line, &fields)?
        };
        if !seen.insert(record.key.clone()) {
            return Err(LineFault::Repeated {
                what: "query",
                key: record.key,
            });
        }
        queries.push(Query {
            key: record.key,
            text: record.text,
        });
        Ok(())
    })?;
    Ok(queries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &'static str, format: Format) -> Result<Vec<(String, String)>, String> {
        read_queries_from(
            Cursor::new(text),
            "queries",
            format,
            &QueryOptions::default(),
        )
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
        assert_eq!(read(json, Format::Jsonl), expected);
        assert_eq!(read("1\tfirst query\r\nb\t\n", Format::Tsv), expected);
        assert_eq!(
            read("qid\tquery\n1\tfirst query\nb\t\n", Format::Tsv),
            expected
        );
        assert_eq!(read("", Format::Tsv), Ok(vec![]));
    }

    #[test]
    fn bad_lines_name_their_place() {
        let error = read("1\ta\n\n1\tb", Format::Tsv).unwrap_err();
        assert!(
            error.starts_with("queries:3: query \"1\" appeared already"),
            "{error}"
        );
        let error = read("1\ta\nb", Format::Tsv).unwrap_err();
        assert!(
            error.starts_with("queries:2: expected 2 or 3 columns"),
            "{error}"
        );
        let error = read("{\"id\":1,\"text\":\"\"}", Format::Jsonl).unwrap_err();
        assert!(
            error.contains("missing field \"_id\"") && !error.contains("--skip-bad-lines"),
            "{error}"
        );
        assert!(
            read("x", Format::Text)
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
        let options = QueryOptions {
            format: Some(Format::Tsv),
            ..QueryOptions::default()
        };
        assert_eq!(read_queries(&other, &options).unwrap().len(), 1);
    }
}
