//! Compression that is undone while reading.

use std::fmt;

/// The compression of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip, of one or many members.
    Gzip,
    /// Zstandard, of one or many frames.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

impl Compression {
    pub(crate) fn of_name(name: &str) -> Option<Compression> {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".gz") {
            Some(Compression::Gzip)
        } else if name.ends_with(".zst") {
            Some(Compression::Zstd)
        } else {
            None
        }
    }

    // Neither magic is valid UTF-8 text, so no readable plain file is taken for a compressed one.
    pub(crate) fn of_content(start: &[u8]) -> Option<Compression> {
        match start {
            [0x1F, 0x8B, ..] => Some(Compression::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Compression::Zstd),
            [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }
}

/// The name without the ending of a compression. Endings are lower case here.
pub(crate) fn without_ending(name: &str) -> &str {
    let ending = [".gz", ".zst"]
        .into_iter()
        .find(|ending| name.ends_with(ending));
    ending.map_or(name, |ending| &name[..name.len() - ending.len()])
}
