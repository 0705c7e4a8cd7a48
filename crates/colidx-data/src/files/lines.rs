//! Lines of a text file, each checked for length and UTF-8 before anything else sees it.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::LineFault;

/// Why no line came back.
#[derive(Debug)]
pub(crate) enum LinesError {
    /// The line is bad; the next call continues with the line after it.
    Fault(LineFault),
    /// Reading failed.
    Io(io::Error),
}

/// Reads lines without their ends (LF or CRLF), never holding more than one line of at most `limit`
/// bytes. A byte order mark at the start is left out.
pub(crate) struct Lines<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
    discard_rest: bool,
    /// Where bytes that are not UTF-8 are replaced: whether there were any, and a line in which
    /// they were.
    lossy: Option<Arc<AtomicBool>>,
    replaced: String,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Lines {
            reader,
            limit,
            buffer: Vec::new(),
            number: 0,
            offset: 0,
            discard_rest: false,
            lossy: None,
            replaced: String::new(),
        }
    }

    /// From now on, bytes that are not UTF-8 are replaced by U+FFFD instead of refused, and
    /// `replaced` says whether there were any.
    pub(crate) fn lossy(&mut self, replaced: Arc<AtomicBool>) {
        self.lossy = Some(replaced);
    }

    /// The number of the line that was read last, counted from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line with its number, or `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, &str)>, LinesError> {
        if self.discard_rest {
            self.discard_line().map_err(LinesError::Io)?;
            self.discard_rest = false;
        }
        self.buffer.clear();
        let start = self.offset;
        let found = self.fill().map_err(LinesError::Io)?;
        match found {
            Found::End => return Ok(None),
            Found::Line => self.number += 1,
            Found::TooLong => {
                self.number += 1;
                self.discard_rest = true;
                self.buffer = Vec::new();
                return Err(LinesError::Fault(LineFault::TooLong { limit: self.limit }));
            }
        }
        let mut bytes = self.buffer.as_slice();
        bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut skipped = 0;
        if self.number == 1 && bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes = &bytes[3..];
            skipped = 3;
        }
        match std::str::from_utf8(bytes) {
            Ok(line) => Ok(Some((self.number, line))),
            Err(error) => match &self.lossy {
                Some(replaced) => {
                    replaced.store(true, Ordering::Relaxed);
                    self.replaced = String::from_utf8_lossy(bytes).into_owned();
                    Ok(Some((self.number, &self.replaced)))
                }
                None => {
                    let column = error.valid_up_to() + skipped;
                    Err(LinesError::Fault(LineFault::InvalidUtf8 {
                        offset: start + column as u64,
                        column: column + 1,
                    }))
                }
            },
        }
    }

    fn fill(&mut self) -> io::Result<Found> {
        loop {
            let available = read_some(&mut self.reader)?;
            if available.is_empty() {
                return Ok(if self.buffer.is_empty() {
                    Found::End
                } else {
                    Found::Line
                });
            }
            let (taken, ended) = match available.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (available.len(), false),
            };
            // The line's own end does not count, so that the limit is about content.
            let content = self.buffer.len() + taken - usize::from(ended);
            if content > self.limit {
                return Ok(Found::TooLong);
            }
            self.buffer.extend_from_slice(&available[..taken]);
            self.reader.consume(taken);
            self.offset += taken as u64;
            if ended {
                return Ok(Found::Line);
            }
        }
    }

    fn discard_line(&mut self) -> io::Result<()> {
        loop {
            let available = read_some(&mut self.reader)?;
            let (taken, ended) = match available.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.reader.consume(taken);
            self.offset += taken as u64;
            if ended {
                return Ok(());
            }
        }
    }
}

enum Found {
    Line,
    TooLong,
    End,
}

fn read_some<R: BufRead>(reader: &mut R) -> io::Result<&[u8]> {
    // A loop that returns the borrow from inside is refused by the borrow checker, hence the two
    // steps.
    while let Err(error) = reader.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    reader.fill_buf()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn all(bytes: &[u8], limit: usize) -> Vec<Result<String, LineFault>> {
        let mut lines = Lines::new(BufReader::with_capacity(3, bytes), limit);
        let mut out = Vec::new();
        loop {
            match lines.next_line() {
                Ok(Some((_, line))) => out.push(Ok(line.to_owned())),
                Ok(None) => return out,
                Err(LinesError::Fault(fault)) => out.push(Err(fault)),
                Err(LinesError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn line_ends_and_byte_order_mark() {
        let lines = all(b"\xEF\xBB\xBFone\r\n\ntwo\nthree", 100);
        let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "", "two", "three"]);
        assert!(all(b"", 100).is_empty());
        assert_eq!(all(b"\n", 100).len(), 1);
    }

    #[test]
    fn the_limit_counts_content_and_reading_goes_on_after_a_long_line() {
        assert_eq!(
            all(b"12345\n1234567\nab\n", 5),
            [
                Ok("12345".into()),
                Err(LineFault::TooLong { limit: 5 }),
                Ok("ab".into())
            ]
        );
        assert_eq!(all(b"123456", 5), [Err(LineFault::TooLong { limit: 5 })]);
    }

    #[test]
    fn invalid_utf8_names_the_byte_of_file_and_line() {
        let lines = all(b"good\nbad\xFF!\nfine\n", 100);
        assert_eq!(
            lines[1],
            Err(LineFault::InvalidUtf8 {
                offset: 8,
                column: 4
            })
        );
        assert_eq!(lines[2], Ok("fine".into()));
        let marked = all(b"\xEF\xBB\xBFa\xC3(", 100);
        assert_eq!(
            marked[0],
            Err(LineFault::InvalidUtf8 {
                offset: 4,
                column: 5
            })
        );
        // A character cut by the end of the line.
        assert_eq!(
            all(b"\xE2\x82\n", 9)[0],
            Err(LineFault::InvalidUtf8 {
                offset: 0,
                column: 1
            })
        );
    }

    #[test]
    fn a_line_without_end_is_refused_without_being_read() {
        struct Endless(u64);
        impl Read for Endless {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                out.fill(b'x');
                self.0 += out.len() as u64;
                Ok(out.len())
            }
        }
        let mut lines = Lines::new(BufReader::new(Endless(0)), 1 << 20);
        assert!(matches!(
            lines.next_line(),
            Err(LinesError::Fault(LineFault::TooLong { .. }))
        ));
        assert!(lines.reader.get_ref().0 <= (1 << 20) + 16 * 1024);
        assert_eq!(lines.buffer.capacity(), 0);
    }

    #[test]
    fn interrupted_reads_are_tried_again() {
        struct Jumpy(bool);
        impl Read for Jumpy {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.0 = !self.0;
                if self.0 {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                out[0] = b'\n';
                Ok(1)
            }
        }
        let mut lines = Lines::new(BufReader::new(Jumpy(false)), 10);
        assert!(matches!(lines.next_line(), Ok(Some((1, "")))));
    }
}
