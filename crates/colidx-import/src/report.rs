//! What of an index could not be taken over.

use std::fmt;

/// Examples that are kept of each kind.
const EXAMPLES: usize = 5;

/// What could not be taken over, or was taken over in another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// Documents that were deleted and are still numbered or stored.
    Deleted,
    /// Earlier versions of documents that are still stored.
    OldVersion,
    /// Documents whose id a later one has too.
    RepeatedId,
    /// Documents that no id is known for; their numbers are the keys.
    NoId,
    /// Texts that lie in another file, which was not given.
    TextsElsewhere,
    /// Texts of which nobody can tell which document each belongs to.
    TextsUnclear,
    /// Metadata that is kept in a form that is not read.
    MetadataUnread,
    /// A file of metadata that has none in it.
    NoMetadata,
    /// Values that are neither text nor numbers.
    BinaryValue,
    /// Original vectors that are there and do not fit the rest.
    OriginalsUnfit,
    /// Original vectors that were not of unit length, and are brought to it as their engine does.
    OriginalsScaled,
    /// Vectors that do not have unit length in this engine.
    OtherLengths,
}

impl NoteKind {
    /// What it is, before the examples; of kinds that are counted with one form for one.
    fn words(self, count: u64) -> &'static str {
        let one = count == 1;
        match self {
            NoteKind::Deleted if one => "deleted document, left out: number",
            NoteKind::Deleted => "deleted documents, left out: numbers",
            NoteKind::OldVersion if one => "replaced version of a document, left out: number",
            NoteKind::OldVersion => "replaced versions of documents, left out: numbers",
            NoteKind::RepeatedId if one => "document whose id a later one has, left out:",
            NoteKind::RepeatedId => "documents whose id a later one has, left out:",
            NoteKind::NoId if one => "document without an id, whose key is its number:",
            NoteKind::NoId => "documents without an id, whose keys are their numbers:",
            NoteKind::TextsElsewhere => "texts in another file, not read:",
            NoteKind::TextsUnclear => "texts that cannot be told apart after deletions, left out:",
            NoteKind::MetadataUnread => "metadata in a form that is not read, left out:",
            NoteKind::NoMetadata => "no metadata:",
            NoteKind::BinaryValue if one => "binary value, left out:",
            NoteKind::BinaryValue => "binary values, left out:",
            NoteKind::OriginalsUnfit => "original vectors that do not fit; decoded ones are used:",
            NoteKind::OriginalsScaled if one => {
                "original vector was brought to unit length, as its engine does: in document"
            }
            NoteKind::OriginalsScaled => {
                "original vectors were brought to unit length, as their engine does: in documents"
            }
            NoteKind::OtherLengths => "vectors are not of unit length, and are taken as they are:",
        }
    }

    /// Whether the report says how many there are.
    fn is_counted(self) -> bool {
        matches!(
            self,
            NoteKind::Deleted
                | NoteKind::OldVersion
                | NoteKind::RepeatedId
                | NoteKind::NoId
                | NoteKind::BinaryValue
                | NoteKind::OriginalsScaled
        )
    }
}

/// One kind of thing that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// What it is.
    pub kind: NoteKind,
    /// How many there are.
    pub count: u64,
    /// The first of them: a document, a file, a reason.
    pub examples: Vec<String>,
    /// Whether there are more than the examples.
    more: bool,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count > 1 || self.kind.is_counted() {
            write!(f, "{} ", self.count)?;
        }
        let words = self.kind.words(self.count);
        write!(f, "{words} {}", self.examples.join(", "))?;
        if self.more {
            f.write_str(", ...")?;
        }
        Ok(())
    }
}

/// All that could not be taken over. What is known when the index is opened is there at once; what
/// concerns single values is added as documents are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    notes: Vec<Note>,
}

impl Report {
    /// One for each kind.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The one of a kind.
    pub fn get(&self, kind: NoteKind) -> Option<&Note> {
        self.notes.iter().find(|note| note.kind == kind)
    }

    pub(crate) fn add(&mut self, kind: NoteKind, example: impl fmt::Display) {
        self.add_all(kind, 1, example);
    }

    /// Adds several that have one example.
    pub(crate) fn add_all(&mut self, kind: NoteKind, count: u64, example: impl fmt::Display) {
        let at = self.notes.iter().position(|note| note.kind == kind);
        let at = at.unwrap_or_else(|| {
            self.notes.push(Note {
                kind,
                count: 0,
                examples: Vec::new(),
                more: false,
            });
            self.notes.len() - 1
        });
        let note = &mut self.notes[at];
        note.count += count;
        if note.examples.len() < EXAMPLES {
            note.examples.push(example.to_string());
        } else {
            note.more = true;
        }
    }
}

/// One line for each kind.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}
