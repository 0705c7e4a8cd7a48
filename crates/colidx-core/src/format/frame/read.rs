//! Reading a file in place.

use super::check::parse;
use super::{Entry, FOOTER, FeatureBits, FileDigest, Footer, HEADER, Header, padded};
use crate::error::{Error, FormatErrorKind, Result};
use crate::format::{FileKind, Tag, checksum};
use crate::storage::{Bytes, Directory};
use bytemuck::Pod;
use std::ops::Range;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3Default;

/// Bytes checked at a time.
const PIECE: usize = 8 << 20;

/// A file, mapped or in memory. Its header, directory and footer have been checked, its sections
/// not.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    path: PathBuf,
    bytes: Bytes,
    entries: Vec<Entry>,
}

impl Frame {
    /// Maps a file, which must have the `digest` if one is given.
    pub(crate) fn open(
        directory: &Directory,
        name: &str,
        kind: FileKind,
        digest: Option<FileDigest>,
    ) -> Result<Self> {
        let bytes = directory.map(name)?;
        Self::parse(directory, name, bytes, kind, digest)
    }

    /// Reads a file of at most `most` bytes into memory: unlike a mapped one it can be replaced on
    /// every system.
    pub(crate) fn read(
        directory: &Directory,
        name: &str,
        kind: FileKind,
        most: usize,
    ) -> Result<Self> {
        let bytes = directory.read(name, most.saturating_add(1))?;
        if bytes.len() > most {
            let (expected, got) = (format!("at most {most} bytes"), "more");
            let invalid = FormatErrorKind::invalid(name, "length", expected, got);
            return Err(invalid.at(&directory.file_path(name)));
        }
        Self::parse(directory, name, bytes, kind, None)
    }

    fn parse(
        directory: &Directory,
        name: &str,
        bytes: Bytes,
        kind: FileKind,
        digest: Option<FileDigest>,
    ) -> Result<Self> {
        let path = directory.file_path(name);
        let entries = parse(&bytes, kind, digest).map_err(|e| e.at(&path))?;
        Ok(Self {
            path,
            bytes,
            entries,
        })
    }

    /// Advises random access to its sections, see [`Bytes::advise_random`].
    pub(crate) fn advise_random(self) -> Self {
        self.bytes.advise_random();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file has another name now.
    pub(crate) fn renamed(mut self, path: PathBuf) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn features(&self) -> FeatureBits {
        let header: Header = bytemuck::pod_read_unaligned(&self.bytes[..HEADER]);
        FeatureBits {
            required: header.required_features,
            optional: header.optional_features,
        }
    }

    /// Length and checksum, as the manifest records them of other files.
    pub(crate) fn digest(&self) -> FileDigest {
        let footer: Footer = bytemuck::pod_read_unaligned(&self.bytes[self.bytes.len() - FOOTER..]);
        FileDigest {
            length: footer.file_length,
            checksum: footer.checksum,
        }
    }

    /// Name and length of every section, in file order.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (Tag, u64)> + '_ {
        self.entries.iter().map(|e| (e.tag, e.length))
    }

    /// A section's elements. Fails when it is missing or not a whole number of elements.
    pub(crate) fn section<T: Pod>(&self, tag: Tag) -> Result<Section<T>> {
        let entry = self.entries.iter().find(|e| e.tag == tag).ok_or_else(|| {
            self.error(FormatErrorKind::MissingSection {
                section: tag.to_string(),
            })
        })?;
        let range = entry.offset as usize..(entry.offset + entry.length) as usize;
        if bytemuck::try_cast_slice::<u8, T>(&self.bytes[range.clone()]).is_err() {
            return Err(self.error(FormatErrorKind::invalid(
                tag,
                "length",
                format!("a multiple of {} bytes", size_of::<T>()),
                entry.length,
            )));
        }
        Ok(Section {
            bytes: self.bytes.clone(),
            range,
            element: std::marker::PhantomData,
        })
    }

