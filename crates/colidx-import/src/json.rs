//! Large JSON files, of which one element is read at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ImportError;
use crate::folder::{json_error, open, unreadable};

/// Most bytes of one element.
const MAX_ELEMENT: u64 = 64 << 20;

/// The elements of the list or object that a file holds, found but not read.
pub(crate) struct JsonFile {
    path: PathBuf,
    file: File,
    /// Names in an object; empty for a list.
    pub(crate) names: Vec<Box<str>>,
    /// Where each element lies.
    bounds: Vec<Range<u64>>,
}

impl JsonFile {
    /// Finds the elements of a list, or with `named` of an object.
    pub(crate) fn open(path: &Path, named: bool) -> Result<JsonFile, ImportError> {
        let mut scanner = Scanner {
            path,
            reader: BufReader::new(open(path)?),
            at: 0,
        };
        let mut found = Found::default();
        scanner.elements(named, &mut found)?;
        Ok(JsonFile {
            path: path.to_owned(),
            file: scanner.reader.into_inner(),
            names: found.names,
            bounds: found.bounds,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Reads an element; `None` if there are fewer.
    pub(crate) fn read<T: DeserializeOwned>(
        &mut self,
        number: usize,
    ) -> Result<Option<T>, ImportError> {
        let Some(range) = self.bounds.get(number) else {
            return Ok(None);
        };
        let bytes = read_range(&mut self.file, &self.path, range)?;
        let read = serde_json::from_slice(&bytes).map_err(|error| {
            let reason = format!("the element at byte {}: {error}", range.start);
            json_error(&self.path, serde::de::Error::custom(reason))
        });
        read.map(Some)
    }

    /// An element of an object as metadata: an object stays one, anything else becomes its only
    /// value.
    pub(crate) fn metadata(
        &mut self,
        number: usize,
    ) -> Result<serde_json::Map<String, Value>, ImportError> {
        Ok(match self.read(number)? {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => serde_json::Map::new(),
            Some(other) => [("metadata".to_owned(), other)].into_iter().collect(),
        })
    }
}

/// Reads a part of a file that may not be long.
pub(crate) fn read_range(
    file: &mut File,
    path: &Path,
    range: &Range<u64>,
) -> Result<Vec<u8>, ImportError> {
    let length = range.end - range.start;
    if length > MAX_ELEMENT {
        return Err(ImportError::TooLarge {
            file: path.display().to_string(),
            what: "one element",
            got: length,
            limit: MAX_ELEMENT,
        });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(range.start))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(|source| unreadable(path, source))?;
    Ok(bytes)
}

struct Scanner<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    at: u64,
}

/// Names and places of elements.
#[derive(Default)]
struct Found {
    names: Vec<Box<str>>,
    bounds: Vec<Range<u64>>,
}

impl Scanner<'_> {
    fn elements(&mut self, named: bool, found: &mut Found) -> Result<(), ImportError> {
        let (open, close) = if named { (b'{', b'}') } else { (b'[', b']') };
        self.expect(open)?;
        if self.peek()? == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if named {
                found.names.push(self.name()?);
            }
            self.peek()?;
            let start = self.at;
            let end = self.element()?;
            found.bounds.push(start..self.at);
            self.at += 1;
            match end {
                b',' => {}
                end if end == close => return Ok(()),
                _ => return Err(self.error(format_args!("`{}`", close as char))),
            }
        }
    }

    /// Skips an element, and gives the byte that ends it, which is not skipped.
    fn element(&mut self) -> Result<u8, ImportError> {
        let (mut depth, mut quoted, mut escaped) = (0u64, false, false);
        loop {
            let path = self.path;
            let buffer = self.reader.fill_buf();
            let buffer = buffer.map_err(|source| unreadable(path, source))?;
            if buffer.is_empty() {
                return Err(self.error(format_args!("the end of the element")));
            }
            let end = buffer.iter().position(|&byte| match byte {
                _ if escaped => {
                    escaped = false;
                    false
                }
                b'\\' if quoted => {
                    escaped = true;
                    false
                }
                b'"' => {
                    quoted = !quoted;
                    false
                }
                _ if quoted => false,
                b',' => depth == 0,
                b'[' | b'{' => {
                    depth += 1;
                    false
                }
                b']' | b'}' if depth == 0 => true,
                b']' | b'}' => {
                    depth -= 1;
                    false
                }
                _ => false,
            });
            let found = end.map(|end| buffer[end]);
            let skipped = end.unwrap_or(buffer.len());
            // The byte that ends it is consumed here, and counted by the caller.
            self.reader.consume(skipped + usize::from(found.is_some()));
            self.at += skipped as u64;
            if let Some(byte) = found {
                return Ok(byte);
            }
        }
    }

    /// Reads the name of an element and the colon behind it.
    fn name(&mut self) -> Result<Box<str>, ImportError> {
        self.expect(b'"')?;
        let mut name = vec![b'"'];
        let mut escaped = false;
        loop {
            let mut byte = [0];
            let path = self.path;
            let read = self.reader.read_exact(&mut byte);
            read.map_err(|source| unreadable(path, source))?;
            self.at += 1;
            name.extend(byte);
            match byte {
                _ if escaped => escaped = false,
                [b'\\'] => escaped = true,
                [b'"'] => break,
                _ => {}
            }
        }
        let name: String =
            serde_json::from_slice(&name).map_err(|error| json_error(self.path, error))?;
        self.expect(b':')?;
        Ok(name.into())
    }

    fn expect(&mut self, expected: u8) -> Result<(), ImportError> {
        if self.peek()? != Some(expected) {
            return Err(self.error(format_args!("`{}`", expected as char)));
        }
        self.reader.consume(1);
        self.at += 1;
        Ok(())
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        loop {
            let path = self.path;
            let buffer = self.reader.fill_buf();
            let buffer = buffer.map_err(|source| unreadable(path, source))?;
            let spaces = buffer.iter().take_while(|byte| byte.is_ascii_whitespace());
            let spaces = spaces.count();
            let (next, end) = (buffer.get(spaces).copied(), buffer.is_empty());
            self.reader.consume(spaces);
            self.at += spaces as u64;
            if next.is_some() || end {
                return Ok(next);
            }
        }
    }

    fn error(&self, expected: std::fmt::Arguments<'_>) -> ImportError {
        ImportError::Json {
            file: self.path.display().to_string(),
            reason: format!("expected {expected} at byte {}", self.at),
        }
    }
}

#[cfg(test)]
mod tests;
