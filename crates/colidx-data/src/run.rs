//! Runs: the ranked documents of each query, and the TREC format they are exchanged in.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};
use std::path::Path;

use thiserror::Error;

use crate::files::LineFile;
use crate::harmless::is_hostile;
use crate::{InputError, LineFault};

/// The ranked documents of each query, best first. Held whole, queries sorted by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    queries: BTreeMap<String, Vec<(String, f32)>>,
}

impl Run {
    /// A run without queries.
    pub fn new() -> Run {
        Run::default()
    }

    /// Sets the ranking of a query: keys and scores, best first. The order given is the order kept.
    pub fn insert(&mut self, query: &str, ranking: Vec<(String, f32)>) {
        self.queries.insert(query.to_owned(), ranking);
    }

    /// The ranking of a query, best first; empty if the run does not have the query.
    pub fn ranking(&self, query: &str) -> &[(String, f32)] {
        self.queries.get(query).map_or(&[], Vec::as_slice)
    }

    /// Whether the run has the query, be it with an empty ranking.
    pub fn contains(&self, query: &str) -> bool {
        self.queries.contains_key(query)
    }

    /// The queries with their rankings, sorted by key.
    pub fn queries(&self) -> impl Iterator<Item = (&str, &[(String, f32)])> {
        self.queries
            .iter()
            .map(|(query, ranking)| (query.as_str(), ranking.as_slice()))
    }

    /// The number of queries.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether the run has no queries.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Reads a TREC run (`query Q0 document rank score tag`), or standard input for `-`, plain, gzip or zstd. As
    /// trec_eval does, rankings are ordered by score, highest first, and the rank column is left unread; documents
    /// with equal scores keep the order of the file.
    ///
    /// # Errors
    /// The file cannot be read, a line does not have 6 columns, a score is no finite number, or a document appears
    /// twice for a query.
    pub fn open(path: &Path) -> Result<Run, InputError> {
        Run::read(LineFile::open(path)?)
    }

    /// As [`Run::open`], from any reader; `file` names it in messages.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub fn from_reader(reader: impl Read + Send + 'static, file: &str) -> Result<Run, InputError> {
        Run::read(LineFile::new(reader, file)?)
    }

    fn read(table: LineFile) -> Result<Run, InputError> {
        let mut run = Run::new();
        let mut seen: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        table.each(|_, line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let &[query, _, document, _, score, _] = columns.as_slice() else {
                let expected = "6 columns (query Q0 document rank score tag)";
                return Err(LineFault::Columns {
                    expected: expected.to_owned(),
                    got: columns.len(),
                });
            };
            let score: f32 = score
                .parse()
                .ok()
                .filter(|score: &f32| score.is_finite())
                .ok_or_else(|| {
                    let got = score.chars().take(40).collect();
                    LineFault::NotANumber {
                        column: "the score",
                        expected: "a finite number",
                        got,
                    }
                })?;
            if !seen
                .entry(query.to_owned())
                .or_default()
                .insert(document.to_owned())
            {
                return Err(LineFault::Repeated {
                    what: "the hit",
                    key: format!("{query} {document}"),
                });
            }
            run.queries
                .entry(query.to_owned())
                .or_default()
                .push((document.to_owned(), score));
            Ok(())
        })?;
        for ranking in run.queries.values_mut() {
            // The sort is stable, so ties keep their order.
            ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        }
        Ok(run)
    }
}

/// A run that cannot be written.
#[derive(Debug, Error)]
pub enum RunError {
    /// The TREC format separates columns by white space, so a key can neither hold any nor be empty; and what it holds is
    /// shown by every tool that reads it, so that nothing in it may act on a terminal.
    #[error(
        "the {what} key {key:?} is empty or contains white space or control characters and cannot stand in a TREC run; \
         use --json output, or other keys"
    )]
    Key {
        /// `query` or `document`.
        what: &'static str,
        /// The key.
        key: String,
    },
    /// Writing failed.
    #[error(
        "the run cannot be written: {0}; check the folder's permissions and the free space on the disk"
    )]
    Io(#[from] io::Error),
}

/// Writes a TREC run, query by query.
pub struct RunWriter<W: Write> {
    writer: W,
    tag: String,
    begun: bool,
}

/// At the start of a file it says that what follows is Unicode; elsewhere it is a character.
const BYTE_ORDER_MARK: char = '\u{feff}';

impl<W: Write> RunWriter<W> {
    /// `tag` names the system in the last column; white space in it becomes `-`. Give a buffered writer.
    pub fn new(writer: W, tag: &str) -> RunWriter<W> {
        let tag = tag.split_whitespace().collect::<Vec<_>>().join("-");
        RunWriter {
            writer,
            tag: if tag.is_empty() {
                "colidx".to_owned()
            } else {
                tag
            },
            begun: false,
        }
    }

