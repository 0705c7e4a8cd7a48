//! Opens a file or standard input. Compression is detected by content.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::open::{Waiting, open, standard_input};
use crate::compression::Compression;
use crate::error::InputError;

/// How messages name standard input.
pub const STANDARD_INPUT: &str = "standard input";

const BUFFER: usize = 64 * 1024;

/// How a file is named in messages and places.
pub fn file_name(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// The part of a path that is a file and is used as a folder; all of it if there is none.
pub(crate) fn file_on_the_way(path: &Path) -> &Path {
    let mut folders = path.ancestors();
    folders.find(|path| path.is_file()).unwrap_or(path)
}

/// The error of a path that could not be opened or looked at.
pub(crate) fn unreadable(path: &Path, source: io::Error) -> InputError {
    if source.kind() == io::ErrorKind::NotADirectory {
        return InputError::NotFolder {
            file: file_name(file_on_the_way(path)).to_string(),
            expected: "a folder",
        };
    }
    InputError::Unreadable {
        file: file_name(path).to_string(),
        source,
    }
}

/// An open input, decompressed on the way.
pub(crate) struct Source {
    pub(crate) file: Arc<str>,
    pub(crate) compression: Option<Compression>,
    pub(crate) reader: Box<dyn BufRead + Send>,
}

impl Source {
    /// Opens a file, or standard input for `-`. `read` counts the bytes taken from the disk.
    pub(crate) fn open(path: &Path, read: &Arc<AtomicU64>) -> Result<Source, InputError> {
        let standard = path.as_os_str() == "-";
        let file = if standard {
            STANDARD_INPUT.into()
        } else {
            file_name(path)
        };
        if standard {
            let input = standard_input().map_err(|source| InputError::Unreadable {
                file: file.to_string(),
                source,
            })?;
            return Source::new(file, input, read);
        }
        let opened = open(path).map_err(|source| unreadable(path, source))?;
        let metadata = opened.metadata();
        if metadata
            .map_err(|source| unreadable(path, source))?
            .is_dir()
        {
            let file = file.to_string();
            return Err(InputError::IsFolder { file });
        }
        Source::new(file, Waiting(opened), read)
    }

    /// Wraps any reader; `file` is its name in messages.
    pub(crate) fn new(
        file: Arc<str>,
        reader: impl Read + Send + 'static,
        read: &Arc<AtomicU64>,
    ) -> Result<Source, InputError> {
        let counted = Counted {
            inner: reader,
            read: Arc::clone(read),
        };
        let mut raw = BufReader::with_capacity(BUFFER, counted);
        let named = Compression::of_name(&file);
        let (start, length) = peek(&mut raw).map_err(|source| InputError::Unreadable {
            file: file.to_string(),
            source,
        })?;
        let found = Compression::of_content(&start[..length]);
        if let (Some(compression), None) = (named, found) {
            let file = file.to_string();
            return Err(if length == 0 {
                InputError::Truncated { file, compression }
            } else {
                let reason = "the first bytes are not those of the format".to_owned();
                InputError::Corrupt {
                    file,
                    compression,
                    reason,
                }
            });
        }
        // A pipe may deliver fewer bytes than the magic needs at first: they go back in front.
        let raw = io::Cursor::new(start).take(length as u64).chain(raw);
        let reader: Box<dyn BufRead + Send> = match found {
            None => Box::new(raw),
            Some(Compression::Gzip) => {
                Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
            }
            Some(Compression::Zstd) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(|source| {
                    InputError::Unreadable {
                        file: file.to_string(),
                        source,
                    }
                })?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        };
        Ok(Source {
            file,
            compression: found,
            reader,
        })
    }
}

impl Source {
    /// Whether the file is no text: its first few thousand bytes hold a zero or, where nothing
    /// tells what it is, are not UTF-8. What was read for that is read again.
    pub(crate) fn is_binary(&mut self, unknown: bool) -> Result<bool, InputError> {
        const LOOKED_AT: u64 = 8192;
        let mut start = Vec::new();
        let read = self.reader.by_ref().take(LOOKED_AT).read_to_end(&mut start);
        read.map_err(|error| read_error(&self.file, self.compression, error))?;
        // A character may be cut by the end of what was read.
        let is_text =
            std::str::from_utf8(&start).map_or_else(|e| e.error_len().is_none(), |_| true);
        let binary = start.contains(&0) || unknown && !is_text;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(io::Cursor::new(start).chain(rest));
        Ok(binary)
    }
}

/// Turns a read error into one of the disk or one of the decoder, and names the file.
pub(crate) fn read_error(
    file: &str,
    compression: Option<Compression>,
    source: io::Error,
) -> InputError {
    let file = file.to_owned();
    match compression {
        Some(compression) if source.raw_os_error().is_none() => {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                InputError::Truncated { file, compression }
            } else {
                InputError::Corrupt {
                    file,
                    compression,
                    reason: source.to_string(),
                }
            }
        }
        _ => InputError::Unreadable { file, source },
    }
}

