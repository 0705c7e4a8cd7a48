//! Relevance judgements.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::error::{InputError, LineFault};
use crate::files::LineFile;

/// How relevant each judged document is to its query. Held whole, sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgements {
    queries: BTreeMap<String, BTreeMap<String, i64>>,
}

const EXPECTED: &str =
    "3 columns (query-id, corpus-id, score) or 4 (query, 0, document, relevance)";

impl Judgements {
    /// Reads a file, or standard input for `-`, plain, gzip or zstd. Two formats are told apart by the number of
    /// columns: BEIR (`query-id TAB corpus-id TAB score`, with or without a header) and TREC (`query 0 document
    /// relevance`, separated by white space).
    ///
    /// # Errors
    /// The file cannot be read, a line has another number of columns, a relevance is no whole number, or a document is
    /// judged twice for a query with different results.
    pub fn open(path: &Path) -> Result<Judgements, InputError> {
        Judgements::read(LineFile::open(path)?)
    }

    /// As [`Judgements::open`], from any reader; `file` names it in messages.
    ///
    /// # Errors
    /// As [`Judgements::open`].
    pub fn from_reader(
        reader: impl Read + Send + 'static,
        file: &str,
    ) -> Result<Judgements, InputError> {
        Judgements::read(LineFile::new(reader, file)?)
    }

    fn read(table: LineFile) -> Result<Judgements, InputError> {
        let mut qrels = Judgements::default();
        table.each(|number, line| {
            let columns = columns(line);
            let (query, document, relevance) = match columns.as_slice() {
                &[query, document, relevance] => (query, document, relevance),
                &[query, _, document, relevance] => (query, document, relevance),
                columns => {
                    return Err(LineFault::Columns {
                        expected: EXPECTED.to_owned(),
                        got: columns.len(),
                    });
                }
            };
            if number == 1 && columns.len() == 3 && relevance.trim().eq_ignore_ascii_case("score") {
                return Ok(());
            }
            for (key, field) in [(query, "the query"), (document, "the document")] {
                if key.trim().is_empty() {
                    return Err(LineFault::EmptyKey {
                        field: field.to_owned(),
                    });
                }
            }
            let relevance = relevance
                .trim()
                .parse()
                .map_err(|_| LineFault::NotANumber {
                    column: "the relevance",
                    expected: "a whole number",
                    got: relevance.chars().take(40).collect(),
                })?;
            match qrels.insert(query, document, relevance) {
                Some(before) if before != relevance => Err(LineFault::Repeated {
                    what: "the judgement of",
                    key: format!("{query} {document}"),
                }),
                _ => Ok(()),
            }
        })?;
        Ok(qrels)
    }

    /// Judges a document for a query: relevant from 1 on. Gives the judgement that stood before, if there was one.
    pub fn insert(&mut self, query: &str, document: &str, relevance: i64) -> Option<i64> {
        self.queries
            .entry(query.to_owned())
            .or_default()
            .insert(document.to_owned(), relevance)
    }

    /// The number of queries that have judgements.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there are no judgements.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Whether a query has judgements.
    pub fn contains(&self, query: &str) -> bool {
        self.queries.contains_key(query)
    }

    /// The queries with the judged documents of each, sorted by key.
    pub fn queries(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i64>)> {
        self.queries
            .iter()
            .map(|(query, judged)| (query.as_str(), judged))
    }
}

/// Keys of tab-separated files may hold spaces; other files are split at any white space.
fn columns(line: &str) -> Vec<&str> {
    let by_tab: Vec<&str> = line.split('\t').collect();
    if matches!(by_tab.len(), 3 | 4) {
        by_tab
    } else {
        line.split_whitespace().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &'static str) -> Result<Vec<(String, String, i64)>, String> {
        let qrels = Judgements::from_reader(Cursor::new(text), "qrels")
            .map_err(|error| error.to_string())?;
        let rows = qrels.queries().flat_map(|(query, judged)| {
            judged
                .iter()
                .map(move |(document, &relevance)| (query.to_owned(), document.clone(), relevance))
        });
        Ok(rows.collect())
    }

    #[test]
    fn both_formats() {
        let expected = [("q1", "d1", 1), ("q1", "d2", 0), ("q2", "d1", -2)];
        let expected = Ok(expected
            .map(|(query, document, n)| (query.to_owned(), document.to_owned(), n))
            .to_vec());
        assert_eq!(
            read("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq2\td1\t-2\n"),
            expected
        );
        assert_eq!(read("q1\td1\t1\r\nq1\td2\t0\nq2\td1\t-2"), expected);
        assert_eq!(read("q1 0 d1 1\nq1  0  d2 0\n\nq2 Q0 d1 -2\n"), expected);
        assert_eq!(
            read("q1\t0\td1\t1\nq1\t0\td2\t0\nq2\t0\td1\t-2\n"),
            expected
        );
        assert_eq!(read("a query\ta document\t1\n").unwrap()[0].1, "a document");
        assert_eq!(read(""), Ok(vec![]));
    }

    #[test]
    fn bad_lines_name_their_place() {
        let error = read("q1 0 d1 1\nq1 d2").unwrap_err();
        assert!(
            error.starts_with("qrels:2: expected 3 columns") && error.contains("got 2"),
            "{error}"
        );
        assert!(read("q1 0 d1 1 x y").unwrap_err().contains("got 6"));
        assert!(read("q1\td1\tyes").unwrap_err().contains("got \"yes\""));
        assert!(read("q1\td1\t1.5").unwrap_err().contains("a whole number"));
        assert!(
            read("q1\t \t1")
                .unwrap_err()
                .contains("the document is empty")
        );
        assert!(
            read("q1 0 d1 1\nq1 0 d1 2")
                .unwrap_err()
                .contains("qrels:2: the judgement of \"q1 d1\" appeared")
        );
        assert!(read("q1 0 d1 1\nq1 0 d1 1").is_ok());
    }
}