    /// Writes the hits of a query, best first, as ranks from 1. Scores are written so that reading gives the same f32.
    ///
    /// # Errors
    /// A key with white space or control characters, or a failed write.
    pub fn write<'a>(
        &mut self,
        query: &str,
        hits: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Result<(), RunError> {
        check("query", query)?;
        for (rank, (document, score)) in (1u64..).zip(hits) {
            check("document", document)?;
            // Readers leave out one mark at the start of a file, which must not be the key's own.
            if !self.begun && query.starts_with(BYTE_ORDER_MARK) {
                write!(self.writer, "{BYTE_ORDER_MARK}")?;
            }
            self.begun = true;
            writeln!(
                self.writer,
                "{query} Q0 {document} {rank} {score} {}",
                self.tag
            )?;
        }
        Ok(())
    }

    /// Flushes and gives the writer back.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self) -> Result<W, RunError> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}

fn check(what: &'static str, key: &str) -> Result<(), RunError> {
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || is_hostile(c)) {
        return Err(RunError::Key {
            what,
            key: key.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: impl Into<Vec<u8>>) -> Result<Run, String> {
        Run::from_reader(Cursor::new(text.into()), "run").map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let hits = [
            ("d9", 29.417_183),
            ("d1", 0.1 + 0.2),
            ("d2", 1e-7),
            ("d3", -3.0),
        ];
        let mut writer = RunWriter::new(Vec::new(), "my tag");
        writer.write("q2", hits).unwrap();
        writer.write("q1", [("x", 1.0)]).unwrap();
        writer.write("none", []).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert!(
            text.starts_with("q2 Q0 d9 1 29.417183 my-tag\nq2 Q0 d1 2 "),
            "{text}"
        );
        let run = read(text).unwrap();
        assert_eq!(
            run.ranking("q2"),
            hits.map(|(key, score)| (key.to_owned(), score))
        );
        assert_eq!((run.len(), run.contains("none")), (2, false));
        assert!(run.ranking("none").is_empty());
    }

    #[test]
    fn a_key_keeps_a_byte_order_mark_wherever_it_stands() {
        let keys = ["\u{feff}q", "\u{feff}\u{feff}r", "s"];
        for start in 0..keys.len() {
            let mut writer = RunWriter::new(Vec::new(), "tag");
            for key in &keys[start..] {
                writer.write(key, [("\u{feff}d", 1.0)]).unwrap();
            }
            let run = read(writer.finish().unwrap()).unwrap();
            let mut expected = keys[start..].to_vec();
            expected.sort_unstable();
            assert!(run.queries().map(|(query, _)| query).eq(expected));
        }
    }

    #[test]
    fn order_is_by_score_and_ties_keep_their_order() {
        let run = read("q Q0 b 9 1 t\nq Q0 a 1 1.0 t\nq\tQ0\tc\t2\t2e0\tt\n").unwrap();
        let keys: Vec<_> = run
            .ranking("q")
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(keys, ["c", "b", "a"]);
    }

    #[test]
    fn bad_lines_and_keys() {
        assert!(
            read("q Q0 d 1 1.0")
                .unwrap_err()
                .contains("run:1: expected 6 columns")
        );
        assert!(read("q Q0 d 1 x t").unwrap_err().contains("got \"x\""));
        assert!(
            read("q Q0 d 1 NaN t")
                .unwrap_err()
                .contains("a finite number")
        );
        assert!(
            read("q Q0 d 1 1 t\nq Q0 d 2 0 t")
                .unwrap_err()
                .contains("run:2: the hit \"q d\" appeared already")
        );
        let mut writer = RunWriter::new(Vec::new(), "");
        assert!(matches!(
            writer.write("q 1", []),
            Err(RunError::Key { what: "query", .. })
        ));
        assert!(matches!(
            writer.write("q", [("a b#1", 1.0)]),
            Err(RunError::Key {
                what: "document",
                ..
            })
        ));
        for key in ["a\x1b[m", "a\u{9b}", "a\u{202e}", "a\0", "a\x7f"] {
            assert!(matches!(writer.write(key, []), Err(RunError::Key { .. })));
            assert!(matches!(
                writer.write("q", [(key, 1.0)]),
                Err(RunError::Key { .. })
            ));
        }
        assert!(matches!(
            writer.write("q", [("", 1.0)]),
            Err(RunError::Key { .. })
        ));
    }
}