fn peek(reader: &mut impl Read) -> io::Result<([u8; 4], usize)> {
    let mut start = [0; 4];
    let mut length = 0;
    while length < start.len() {
        match reader.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((start, length))
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Write;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn zst(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(name: &str, bytes: Vec<u8>) -> Result<String, InputError> {
        let mut source = Source::new(name.into(), io::Cursor::new(bytes), &Arc::default())?;
        let mut text = String::new();
        source
            .reader
            .read_to_string(&mut text)
            .map_err(|error| read_error(&source.file, source.compression, error))?;
        Ok(text)
    }

    #[test]
    fn plain_and_compressed_read_alike_whatever_the_name() {
        for name in ["x.jsonl", STANDARD_INPUT] {
            for content in ["", "a", "abc", "a longer line of text\n"] {
                assert_eq!(read(name, content.into()).unwrap(), content);
                assert_eq!(read(name, gzip(content.as_bytes())).unwrap(), content);
                assert_eq!(read(name, zst(content.as_bytes())).unwrap(), content);
            }
        }
    }

    #[test]
    fn many_members_and_frames_are_read_through() {
        assert_eq!(
            read("x.gz", [gzip(b"one "), gzip(b"two")].concat()).unwrap(),
            "one two"
        );
        assert_eq!(
            read("x.zst", [zst(b"one "), zst(b"two")].concat()).unwrap(),
            "one two"
        );
        let skippable = [
            &[0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9][..],
            &zst(b"after"),
        ]
        .concat();
        assert_eq!(read("-", skippable).unwrap(), "after");
    }

    #[test]
    fn truncated_and_damaged_files_are_told_apart() {
        let text: Vec<u8> = (0..200_000u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let text: String = text
            .iter()
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        for (name, bytes) in [
            ("x.gz", gzip(text.as_bytes())),
            ("x.zst", zst(text.as_bytes())),
        ] {
            for keep in [5, bytes.len() / 2, bytes.len() - 1] {
                let error = read(name, bytes[..keep].to_vec()).unwrap_err();
                assert!(
                    matches!(error, InputError::Truncated { .. }),
                    "{name} {keep}: {error}"
                );
            }
            let mut damaged = bytes.clone();
            let middle = damaged.len() / 2;
            for byte in &mut damaged[middle..middle + 64] {
                *byte ^= 0xA5;
            }
            assert!(read(name, damaged).is_err(), "{name}");
            assert!(matches!(
                read(name, vec![]),
                Err(InputError::Truncated { .. })
            ));
            assert!(matches!(
                read(name, b"plain text".to_vec()),
                Err(InputError::Corrupt { .. })
            ));
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docs.jsonl");
        std::fs::write(&file, "x").unwrap();
        for inside in ["a", "a/b/c"] {
            let error = Source::open(&file.join(inside), &Arc::default())
                .err()
                .unwrap();
            let error = error.to_string();
            assert!(
                error.contains("docs.jsonl is a file, expected a folder"),
                "{error}"
            );
            assert!(!error.contains("os error"), "{error}");
        }
    }

    #[test]
    fn missing_files_and_folders_are_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent.jsonl")] {
            let error = Source::open(&path, &Arc::default()).err().unwrap();
            assert_eq!(
                matches!(&error, InputError::IsFolder { .. }),
                path.is_dir(),
                "{error}"
            );
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    }
}
