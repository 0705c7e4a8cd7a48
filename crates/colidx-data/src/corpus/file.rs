//! One open file of a corpus: its lines, and what documents and messages say of where they stand.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::format::ReadFault;
use crate::compression::Compression;
use crate::error::{LineFault, Place};
use crate::files::{Lines, LinesError, Source, read_error};

/// A file that a format's reader takes over.
pub(crate) struct OpenFile {
    name: Arc<str>,
    /// The front of the keys of passages: the path relative to the folder that holds all inputs.
    pub(super) key_path: String,
    /// The way from the index to that folder.
    pub(super) root: Option<Arc<str>>,
    compression: Option<Compression>,
    lines: Lines<Box<dyn BufRead + Send>>,
    /// Whether bytes were replaced, for whoever watches the file from outside.
    pub(super) replaced: Arc<AtomicBool>,
}

impl OpenFile {
    pub(super) fn new(source: Source, key_path: String, line_limit: usize) -> OpenFile {
        OpenFile {
            name: source.file,
            key_path,
            root: None,
            compression: source.compression,
            lines: Lines::new(source.reader, line_limit),
            replaced: Arc::default(),
        }
    }

    /// Reads bytes that are not UTF-8 as U+FFFD.
    pub(super) fn lossy(mut self) -> OpenFile {
        self.lines.lossy(Arc::clone(&self.replaced));
        self
    }

    /// The next line with its number, from 1, or `None` at the end. After a bad line the next call
    /// continues with the line after it.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &str)>, ReadFault> {
        // The borrow checker ties a returned line to `self` for the whole body, so errors are made
        // from copies of what they need.
        let (name, compression) = (Arc::clone(&self.name), self.compression);
        let number = self.lines.number();
        self.lines.next_line().map_err(|error| match error {
            LinesError::Fault(fault) => {
                let line = number + 1;
                ReadFault::Line(Place { file: name, line }, fault)
            }
            LinesError::Io(error) => ReadFault::Input(read_error(&name, compression, error)),
        })
    }

    /// The number of lines read so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines.number()
    }

    pub(super) fn place(&self, line: u64) -> Place {
        Place {
            file: Arc::clone(&self.name),
            line,
        }
    }

    pub(super) fn fault(&self, line: u64, fault: LineFault) -> ReadFault {
        ReadFault::Line(self.place(line), fault)
    }
}
