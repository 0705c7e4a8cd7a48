//! The fixed-size entries of the sections, and their tags.

use bytemuck::{Pod, Zeroable};

pub(super) const FIELDS: [u8; 4] = *b"FLDS";
pub(super) const PATHS: [u8; 4] = *b"PATH";
pub(super) const COLUMNS: [u8; 4] = *b"COLS";
pub(super) const INTEGERS: [u8; 4] = *b"INTS";
pub(super) const FLOATS: [u8; 4] = *b"FLTS";
pub(super) const STRING_STARTS: [u8; 4] = *b"STRS";
pub(super) const STRINGS: [u8; 4] = *b"STRB";
pub(super) const STARTS: [u8; 4] = *b"STRT";
pub(super) const DOCUMENTS: [u8; 4] = *b"DOCS";

/// The tags of all sections, in the order in which they are written.
pub const TAGS: [[u8; 4]; 9] = [
    FIELDS,
    PATHS,
    COLUMNS,
    INTEGERS,
    FLOATS,
    STRING_STARTS,
    STRINGS,
    STARTS,
    DOCUMENTS,
];

/// A field. Its path and its columns end where those of the next begin.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct FieldEntry {
    /// Where its path begins in `PATH`.
    pub path: u64,
    /// Its first column.
    pub columns: u32,
    pub reserved: u32,
}

/// The values of one kind that a field has. They end where those of the next column begin.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct ColumnEntry {
    pub kind: u32,
    /// How many documents have a value in it.
    pub documents: u32,
    /// Its first distinct value, as an index into `STRT`.
    pub first: u64,
    /// That value among those of its kind, as an index into `INTS`, `FLTS` or `STRS`; 0 for others.
    pub typed: u64,
    /// The first of its documents, as an index into `DOCS`.
    pub postings: u64,
}

/// What a field can be in a document. The first four have no value but themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Kind {
    /// A null.
    Null = 0,
    /// An array or an object without anything in it.
    Empty = 1,
    /// The boolean false.
    False = 2,
    /// The boolean true.
    True = 3,
    /// A number written without fraction and exponent that fits an `i64`.
    I64 = 4,
    /// Any other number, as the nearest `f64`.
    F64 = 5,
    /// A string.
    String = 6,
}

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    pub(super) fn new(number: u32) -> Option<Self> {
        use Kind::*;
        [Null, Empty, False, True, I64, F64, String]
            .into_iter()
            .find(|&kind| kind as u32 == number)
    }
}
