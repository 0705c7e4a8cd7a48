//! Relevance judgements.

mod header;
mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use crate::column_key::unescape;
use crate::error::{InputError, LineFault, Place};
use crate::files::LineFile;
use header::Header;
use json::JsonJudgements;

/// How relevant each judged document is to its query. Held whole, sorted by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgements {
    queries: BTreeMap<String, BTreeMap<String, f64>>,
    unused: BTreeSet<String>,
}

const EXPECTED: &str =
    "3 columns (query-id, corpus-id, score) or 4 (query, 0, document, relevance)";

impl Judgements {
    /// Reads a file, or standard input for `-`, plain, gzip or zstd. A header names the columns.
    /// Without one their number decides: 3 are BEIR's (`query-id TAB corpus-id TAB score`), 4 are
    /// TREC's (`query 0 document relevance`, separated by white space). JSON is one object of
    /// queries that are objects of documents, or objects with the names of a header, one a line or
    /// in an array.
    ///
    /// # Errors
    /// The file cannot be read or has no judgements, a line has another number of columns, a
    /// relevance is no number, or a document is judged twice for a query with different
    /// results.
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

    fn read(lines: LineFile) -> Result<Judgements, InputError> {
        let file = lines.file().to_owned();
        let mut judgements = Judgements::default();
        let mut form = None;
        lines.each(|_, line| {
            let cells = cells(line);
            match &mut form {
                Some(Form::Table(header)) => judgements.take(&cells, header.as_ref()),
                Some(Form::Json(json)) => json.take(line, &mut judgements),
                None if line.trim_start().starts_with(['{', '[']) => {
                    let mut json = JsonJudgements::default();
                    let taken = json.take(line, &mut judgements);
                    form = Some(Form::Json(json));
                    taken
                }
                None => {
                    let header = Header::of(&cells);
                    let is_header = header.is_some();
                    let unused = header
                        .iter()
                        .flat_map(|header| header.unused.iter().cloned());
                    judgements.unused.extend(unused);
                    form = Some(Form::Table(header));
                    if is_header {
                        return Ok(());
                    }
                    judgements.take(&cells, None)
                }
            }
        })?;
        if let Some(Form::Json(json)) = form {
            let end = json.end(&mut judgements);
            end.map_err(|fault| InputError::Line {
                place: Place {
                    file: file.as_str().into(),
                    line: 1,
                },
                fault,
            })?;
        }
        if judgements.is_empty() {
            return Err(InputError::NoJudgements { file });
        }
        Ok(judgements)
    }

    fn take(&mut self, cells: &[&str], header: Option<&Header>) -> Result<(), LineFault> {
        let (query, document, relevance) = match (header, cells) {
            (Some(header), cells) if cells.len() == header.columns => (
                cells[header.query],
                cells[header.document],
                cells[header.relevance],
            ),
            (None, &[query, document, relevance] | &[query, _, document, relevance]) => {
                (query, document, relevance)
            }
            _ => {
                return Err(LineFault::Columns {
                    expected: match header {
                        Some(header) => format!("the {} columns of the header", header.columns),
                        None => EXPECTED.to_owned(),
                    },
                    got: cells.len(),
                });
            }
        };
        // Judgements may name keys as a run writes them.
        let (query, document) = (unescape(query), unescape(document));
        self.judge(&query, &document, grade(relevance)?)
    }

    fn judge(&mut self, query: &str, document: &str, relevance: f64) -> Result<(), LineFault> {
        for (key, field) in [(query, "the query"), (document, "the document")] {
            if key.trim().is_empty() {
                return Err(LineFault::EmptyKey {
                    field: field.to_owned(),
                });
            }
        }
        match self.insert(query, document, relevance) {
            Some(before) if before != relevance => Err(LineFault::Repeated {
                what: "the judgement of",
                key: format!("{query} {document}"),
            }),
            _ => Ok(()),
        }
    }

    /// Judges a document for a query, by a grade: 1 and more is relevant. Gives the judgement that
    /// stood before, if there was one.
    pub fn insert(&mut self, query: &str, document: &str, relevance: f64) -> Option<f64> {
        self.queries
            .entry(query.to_owned())
            .or_default()
            .insert(document.to_owned(), relevance)
    }

