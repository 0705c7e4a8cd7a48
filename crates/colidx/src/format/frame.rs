//! The frame that every file of an index has: header, sections, directory, footer.

use super::{ALIGNMENT, FORMAT_VERSION, Tag, checksum};
use crate::error::{Error, FormatErrorKind, Result};
use crate::storage::{Bytes, Directory, OutputFile};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3Default;

const MAGIC: [u8; 8] = *b"\x8ACLX\r\n\x1A\n";
const END_MAGIC: [u8; 8] = *b"CLX\x8Aend\n";
const HEADER: usize = size_of::<Header>();
const FOOTER: usize = size_of::<Footer>();

/// More sections than any kind of file has.
const MAX_SECTIONS: u32 = 64;

/// Feature bits a reader must know to read the file; this version knows none.
const KNOWN_FEATURES: u64 = 0;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    kind: Tag,
    version: u16,
    reserved0: u16,
    required_features: u64,
    optional_features: u64,
    reserved1: [u64; 3],
    checksum: u64,
}

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    tag: Tag,
    reserved: u32,
    offset: u64,
    length: u64,
    checksum: u64,
}

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Footer {
    directory_offset: u64,
    sections: u32,
    reserved0: u32,
    directory_checksum: u64,
    file_length: u64,
    reserved1: [u64; 2],
    checksum: u64,
    magic: [u8; 8],
}

const _: () = assert!(HEADER == 64 && FOOTER == 64 && size_of::<Entry>() == 32);

/// How a finished file is recorded in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Bytes in the file.
    pub length: u64,
    /// Checksum of the footer, which covers the directory, which covers every section.
    pub checksum: u64,
}

/// Writes one file, section after section.
pub(crate) struct FrameWriter {
    out: OutputFile,
    entries: Vec<Entry>,
    open: Option<(Tag, u64, Xxh3Default)>,
}

impl FrameWriter {
    pub(crate) fn create(directory: &Directory, name: &str, kind: Tag) -> Result<Self> {
        let mut out = directory.create(name)?;
        let mut header = Header {
            magic: MAGIC,
            kind,
            version: FORMAT_VERSION,
            reserved0: 0,
            required_features: 0,
            optional_features: 0,
            reserved1: [0; 3],
            checksum: 0,
        };
        header.checksum = checksum(&bytemuck::bytes_of(&header)[..HEADER - 8]);
        out.write(bytemuck::bytes_of(&header))?;
        Ok(Self {
            out,
            entries: Vec::new(),
            open: None,
        })
    }

    /// Ends the section before, if any, and begins one.
    pub(crate) fn begin(&mut self, tag: Tag) -> Result<()> {
        self.end()?;
        self.pad()?;
        self.open = Some((tag, self.out.position(), Xxh3Default::new()));
        Ok(())
    }

    /// Appends to the section that was begun last.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some((_, _, hash)) = &mut self.open {
            hash.update(bytes);
        }
        self.out.write(bytes)
    }

    /// A whole section at once.
    pub(crate) fn section(&mut self, tag: Tag, bytes: &[u8]) -> Result<()> {
        self.begin(tag)?;
        self.write(bytes)
    }

    fn end(&mut self) -> Result<()> {
        if let Some((tag, offset, hash)) = self.open.take() {
            self.entries.push(Entry {
                tag,
                reserved: 0,
                offset,
                length: self.out.position() - offset,
                checksum: hash.digest(),
            });
        }
        Ok(())
    }

    fn pad(&mut self) -> Result<()> {
        let rest = self.out.position() % ALIGNMENT;
        if rest != 0 {
            self.out.write(&[0; ALIGNMENT as usize][rest as usize..])?;
        }
        Ok(())
    }

    /// Writes directory and footer and returns when everything is on disk.
    pub(crate) fn finish(mut self) -> Result<Seal> {
        self.end()?;
        self.pad()?;
        let directory_offset = self.out.position();
        let directory: &[u8] = bytemuck::cast_slice(&self.entries);
        self.out.write(directory)?;
        self.pad()?;
        let mut footer = Footer {
            directory_offset,
            sections: self.entries.len() as u32,
            reserved0: 0,
            directory_checksum: checksum(bytemuck::cast_slice(&self.entries)),
            file_length: self.out.position() + FOOTER as u64,
            reserved1: [0; 2],
            checksum: 0,
            magic: END_MAGIC,
        };
        footer.checksum = checksum(&bytemuck::bytes_of(&footer)[..FOOTER - 16]);
        self.out.write(bytemuck::bytes_of(&footer))?;
        let seal = Seal {
            length: footer.file_length,
            checksum: footer.checksum,
        };
        self.out.sync()?;
        Ok(seal)
    }
}

