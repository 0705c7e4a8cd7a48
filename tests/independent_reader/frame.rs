//! Section 3: the frame.

use super::bytes::{checksum, number};
use std::collections::BTreeMap;
use std::path::Path;

/// The sections of a file by their tags.
pub type Sections = BTreeMap<String, Vec<u8>>;

/// What of a frame the manifest needs.
pub struct Frame {
    pub sections: Sections,
    /// The first feature word.
    pub features: u64,
    /// The second feature word.
    pub optional: u64,
    /// The checksum of the footer.
    pub seal: u64,
}

/// Reads a file of this kind.
pub fn frame(path: &Path, kind: &str) -> Frame {
    let file = std::fs::read(path).unwrap();
    assert_eq!(&file[..8], b"\x8a\x43\x4c\x58\x0d\x0a\x1a\x0a");
    assert_eq!(&file[8..12], kind.as_bytes());
    assert_eq!(number(&file, 12, 2), 5);
    // Only a manifest has features, and there are three.
    let features = number(&file, 16, 8);
    assert!(features & !7 == 0 && (features == 0 || kind == "MANI"));
    let optional = number(&file, 24, 8);
    assert!(file[32..56].iter().all(|b| *b == 0));
    assert_eq!(number(&file, 56, 8), checksum(&file[..56]));

    let footer = &file[file.len() - 64..];
    assert_eq!(&footer[56..], b"\x43\x4c\x58\x8a\x65\x6e\x64\x0a");
    assert_eq!(number(footer, 48, 8), checksum(&footer[..48]));
    assert_eq!(number(footer, 24, 8), file.len() as u64);
    let directory = number(footer, 0, 8) as usize;
    let sections = number(footer, 8, 4) as usize;
    assert_eq!(
        (directory + 32 * sections).next_multiple_of(64),
        file.len() - 64
    );
    let entries = &file[directory..][..32 * sections];
    assert_eq!(number(footer, 16, 8), checksum(entries));

    let mut found = Sections::new();
    let mut end = 64;
    for entry in entries.chunks(32) {
        assert!(entry[..4].iter().all(|b| (0x20..=0x7E).contains(b)));
        assert_eq!(number(entry, 4, 4), 0);
        let (offset, length) = (number(entry, 8, 8) as usize, number(entry, 16, 8) as usize);
        assert_eq!(offset, usize::next_multiple_of(end, 64));
        assert!(file[end..offset].iter().all(|b| *b == 0));
        let section = &file[offset..offset + length];
        assert_eq!(number(entry, 24, 8), checksum(section));
        let tag = String::from_utf8(entry[..4].to_vec()).unwrap();
        assert!(found.insert(tag, section.to_vec()).is_none());
        end = offset + length;
    }
    assert_eq!(end.next_multiple_of(64), directory);
    Frame {
        sections: found,
        features,
        optional,
        seal: number(footer, 48, 8),
    }
}
