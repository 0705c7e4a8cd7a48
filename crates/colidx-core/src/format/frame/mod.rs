//! The frame that every file of an index has: header, sections, directory, footer.

mod check;
mod checkpoint;
mod read;
mod write;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use read::{Frame, Section};
pub(crate) use write::FrameWriter;

use super::{ALIGNMENT, FileKind, Tag};
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// The first bytes of every file of an index.
pub const MAGIC: [u8; 8] = *b"\x8ACLX\r\n\x1A\n";
const END_MAGIC: [u8; 8] = *b"CLX\x8Aend\n";
const HEADER: usize = size_of::<Header>();
const FOOTER: usize = size_of::<Footer>();

/// More sections than any kind of file has.
const MAX_SECTIONS: u32 = 64;

/// What a file may have beyond what every file of its kind has: two words of its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FeatureBits {
    /// What a reader must know.
    pub required: u64,
    /// What a reader may ignore.
    pub optional: u64,
}

/// Bits of the manifest's features.
pub(crate) mod features {
    /// The metadata of every segment are also in columns.
    pub(crate) const COLUMNS: u64 = 1;
    /// The text of every segment also has posting lists of its words.
    pub(crate) const WORDS: u64 = 2;
    /// Vectors of documents are pooled before they are stored.
    pub(crate) const POOLED: u64 = 4;

    /// What searches find was measured. A reader may ignore it.
    pub(crate) const RECALL: u64 = 1;
}

/// Features that a reader must know, of files of a kind.
const fn known_features(kind: FileKind) -> u64 {
    match kind {
        FileKind::Manifest => features::COLUMNS | features::WORDS | features::POOLED,
        _ => 0,
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileDigest {
    /// Bytes in the file.
    pub length: u64,
    /// Checksum of the footer, which covers the directory, which covers every section.
    pub checksum: u64,
}

const fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Directory, Memory};
    use std::sync::Arc;

    const ONE: Tag = Tag(*b"ONE.");
    const TWO: Tag = Tag(*b"TWO.");

    fn write(directory: &Directory) -> FileDigest {
        let mut w = FrameWriter::create(directory, "f", FileKind::Documents).unwrap();
        w.section(ONE, b"abc").unwrap();
        w.begin(TWO).unwrap();
        w.write(&1u32.to_le_bytes()).unwrap();
        w.write(&2u32.to_le_bytes()).unwrap();
        w.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let directory = Directory::memory();
        let digest = write(&directory);
        let frame = Frame::open(&directory, "f", FileKind::Documents, Some(digest)).unwrap();
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
        let directory = Directory::memory();
        let digest = write(&directory);
        let good = directory.map("f").unwrap();
        let open_and_check = |bytes: &[u8]| {
            let directory = Directory::over(Arc::new(Memory::with_files([("f", bytes)])));
            Frame::open(&directory, "f", FileKind::Documents, Some(digest))
                .and_then(|f| f.check_all())
        };
        for i in 0..good.len() {
            let mut bad = good.to_vec();
            bad[i] ^= 1;
            assert!(open_and_check(&bad).is_err(), "byte {i}");
            assert!(open_and_check(&good[..i]).is_err(), "cut at {i}");
        }
        open_and_check(&good).unwrap();
    }

    #[test]
    fn a_section_begun_is_continued_where_it_was_safe() {
        let directory = Directory::memory();
        let mut w = FrameWriter::create(&directory, "f", FileKind::Documents).unwrap();
        w.begin(ONE).unwrap();
        w.write(b"abc").unwrap();
        let checkpoint = w.checkpoint().unwrap();
        w.write(b"lost").unwrap();
        drop(w);
        let resume =
            |checkpoint| FrameWriter::resume(&directory, "f", FileKind::Documents, ONE, checkpoint);
        let longer = Checkpoint {
            length: checkpoint.length + 1,
            ..checkpoint
        };
        assert!(resume(longer).is_err(), "the checksum is of other bytes");
        let mut w = resume(checkpoint).unwrap();
        w.write(b"def").unwrap();
        let digest = w.finish().unwrap();
        let resumed = directory.map("f").unwrap();

        let mut w = FrameWriter::create(&directory, "f", FileKind::Documents).unwrap();
        w.section(ONE, b"abcdef").unwrap();
        assert_eq!(w.finish().unwrap(), digest);
        assert_eq!(&*resumed, &*directory.map("f").unwrap());
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let directory = Directory::memory();
        write(&directory);
        let error = Frame::open(&directory, "f", FileKind::Codes, None).unwrap_err();
        assert!(error.to_string().contains("expected CODE"), "{error}");
    }
}
