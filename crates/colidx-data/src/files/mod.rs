//! Files: opened, decompressed, read line by line, walked folder by folder, and written whole.

mod keys;
mod line_file;
mod lines;
mod open;
mod output;
mod source;

pub use keys::read_keys;
#[cfg(unix)]
pub use open::Wait;
pub use open::open;
#[cfg(unix)]
pub use open::wait_with;
pub use output::{CompletedFile, OutputError, OutputFile, Protected};
pub use source::{STANDARD_INPUT, file_name};

pub(crate) use line_file::LineFile;
pub(crate) use lines::{Lines, LinesError};
pub(crate) use open::Waiting;
pub(crate) use output::is_index;
pub(crate) use source::{Source, file_on_the_way, read_error, unreadable};

#[cfg(test)]
pub(crate) use source::tests::{gzip, zst};
