//! Runs: the ranked documents of each query, and the TREC format they are exchanged in.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};
use std::path::Path;

use thiserror::Error;

use crate::column_key::{escape, unescape};
use crate::files::LineFile;
use crate::{InputError, LineFault};

/// The ranked documents of each query. Held whole, queries sorted by key.
///
/// Every ranking has the order in which trec_eval sees it: by score, highest first, and documents
/// of equal scores by key as it is written, last first. So a figure here is the figure that
/// trec_eval gives of the run when it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    queries: BTreeMap<String, Vec<(String, f32)>>,
}

impl Run {
    /// A run without queries.
    pub fn new() -> Run {
        Run::default()
    }

    /// Sets the ranking of a query: distinct keys and their scores, in any order.
    pub fn insert(&mut self, query: &str, mut ranking: Vec<(String, f32)>) {
        sort(&mut ranking);
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
    pub fn queries(&self) -> impl Iterator<Item = (&str, &[(String, f32)])> + Clone {
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

    /// Takes out the hits whose key is that of their query, which collections such as ArguAna do
    /// not count, and gives how many those were.
    pub fn remove_identical_keys(&mut self) -> usize {
        let mut removed = 0;
        for (query, ranking) in &mut self.queries {
            let before = ranking.len();
            ranking.retain(|(key, _)| key != query);
            removed += before - ranking.len();
        }
        removed
    }

    /// Reads a TREC run (`query Q0 document rank score tag`), or standard input for `-`, plain,
    /// gzip or zstd. The rank is left unread, as trec_eval does. Keys that [`RunWriter`] escaped
    /// are what they were before.
    ///
    /// # Errors
    /// The file cannot be read, a line does not have 6 columns, a score is no finite number, or a
    /// document appears twice for a query.
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
            let (query, document) = (unescape(query), unescape(document));
            if !seen
                .entry(query.clone().into_owned())
                .or_default()
                .insert(document.clone().into_owned())
            {
                return Err(LineFault::Repeated {
                    what: "the hit",
                    key: format!("{query} {document}"),
                });
            }
            run.queries
                .entry(query.into_owned())
                .or_default()
                .push((document.into_owned(), score));
            Ok(())
        })?;
        run.queries.values_mut().for_each(|ranking| sort(ranking));
        Ok(run)
    }
}

fn sort(ranking: &mut [(String, f32)]) {
    ranking.sort_by(|(a, a_score), (b, b_score)| {
        // A negative zero equals zero, as it does for trec_eval.
        (b_score + 0.0)
            .total_cmp(&(a_score + 0.0))
            .then_with(|| escape(b).cmp(&escape(a)))
    });
}

/// A run that cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// Writing failed.
    #[error(
        "the run cannot be written: {0}; check the folder's permissions and the free space on the \
         disk"
    )]
    Io(#[from] io::Error),
}

/// Writes a TREC run, query by query.
pub struct RunWriter<W: Write> {
    writer: W,
    tag: String,
    begun: bool,
    escaped: u64,
}

/// At the start of a file it says that what follows is Unicode; elsewhere it is a character.
const BYTE_ORDER_MARK: char = '\u{feff}';

