//! The kinds of files, in one table: tag, name and owner of each.

use super::Tag;

/// What a file of an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FileKind {
    /// The files of the index, and what made them.
    Manifest,
    /// What of an unfinished build is done. Not part of an index.
    Journal,
    /// Centroids, and what residuals decode to.
    Codebook,
    /// Deleted documents, over all segments.
    Deletions,
    /// Keys of documents, and where their vectors lie.
    Documents,
    /// A centroid and a gain for each vector.
    Codes,
    /// Residual bits of each vector.
    Residuals,
    /// The mean residual of each document.
    MeanResiduals,
    /// For each centroid, the documents that have a vector near it.
    Postings,
    /// Title, text and metadata of each document.
    Text,
    /// The metadata of documents by field and value.
    Columns,
    /// For each word, the documents that have it.
    Words,
}

/// What a file belongs to, which decides how it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The directory: there is one such file, under a name of its own.
    Directory,
    /// An index: named in the manifest, by kind and number.
    Index,
    /// A segment: as [`Owner::Index`], with the segment's number.
    Segment,
}

struct Row {
    kind: FileKind,
    tag: Tag,
    /// The file's name without its number.
    stem: &'static str,
    owner: Owner,
}

const fn row(kind: FileKind, tag: [u8; 4], stem: &'static str, owner: Owner) -> Row {
    Row {
        kind,
        tag: Tag(tag),
        stem,
        owner,
    }
}

/// All kinds, in the order of [`FileKind`].
const TABLE: [Row; 12] = [
    row(FileKind::Manifest, *b"MANI", "manifest", Owner::Directory),
    row(FileKind::Journal, *b"JRNL", "build", Owner::Directory),
    row(FileKind::Codebook, *b"BOOK", "codebook", Owner::Index),
    row(FileKind::Deletions, *b"DELE", "deletions", Owner::Index),
    row(FileKind::Documents, *b"DOCS", "documents", Owner::Segment),
    row(FileKind::Codes, *b"CODE", "codes", Owner::Segment),
    row(FileKind::Residuals, *b"RESI", "residuals", Owner::Segment),
    row(FileKind::MeanResiduals, *b"MEAN", "means", Owner::Segment),
    row(FileKind::Postings, *b"POST", "postings", Owner::Segment),
    row(FileKind::Text, *b"TEXT", "text", Owner::Segment),
    row(FileKind::Columns, *b"COLS", "columns", Owner::Segment),
    row(FileKind::Words, *b"WRDS", "words", Owner::Segment),
];

impl FileKind {
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its tag, as it stands in files.
    pub(crate) fn tag(self) -> Tag {
        self.row().tag
    }

    pub(crate) fn owner(self) -> Owner {
        self.row().owner
    }

    /// The kind with this tag, of those that a manifest names.
    pub(crate) fn in_manifest(tag: Tag) -> Option<Self> {
        numbered().find(|row| row.tag == tag).map(|row| row.kind)
    }
}

/// The kinds whose files have numbers.
fn numbered() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(|row| row.owner != Owner::Directory)
}

/// The name of a file with a number.
pub(crate) fn file_name(kind: FileKind, number: u32) -> String {
    format!("{}-{number:08}.clx", kind.row().stem)
}

/// The number in a name that [`file_name`] made, or `None` for other names.
pub(crate) fn file_number(name: &str) -> Option<u32> {
    let (stem, number) = name.strip_suffix(".clx")?.rsplit_once('-')?;
    let known = numbered().any(|row| row.stem == stem);
    (known && number.len() == 8).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_kinds_and_tells_them_apart() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, at);
            let alike = |other: &&Row| other.tag == row.tag || other.stem == row.stem;
            assert_eq!(TABLE.iter().filter(alike).count(), 1);
        }
    }

    #[test]
    fn numbered_files_are_known_by_their_names() {
        for row in numbered() {
            assert_eq!(file_number(&file_name(row.kind, 120)), Some(120));
            assert_eq!(FileKind::in_manifest(row.tag), Some(row.kind));
        }
        for name in [
            "manifest-00000001.clx",
            "codes-1.clx",
            "codes-00000001",
            "x",
        ] {
            assert_eq!(file_number(name), None, "{name}");
        }
        assert_eq!(FileKind::in_manifest(FileKind::Manifest.tag()), None);
        assert_eq!(FileKind::in_manifest(Tag(*b"????")), None);
    }
}
