//! Texts in lists and in lines.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::documents::{ForeignDocument, Table};
use crate::error::ImportError;
use crate::folder::{open, unreadable};
use crate::json::read_range;
use crate::report::Report;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Texts by number.
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Table for Texts {
    fn read(
        &mut self,
        _: usize,
        number: u64,
        document: &mut ForeignDocument,
        _: &mut Report,
    ) -> Result<(), ImportError> {
        if let Some(text) = self.0.get(number as usize) {
            document.text.clone_from(text);
        }
        Ok(())
    }
}

/// A collection of Stanford ColBERT: lines of number, passage and perhaps title. A header, which
/// begins with `id`, is no passage, or as in ColBERT itself passage 0.
pub(crate) struct Collection {
    path: PathBuf,
    file: File,
    /// Where each line begins, and where the last one ends.
    bounds: Vec<u64>,
}

impl Collection {
    /// Finds the lines of a collection of `passages`.
    pub(crate) fn open(path: &Path, passages: u64) -> Result<Collection, ImportError> {
        let mut reader = BufReader::new(open(path)?);
        let io = |source| unreadable(path, source);
        let mut at = 0;
        if reader.fill_buf().map_err(io)?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
            at = BYTE_ORDER_MARK.len() as u64;
        }
        let header = reader.fill_buf().map_err(io)?.starts_with(b"id\t");
        let mut bounds = vec![at];
        loop {
            match reader.skip_until(b'\n').map_err(io)? {
                0 => break,
                length => at += length as u64,
            }
            bounds.push(at);
        }
        let lines = bounds.len() as u64 - 1;
        if header && lines == passages.saturating_add(1) {
            bounds.remove(0);
        } else if lines != passages {
            let mut got = lines.to_string();
            if header {
                got += ", with a header";
            }
            return Err(ImportError::Collection {
                file: path.display().to_string(),
                expected: format!("{passages} lines, one for each passage of the index"),
                got,
            });
        }
        Ok(Collection {
            path: path.to_owned(),
            file: reader.into_inner(),
            bounds,
        })
    }

    fn line(&mut self, range: &Range<u64>) -> Result<String, ImportError> {
        let bytes = read_range(&mut self.file, &self.path, range)?;
        String::from_utf8(bytes).map_err(|_| ImportError::Collection {
            file: self.path.display().to_string(),
            expected: "text in UTF-8".to_owned(),
            got: format!("something else at byte {}", range.start),
        })
    }
}

impl Table for Collection {
    fn read(
        &mut self,
        _: usize,
        number: u64,
        document: &mut ForeignDocument,
        _: &mut Report,
    ) -> Result<(), ImportError> {
        let Some(&[start, end]) = self
            .bounds
            .get(number as usize..)
            .and_then(<[u64]>::first_chunk)
        else {
            return Ok(());
        };
        let line = self.line(&(start..end))?;
        let mut fields = line.trim_end_matches(['\r', '\n']).split('\t');
        let got = fields.next().unwrap_or_default();
        if !(got == "id" || number_of(got) == Some(number)) {
            return Err(ImportError::Collection {
                file: self.path.display().to_string(),
                expected: format!("the number {number} at the start of its line"),
                got: got.chars().take(80).collect(),
            });
        }
        document.text = fields.next().unwrap_or_default().trim().to_owned();
        document.title = fields.next().unwrap_or_default().trim().to_owned();
        Ok(())
    }
}

/// A number as Python reads it: zeros and a sign may come first.
fn number_of(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}