impl<W: Write> RunWriter<W> {
    /// `tag` names the system in the last column; white space in it becomes `-`. Give a buffered
    /// writer.
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
            escaped: 0,
        }
    }

    /// Writes the hits of a query, best first, as ranks from 1. Scores are written so that reading
    /// gives the same f32.
    ///
    /// Columns end at white space, and what they hold is shown by every tool that reads the run. So
    /// a key that is empty or holds white space or control characters is written as `%:` and the
    /// key with these as `%20` and the like; [`Run::open`] undoes that.
    ///
    /// # Errors
    /// A failed write.
    pub fn write<'a>(
        &mut self,
        query: &str,
        hits: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> Result<(), RunError> {
        let query = self.escape(query);
        for (rank, (document, score)) in (1u64..).zip(hits) {
            let document = self.escape(document);
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

    /// How many keys were written escaped so far, those of queries counted once a query. Tell the
    /// user, whose other tools must know such keys by that name.
    pub fn escaped(&self) -> u64 {
        self.escaped
    }

    fn escape<'k>(&mut self, key: &'k str) -> Cow<'k, str> {
        let key = escape(key);
        self.escaped += u64::from(matches!(key, Cow::Owned(_)));
        key
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harmless::is_hostile;
    use proptest::prelude::*;
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
    fn order_is_by_score_and_ties_are_by_key_downwards() {
        let run = read("q Q0 a 9 1 t\nq Q0 b 1 1.0 t\nq\tQ0\tc\t2\t2e0\tt\n").unwrap();
        let keys: Vec<_> = run
            .ranking("q")
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(keys, ["c", "b", "a"]);
        let hits = [
            ("é", 0.0),
            ("z", -0.0),
            ("d1", 7.0),
            ("d10", 7.0),
            ("d2", 7.0),
        ];
        let mut run = Run::new();
        run.insert(
            "q",
            hits.map(|(key, score)| (key.to_owned(), score)).to_vec(),
        );
        let keys = run.ranking("q").iter().map(|(key, _)| key.as_str());
        assert_eq!(keys.collect::<Vec<_>>(), ["d2", "d10", "d1", "é", "z"]);
    }

    #[test]
    fn a_query_does_not_find_itself() {
        let mut run = read("a Q0 a 1 3 t\na Q0 b 2 2 t\nb Q0 a 1 1 t\n").unwrap();
        assert_eq!(run.remove_identical_keys(), 1);
        assert_eq!(run.ranking("a"), [("b".to_owned(), 2.0)]);
        assert_eq!(run.ranking("b").len(), 1);
    }

    #[test]
    fn bad_lines() {
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
    }

    #[test]
    fn keys_that_columns_cannot_hold_are_escaped() {
        let keys = [
            "my note.md#1",
            "a\tb\nc",
            "",
            " ",
            "%:a b",
            "%:",
            "%20",
            "a%20b",
            "100 %",
            "a\x1b[m",
            "a\u{9b}",
            "a\u{202e}",
            "a\0",
            "a\x7f",
            "\u{3000}日本",
            "plain",
        ];
        let mut writer = RunWriter::new(Vec::new(), "");
        for query in keys {
            writer.write(query, keys.map(|key| (key, 1.0))).unwrap();
        }
        assert_eq!(writer.escaped(), 13 * 17);
        let written = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert!(
            written
                .lines()
                .all(|line| line.split_whitespace().count() == 6)
        );
        assert!(!written.contains(is_hostile));
        assert!(written.contains(" %:my%20note.md#1 ") && written.contains(" a%20b "));
        let run = read(written).unwrap();
        let mut expected = keys.to_vec();
        expected.sort_unstable();
        assert!(
            run.queries()
                .map(|(query, _)| query)
                .eq(expected.iter().copied())
        );
        // Equal scores stand as trec_eval puts them, which knows the escaped keys.
        expected.sort_unstable_by_key(|key| escape(key));
        for query in keys {
            let found = run.ranking(query).iter().map(|(key, _)| key.as_str());
            assert!(found.eq(expected.iter().rev().copied()), "{query:?}");
        }
        // What only looks escaped is left as it is.
        for key in ["%:a%", "%:a%2", "%:a%zz", "%:%FF", "%:%+1"] {
            let run = read(format!("{key} Q0 {key} 1 1 t\n")).unwrap();
            assert_eq!(run.ranking(key)[0].0, key);
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back(key in any::<String>()) {
            let written = escape(&key);
            prop_assert!(!written.is_empty());
            prop_assert!(!written.contains(|char: char| char.is_whitespace() || is_hostile(char)));
            prop_assert_eq!(unescape(&written), key.as_str());
        }
    }
}