    /// Columns of the file that mean nothing to a judgement, sorted.
    pub fn unused_columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.unused.iter().map(String::as_str)
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

    /// All judged documents. Where an index holds none of them, it is not the judged one.
    pub fn documents(&self) -> BTreeSet<&str> {
        let judged = self.queries.values().flat_map(BTreeMap::keys);
        judged.map(String::as_str).collect()
    }

    /// The queries with the judged documents of each, sorted by key.
    pub fn queries(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, f64>)> + Clone {
        self.queries
            .iter()
            .map(|(query, judged)| (query.as_str(), judged))
    }
}

/// How a file holds its judgements.
enum Form {
    Table(Option<Header>),
    Json(JsonJudgements),
}

/// A relevance: a number, whole or with a fraction.
fn grade(text: &str) -> Result<f64, LineFault> {
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|grade: &f64| grade.is_finite());
    number.ok_or_else(|| LineFault::NotANumber {
        column: "the relevance",
        expected: "a number",
        got: text.chars().take(40).collect(),
    })
}

/// Keys of tab-separated files may hold spaces; other files are split at any white space.
fn cells(line: &str) -> Vec<&str> {
    let by_tab: Vec<&str> = line.split('\t').collect();
    if by_tab.len() >= 3 {
        by_tab
    } else {
        line.split_whitespace().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &'static str) -> Result<Vec<(String, String, f64)>, String> {
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
        let expected = [("q1", "d1", 1.0), ("q1", "d2", 0.0), ("q2", "d1", -2.0)];
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
    }

    /// The headers that people have: header, then line.
    #[test]
    fn columns_are_taken_by_name() {
        for text in [
            "query-id\tcorpus-id\tscore\nq 1\td 1\t2",
            "query_id\tdoc_id\trelevance\titeration\nq 1\td 1\t2\t0",
            "qid\t0\tpid\trel\nq 1\t0\td 1\t2",
            "TOPIC\tITERATION\tDOCUMENT#\tRELEVANCY\nq 1\t0\td 1\t2",
            "topic\titeration\tdocno\trel\nq 1\t0\td 1\t2",
            "docid\tqid\tlabel\nd 1\tq 1\t2",
            "Score\tDoc-ID\tQuery-ID\n2\td 1\tq 1",
            "query-id\tcorpus-id\tscore\nq 1\td 1\t2.0",
            "\n\nquery-id\tcorpus-id\tscore\r\nq 1\td 1\t2\r\n",
            "\u{feff}query-id\tcorpus-id\tscore\nq 1\td 1\t2",
        ] {
            let text = text.to_owned();
            let read = Judgements::from_reader(Cursor::new(text.clone()), "qrels").unwrap();
            let mut expected = Judgements::default();
            expected.insert("q 1", "d 1", 2.0);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn json_is_read_in_both_forms() {
        let mut expected = Judgements::default();
        expected.insert("q1", "d1", 2.0);
        expected.insert("q1", "d2", 0.0);
        expected.insert("2", "d1", 1.0);
        for text in [
            "{\"q1\": {\"d1\": 2, \"d2\": 0}, \"2\": {\"d1\": 1}}",
            "{\n  \"q1\": {\n    \"d1\": 2,\n    \"d2\": 0\n  },\n\n \"2\": {\"d1\": 1.0}\n}\n",
            "{\"query-id\": \"q1\", \"corpus-id\": \"d1\", \"score\": 2}\n\
             {\"query-id\": \"q1\", \"corpus-id\": \"d2\", \"score\": 0}\n\
             {\"query-id\": 2, \"corpus-id\": \"d1\", \"score\": 1}\n",
            "{\"query_id\": \"q1\", \"doc_id\": \"d1\", \"relevance\": 2, \"iteration\": \"0\"}\n\
             {\"doc_id\": \"d2\", \"query_id\": \"q1\", \"relevance\": \"0\"}\n\n\
             {\"query_id\": \"2\", \"doc_id\": \"d1\", \"relevance\": 1}\n",
            "[{\"qid\": \"q1\", \"docid\": \"d1\", \"rel\": 2},\n\
             {\"qid\": \"q1\", \"docid\": \"d2\", \"rel\": 0},\n\
             {\"qid\": \"2\", \"docid\": \"d1\", \"rel\": 1}]\n",
        ] {
            let read = Judgements::from_reader(Cursor::new(text), "qrels");
            assert_eq!(read.unwrap(), expected, "{text}");
        }
        for (text, words) in [
            ("{\"q\": {\"d\": 1", "qrels:1: not JSON"),
            ("{\"q\": {\"d\": 1}, \"q\": {}}", "appears twice"),
            ("{\"q\": {\"d\": true}}", "a number, got \"true\""),
            ("{\"q\": {\"d\": 1}, \"r\": [\"d\"]}", "must be an object"),
            ("{\"q\": {}}", "qrels has no judgements"),
            ("[]", "qrels has no judgements"),
            ("[1]", "expected a JSON object, got an integer"),
            (
                "[{\"q\": 1}]",
                "expected judgements, got objects with \"q\"",
            ),
            (
                "{\"_id\": \"d\", \"text\": \"x\"}\n{\"_id\": \"e\", \"text\": \"y\"}",
                "qrels:1: expected judgements, got objects with \"_id\", \"text\"",
            ),
            (
                "{\"query-id\": \"q\", \"corpus-id\": \"d\"}",
                "qrels:1: expected judgements, got objects with \"corpus-id\", \"query-id\"",
            ),
            ("{}", "qrels has no judgements"),
            (
                "{\"qid\":\"q\",\"pid\":\"d\",\"rel\":1}\n{\"qid\":\"q\"}",
                "qrels:2: missing field",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    /// Files whose grades have fractions, and what columns of them mean nothing.
    #[test]
    fn grades_may_have_fractions_and_further_columns_are_named() {
        for (text, unused) in [
            ("q d 0.5\nq 0 e 1e1", &[][..]),
            ("q\t0\td\t.5\nq\t0\te\t10.0", &[]),
            ("qid\tdocid\tgrade\nq\td\t0.50\nq\te\t10", &[]),
            (
                "qid\titeration\tdocid\tgrade\tassessor\tnote\nq\t0\td\t0.5\tA\tx\nq\t0\te\t10\tB\ty",
                &["assessor", "note"],
            ),
            ("{\"q\": {\"d\": 0.5, \"e\": 10}}", &[]),
            (
                "{\"qid\": \"q\", \"pid\": \"d\", \"rel\": 0.5, \"by\": 1}\n\
                 {\"qid\": \"q\", \"pid\": \"e\", \"rel\": \"10\", \"iter\": 0, \"at\": 2}",
                &["at", "by"],
            ),
        ] {
            let read = Judgements::from_reader(Cursor::new(text), "qrels").unwrap();
            let (_, judged) = read.queries().next().unwrap();
            assert_eq!((judged["d"], judged["e"]), (0.5, 10.0), "{text}");
            assert_eq!(read.unused_columns().collect::<Vec<_>>(), unused, "{text}");
        }
    }

    #[test]
    fn no_judgements_are_an_error() {
        for text in ["", "\n \n", "query-id\tcorpus-id\tscore\n", "\u{feff}"] {
            let error = read(text).unwrap_err();
            assert!(
                error.contains("qrels has no judgements"),
                "{text:?}: {error}"
            );
        }
    }

    #[test]
    fn bad_lines_name_their_place() {
        let error = read("q1 0 d1 1\nq1 d2").unwrap_err();
        assert!(
            error.starts_with("qrels:2: expected 3 columns") && error.contains("got 2"),
            "{error}"
        );
        assert!(read("q1 0 d1 1 x y").unwrap_err().contains("got 6"));
        let error = read("qid\tpid\trel\nq\td\t1\tx").unwrap_err();
        assert!(
            error.contains("qrels:2: expected the 3 columns of the header, got 4"),
            "{error}"
        );
        assert!(read("q1\td1\tyes").unwrap_err().contains("got \"yes\""));
        for not in ["1,5", "inf", "NaN", "1 2", ""] {
            let error = Judgements::from_reader(Cursor::new(format!("q1\td1\t{not}")), "qrels");
            let error = error.unwrap_err().to_string();
            assert!(error.contains("must be a number"), "{not}: {error}");
        }
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
