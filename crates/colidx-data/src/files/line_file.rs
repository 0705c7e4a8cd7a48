//! Small text files that are read line by line and whole: queries, judgements and runs.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use super::{Lines, LinesError, Source, read_error};
use crate::DEFAULT_LINE_LIMIT;
use crate::compression::Compression;
use crate::error::{InputError, LineFault, Place};

/// The lines of a file or of standard input, decompressed.
pub(crate) struct LineFile {
    file: Arc<str>,
    compression: Option<Compression>,
    lines: Lines<Box<dyn BufRead + Send>>,
}

impl LineFile {
    pub(crate) fn open(path: &Path) -> Result<LineFile, InputError> {
        Ok(LineFile::of(Source::open(path, &Arc::default())?))
    }

    pub(crate) fn new(
        reader: impl Read + Send + 'static,
        file: &str,
    ) -> Result<LineFile, InputError> {
        Ok(LineFile::of(Source::new(
            file.into(),
            reader,
            &Arc::default(),
        )?))
    }

    fn of(source: Source) -> LineFile {
        let lines = Lines::new(source.reader, DEFAULT_LINE_LIMIT);
        LineFile {
            file: source.file,
            compression: source.compression,
            lines,
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Hands every line that is not blank with its number to `take`; a fault that it finds is given
    /// its place.
    pub(crate) fn each(
        self,
        mut take: impl FnMut(u64, &str) -> Result<(), LineFault>,
    ) -> Result<(), InputError> {
        self.each_until_end(|number, line| match line {
            Some(line) if !line.trim().is_empty() => take(number, line),
            _ => Ok(()),
        })
    }

    /// As [`each`](Self::each), with blank lines, and `None` at the end.
    pub(crate) fn each_until_end(
        mut self,
        mut take: impl FnMut(u64, Option<&str>) -> Result<(), LineFault>,
    ) -> Result<(), InputError> {
        loop {
            let (line, fault) = match self.lines.next_line() {
                Ok(None) => match take(self.lines.number(), None) {
                    Ok(()) => return Ok(()),
                    Err(fault) => (self.lines.number(), fault),
                },
                Ok(Some((line, text))) => match take(line, Some(text)) {
                    Ok(()) => continue,
                    Err(fault) => (line, fault),
                },
                Err(LinesError::Fault(fault)) => (self.lines.number(), fault),
                Err(LinesError::Io(error)) => {
                    return Err(read_error(&self.file, self.compression, error));
                }
            };
            return Err(InputError::Line {
                place: Place {
                    file: self.file,
                    line,
                },
                fault,
            });
        }
    }
}