/// One mapped file whose header, directory and footer have been checked; sections are not read.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    path: PathBuf,
    bytes: Bytes,
    entries: Vec<Entry>,
}

impl Frame {
    /// Maps a file. With a `seal` from the manifest the file must be that very one.
    pub(crate) fn open(
        directory: &Directory,
        name: &str,
        kind: Tag,
        seal: Option<Seal>,
    ) -> Result<Self> {
        let path = directory.file_path(name);
        let bytes = directory.map(name)?;
        let entries = parse(&bytes, kind, seal).map_err(|e| e.at(&path))?;
        Ok(Self {
            path,
            bytes,
            entries,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Name and length of every section, in file order.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (Tag, u64)> + '_ {
        self.entries.iter().map(|e| (e.tag, e.length))
    }

    /// A section's elements. Fails when it is missing or is no whole number of elements.
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
        let got = checksum(&self.bytes[entry.offset as usize..][..entry.length as usize]);
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

const fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT as usize)
}

fn parse(bytes: &[u8], kind: Tag, seal: Option<Seal>) -> Result<Vec<Entry>, FormatErrorKind> {
    if bytes.len() < HEADER + FOOTER {
        return Err(FormatErrorKind::Length {
            section: "file".into(),
            expected: seal.map_or((HEADER + FOOTER) as u64, |s| s.length),
            got: bytes.len() as u64,
        });
    }
    check_header(&bytemuck::pod_read_unaligned(&bytes[..HEADER]), kind)?;
    if let Some(seal) = seal.filter(|s| s.length != bytes.len() as u64) {
        return Err(FormatErrorKind::Length {
            section: "file".into(),
            expected: seal.length,
            got: bytes.len() as u64,
        });
    }
    let footer_offset = bytes.len() - FOOTER;
    let footer: Footer = bytemuck::pod_read_unaligned(&bytes[footer_offset..]);
    check_footer(&footer, bytes.len() as u64, seal)?;

    let size = footer.sections as usize * size_of::<Entry>();
    let expected_offset = footer_offset.saturating_sub(padded(size));
    if expected_offset < HEADER || footer.directory_offset != expected_offset as u64 {
        return Err(FormatErrorKind::invalid(
            "footer",
            "directory offset",
            expected_offset,
            footer.directory_offset,
        ));
    }
    let directory = &bytes[expected_offset..][..size];
    let got = checksum(directory);
    if got != footer.directory_checksum {
        return Err(FormatErrorKind::Checksum {
            section: "section directory".into(),
            expected: footer.directory_checksum,
            got,
        });
    }
    let entries: Vec<Entry> = directory
        .chunks_exact(size_of::<Entry>())
        .map(bytemuck::pod_read_unaligned)
        .collect();
    check_entries(&entries, expected_offset as u64)?;
    Ok(entries)
}

fn check_header(header: &Header, kind: Tag) -> Result<(), FormatErrorKind> {
    if header.magic != MAGIC {
        return Err(FormatErrorKind::BadMagic {
            what: "magic",
            expected: MAGIC.escape_ascii().to_string(),
            got: header.magic.escape_ascii().to_string(),
        });
    }
    let got = checksum(&bytemuck::bytes_of(header)[..HEADER - 8]);
    // The version comes before the checksum: a later version may lay the rest out differently.
    if header.version != FORMAT_VERSION {
        return Err(FormatErrorKind::Version {
            expected: FORMAT_VERSION,
            got: header.version,
        });
    }
    if header.checksum != got {
        return Err(FormatErrorKind::Checksum {
            section: "header".into(),
            expected: header.checksum,
            got,
        });
    }
    if header.kind != kind {
        return Err(FormatErrorKind::BadMagic {
            what: "kind of file",
            expected: kind.to_string(),
            got: header.kind.to_string(),
        });
    }
    let unknown = header.required_features & !KNOWN_FEATURES;
    if unknown != 0 {
        return Err(FormatErrorKind::UnknownFeature { bits: unknown });
    }
    if header.reserved0 != 0 || header.reserved1 != [0; 3] {
        return Err(FormatErrorKind::invalid(
            "header", "reserved", 0, "not zero",
        ));
    }
    Ok(())
}

fn check_footer(footer: &Footer, length: u64, seal: Option<Seal>) -> Result<(), FormatErrorKind> {
    if footer.magic != END_MAGIC {
        return Err(FormatErrorKind::BadMagic {
            what: "end magic",
            expected: END_MAGIC.escape_ascii().to_string(),
            got: footer.magic.escape_ascii().to_string(),
        });
    }
    let got = checksum(&bytemuck::bytes_of(footer)[..FOOTER - 16]);
    if footer.checksum != got {
        return Err(FormatErrorKind::Checksum {
            section: "footer".into(),
            expected: footer.checksum,
            got,
        });
    }
    if let Some(seal) = seal.filter(|s| s.checksum != footer.checksum) {
        return Err(FormatErrorKind::Checksum {
            section: "footer (the file belongs to another commit or index)".into(),
            expected: seal.checksum,
            got: footer.checksum,
        });
    }
    if footer.file_length != length {
        return Err(FormatErrorKind::Length {
            section: "file".into(),
            expected: footer.file_length,
            got: length,
        });
    }
    if footer.sections > MAX_SECTIONS {
        return Err(FormatErrorKind::invalid(
            "footer",
            "sections",
            format!("at most {MAX_SECTIONS}"),
            footer.sections,
        ));
    }
    if footer.reserved0 != 0 || footer.reserved1 != [0; 2] {
        return Err(FormatErrorKind::invalid(
            "footer", "reserved", 0, "not zero",
        ));
    }
    Ok(())
}

/// Sections stand in ascending order, aligned, without overlap, with less than an alignment between.
fn check_entries(entries: &[Entry], limit: u64) -> Result<(), FormatErrorKind> {
    let mut end = HEADER as u64;
    for (i, entry) in entries.iter().enumerate() {
        let expected = end.next_multiple_of(ALIGNMENT);
        let valid_end = entry
            .offset
            .checked_add(entry.length)
            .filter(|&e| e <= limit);
        match valid_end {
            Some(e) if entry.offset == expected => end = e,
            _ => {
                return Err(FormatErrorKind::invalid(
                    format!("section {}", entry.tag),
                    "range",
                    format!("offset {expected}, end at most {limit}"),
                    format!("offset {}, length {}", entry.offset, entry.length),
                ));
            }
        }
        if entry.reserved != 0 {
            return Err(FormatErrorKind::invalid(
                format!("section {}", entry.tag),
                "reserved",
                0,
                entry.reserved,
            ));
        }
        if entries[..i].iter().any(|e| e.tag == entry.tag) {
            return Err(FormatErrorKind::invalid(
                format!("section {}", entry.tag),
                "occurrences",
                1,
                2,
            ));
        }
    }
    if end.next_multiple_of(ALIGNMENT) != limit {
        return Err(FormatErrorKind::Length {
            section: "sections".into(),
            expected: limit,
            got: end,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::kind;

    const ONE: Tag = Tag(*b"ONE.");
    const TWO: Tag = Tag(*b"TWO.");

    fn write(directory: &Directory) -> Seal {
        let mut w = FrameWriter::create(directory, "f", kind::DOCUMENTS).unwrap();
        w.section(ONE, b"abc").unwrap();
        w.begin(TWO).unwrap();
        w.write(&1u32.to_le_bytes()).unwrap();
        w.write(&2u32.to_le_bytes()).unwrap();
        w.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let tmp = tempfile::tempdir().unwrap();
        let directory = Directory::new(tmp.path());
        let seal = write(&directory);
        let frame = Frame::open(&directory, "f", kind::DOCUMENTS, Some(seal)).unwrap();
        assert_eq!(&*frame.section::<u8>(ONE).unwrap(), b"abc");
        assert_eq!(&*frame.section::<u32>(TWO).unwrap(), &[1, 2]);
        assert_eq!(frame.len() % 64, 0);
        frame.check_all().unwrap();
        assert!(frame.section::<u32>(ONE).is_err(), "3 bytes are no u32s");
        assert!(frame.section_of::<u32>(TWO, 3).is_err());
        assert!(frame.section::<u8>(Tag(*b"NONE")).is_err());
    }

    #[test]
    fn every_flipped_byte_is_found_and_every_truncation_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let directory = Directory::new(tmp.path());
        let seal = write(&directory);
        let good = std::fs::read(tmp.path().join("f")).unwrap();
        let open_and_check = |bytes: &[u8]| {
            std::fs::write(tmp.path().join("f"), bytes).unwrap();
            Frame::open(&directory, "f", kind::DOCUMENTS, Some(seal)).and_then(|f| f.check_all())
        };
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 1;
            assert!(open_and_check(&bad).is_err(), "byte {i}");
            assert!(open_and_check(&good[..i]).is_err(), "cut at {i}");
        }
        open_and_check(&good).unwrap();
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let directory = Directory::new(tmp.path());
        write(&directory);
        let error = Frame::open(&directory, "f", kind::CODES, None).unwrap_err();
        assert!(error.to_string().contains("expected CODE"), "{error}");
    }
}
