//! A file of document keys.

use std::path::Path;
use std::sync::Arc;

use super::LineFile;
use crate::error::{InputError, Place};

/// Reads keys, one a line, with their places; `-` is standard input. Blank lines are left out. The
/// keys are held whole.
///
/// # Errors
/// The file cannot be read, or a line is not UTF-8.
pub fn read_keys(path: &Path) -> Result<Vec<(Place, String)>, InputError> {
    let table = LineFile::open(path)?;
    let file: Arc<str> = table.file().into();
    let mut keys = Vec::new();
    table.each(|line, key| {
        let place = Place {
            file: Arc::clone(&file),
            line,
        };
        keys.push((place, key.to_owned()));
        Ok(())
    })?;
    Ok(keys)
}