    /// A section that must hold exactly `count` elements.
    pub(crate) fn section_of<T: Pod>(&self, tag: Tag, count: u64) -> Result<Section<T>> {
        let section = self.section::<T>(tag)?;
        let got = section.len() as u64;
        if got != count {
            return Err(self.error(FormatErrorKind::Length {
                section: tag.to_string(),
                expected: count.saturating_mul(size_of::<T>() as u64),
                got: got * size_of::<T>() as u64,
            }));
        }
        Ok(section)
    }

    /// Compares a section with its checksum.
    pub(crate) fn check(&self, tag: Tag) -> Result<()> {
        match self.entries.iter().find(|e| e.tag == tag) {
            Some(entry) => self.check_entry(entry),
            None => Ok(()),
        }
    }

    fn check_entry(&self, entry: &Entry) -> Result<()> {
        let got = self.checksum(entry.offset as usize..(entry.offset + entry.length) as usize);
        if got == entry.checksum {
            return Ok(());
        }
        Err(self.error(FormatErrorKind::Checksum {
            section: format!("section {}", entry.tag),
            expected: entry.checksum,
            got,
        }))
    }

    /// Compares every section with its checksum and every padding byte with zero.
    pub(crate) fn check_all(&self) -> Result<()> {
        let mut end = HEADER as u64;
        for entry in &self.entries {
            self.check_padding(end..entry.offset)?;
            self.check_entry(entry)?;
            end = entry.offset + entry.length;
        }
        let directory = self.bytes.len() - FOOTER - padded(self.entries.len() * size_of::<Entry>());
        self.check_padding(end..directory as u64)?;
        let directory_end = directory + self.entries.len() * size_of::<Entry>();
        self.check_padding(directory_end as u64..(self.bytes.len() - FOOTER) as u64)
    }

    /// A range's checksum. Pages of a range longer than a piece are dropped, as nothing else needs
    /// them.
    fn checksum(&self, range: Range<usize>) -> u64 {
        if range.len() <= PIECE {
            return checksum(&self.bytes[range]);
        }
        let mut hasher = Xxh3Default::new();
        for start in range.clone().step_by(PIECE) {
            let piece = start..range.end.min(start + PIECE);
            self.bytes.advise_willneed(piece.clone());
            hasher.update(&self.bytes[piece.clone()]);
            self.bytes.advise_dontneed(piece);
        }
        hasher.digest()
    }

    /// Drops the pages of the file from memory once they are no longer in use.
    pub(crate) fn advise_dontneed(&self) {
        self.bytes.advise_dontneed(0..self.bytes.len());
    }

    fn check_padding(&self, range: Range<u64>) -> Result<()> {
        let bytes = &self.bytes[range.start as usize..range.end as usize];
        match bytes.iter().position(|&b| b != 0) {
            None => Ok(()),
            Some(at) => Err(self.error(FormatErrorKind::invalid(
                "padding",
                format!("byte {}", range.start + at as u64),
                0,
                bytes[at],
            ))),
        }
    }

    pub(crate) fn error(&self, kind: FormatErrorKind) -> Error {
        kind.at(&self.path)
    }
}

/// A typed view of one section of a mapped file.
#[derive(Debug)]
pub(crate) struct Section<T> {
    bytes: Bytes,
    range: Range<usize>,
    element: std::marker::PhantomData<T>,
}

impl<T> Section<T> {
    /// Starts reading a range of its bytes from disk, at once and not page by page.
    pub(crate) fn advise_willneed(&self, bytes: Range<usize>) {
        let start = self.range.start.saturating_add(bytes.start);
        let end = self.range.start.saturating_add(bytes.end);
        self.bytes
            .advise_willneed(start.min(self.range.end)..end.min(self.range.end));
    }

    /// Drops its pages from memory once they are no longer in use.
    pub(crate) fn advise_dontneed(&self) {
        self.bytes.advise_dontneed(self.range.clone());
    }
}

impl AsRef<[u8]> for Section<u8> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<T> Clone for Section<T> {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            range: self.range.clone(),
            element: std::marker::PhantomData,
        }
    }
}

impl<T: Pod> std::ops::Deref for Section<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // Length and alignment were checked when the section was made.
        bytemuck::cast_slice(&self.bytes[self.range.clone()])
    }
}
