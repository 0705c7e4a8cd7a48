//! Checks made when a file is opened: header, footer, and the places of its sections.

use super::{
    END_MAGIC, Entry, FOOTER, FileDigest, Footer, HEADER, Header, MAGIC, MAX_SECTIONS,
    known_features, padded,
};
use crate::error::{FormatErrorKind, Result};
use crate::format::{ALIGNMENT, FORMAT_VERSION, FileKind, checksum};

/// Checks everything but the sections' bytes, and returns the directory.
pub(super) fn parse(
    bytes: &[u8],
    kind: FileKind,
    digest: Option<FileDigest>,
) -> Result<Vec<Entry>, FormatErrorKind> {
    if bytes.len() < HEADER + FOOTER {
        return Err(FormatErrorKind::Length {
            section: "file".into(),
            expected: digest.map_or((HEADER + FOOTER) as u64, |s| s.length),
            got: bytes.len() as u64,
        });
    }
    check_header(&bytemuck::pod_read_unaligned(&bytes[..HEADER]), kind)?;
    if let Some(digest) = digest.filter(|s| s.length != bytes.len() as u64) {
        return Err(FormatErrorKind::Length {
            section: "file".into(),
            expected: digest.length,
            got: bytes.len() as u64,
        });
    }
    let footer_offset = bytes.len() - FOOTER;
    let footer: Footer = bytemuck::pod_read_unaligned(&bytes[footer_offset..]);
    check_footer(&footer, bytes.len() as u64, digest)?;

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

fn check_header(header: &Header, kind: FileKind) -> Result<(), FormatErrorKind> {
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
    if header.kind != kind.tag() {
        return Err(FormatErrorKind::BadMagic {
            what: "kind of file",
            expected: kind.tag().to_string(),
            got: header.kind.to_string(),
        });
    }
    let unknown = header.required_features & !known_features(kind);
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

fn check_footer(
    footer: &Footer,
    length: u64,
    digest: Option<FileDigest>,
) -> Result<(), FormatErrorKind> {
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
    if let Some(digest) = digest.filter(|s| s.checksum != footer.checksum) {
        return Err(FormatErrorKind::Checksum {
            section: "footer (the file belongs to another commit or index)".into(),
            expected: digest.checksum,
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

/// Sections stand in ascending order, aligned, without overlap, with less than an alignment
/// between.
fn check_entries(entries: &[Entry], limit: u64) -> Result<(), FormatErrorKind> {
    let mut end = HEADER as u64;
    for (i, entry) in entries.iter().enumerate() {
        if !entry.tag.is_ascii() {
            return Err(FormatErrorKind::invalid(
                "directory",
                "tag of a section",
                "four printable ASCII bytes",
                entry.tag,
            ));
        }
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
