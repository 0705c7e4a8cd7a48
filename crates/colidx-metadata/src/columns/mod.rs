//! Metadata of a segment's documents as typed columns, read in place.
//!
//! Each field's values of one [`Kind`] are a column: its distinct values in order, and for each the
//! documents that have it, ascending, in one array for the whole segment. Equality, ranges and
//! prefixes are then slices of that array, found by binary search. index-format.md has the bytes.
//!
//! A field's path is its name, behind the path of the object that it belongs to and a dot. In a
//! name, a dot and a backslash stand behind a backslash: see [`field_path`]. Arrays are several
//! values of one field, also where they are nested; fields of objects in arrays likewise.
//! As any of a field's values counts, an array with a null in it is null among other things.

mod bits;
mod compare;
mod document;
mod error;
mod evaluate;
mod facets;
mod intern;
mod layout;
mod like;
mod read;
#[cfg(test)]
mod tests;
mod value;
mod verify;
mod write;

pub use bits::Bits;
pub use compare::Comparison;
pub use document::{check, field_path, has_fields};
pub use error::{ColumnsError, MetadataError};
pub use evaluate::holds_without_fields;
pub use facets::{ColumnSummary, Counts, FieldSummary};
pub use layout::{Kind, TAGS};
pub use read::Columns;
pub use value::ValueRef;
pub use write::{ColumnsWriter, Scratch, ScratchFile, Sections};

/// Most objects and arrays inside each other, the metadata itself among them.
pub const MAX_DEPTH: usize = 32;

/// Most fields that one document may have. A segment may have any number.
pub const MAX_FIELDS: usize = 16_384;

/// Most bytes of a field's path.
pub const MAX_PATH_BYTES: usize = 1024;
